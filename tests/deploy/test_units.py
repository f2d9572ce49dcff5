"""systemd units and container files: their form, and that what they start is understood by the programs."""

from __future__ import annotations

import configparser
import json
import re
import shlex
import shutil
import subprocess
from argparse import Namespace
from dataclasses import fields
from pathlib import Path

import pytest

from itl.cli.main import parser
from itl.settings import Settings

ROOT = Path(__file__).parents[2]
UNITS = sorted((ROOT / "deploy" / "systemd").glob("*.service"))
COMPOSE = ROOT / "deploy" / "compose" / "compose.yaml"
DOCKERFILE = ROOT / "deploy" / "compose" / "Dockerfile"
PROGRAM = "/opt/itl/bin/itl"

SETTINGS = {f"ITL_{field.name.upper()}" for field in fields(Settings)} | {"ITL_SETTINGS"}


def understood(words: list[str]) -> Namespace:
    return parser().parse_args(words)


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_a_unit_starts_a_program_as_it_wants_to_be_started(unit: Path) -> None:
    (started,) = re.findall(r"^ExecStart=(.+)$", unit.read_text(), re.MULTILINE)
    program, *words = shlex.split(started.replace("%i", "8080"))
    assert program == PROGRAM
    assert understood(words).run


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed")
def test_systemd_takes_the_units(tmp_path: Path) -> None:
    names = []
    for unit in UNITS:
        name = unit.name.replace("@", "@8080")
        (tmp_path / name).write_text(unit.read_text().replace(PROGRAM, "/bin/true"))
        names.append(str(tmp_path / name))
    command = ["systemd-analyze", "verify", "--man=no", *names]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    about_ours = [line for line in done.stderr.splitlines() if "itl-" in line]
    assert (done.returncode, about_ours) == (0, [])


def test_the_containers_start_what_the_programs_understand() -> None:
    text = COMPOSE.read_text()
    commands = [json.loads(found) for found in re.findall(r"^    command: (\[.*\])$", text, re.MULTILINE)]
    ours = [words for words in commands if words[0] != "postgres"]
    assert [words[0] for words in ours] == ["migrate", "serve", "worker"]
    (default,) = re.findall(r"^CMD (\[.*\])$", DOCKERFILE.read_text(), re.MULTILINE)
    for words in [*ours, json.loads(default)]:
        assert understood(words).run


@pytest.mark.parametrize("file", [COMPOSE, *UNITS], ids=lambda file: file.name)
def test_variables_are_settings(file: Path) -> None:
    named = set(re.findall(r"^(?!\s*#).*?\b(ITL_[A-Z_]+)[=:]", file.read_text(), re.MULTILINE))
    assert named
    assert named <= SETTINGS


def test_the_image_gets_every_package() -> None:
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg")
    packages = {name.partition(".")[0] for name in config["options"]["packages"].split()}
    moved = dict(line.split(" = ") for line in config["options"]["package_dir"].split("\n") if line)
    taken = set(re.findall(r"^!(.+)$", (DOCKERFILE.parent / "Dockerfile.dockerignore").read_text(), re.MULTILINE))
    assert {moved.get(name, name) for name in packages} | {"setup.cfg", "setup.py", "README.rst", "LICENSE"} == taken
