"""That the pages are true: commands parse, settings are all there with their defaults, pages and code name the same."""

from __future__ import annotations

import configparser
import re
import shutil
import subprocess
import sys
from argparse import ArgumentParser, _HelpAction, _SubParsersAction
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import pytest

from itl import __version__
from itl.checks.catalogue import catalogue
from itl.cli import main
from itl.settings import Settings, load_settings
from itl.wire.decode import decode_any
from itl.wire.raw import read_http_or_envelope
from registry_client import arguments
from tests.docs.pages import EXAMPLES, PAGES, PROGRAMS, ROOT, CommandLine, command_lines

LINES = sorted(set(command_lines()), key=str)
PARSERS = {"itl": main.parser, "registry": arguments.parser}


def commands(parser: ArgumentParser, *before: str) -> Iterator[tuple[tuple[str, ...], ArgumentParser]]:
    """Each command with the words that name it; a command of a command too."""
    for action in parser._actions:
        if isinstance(action, _SubParsersAction):
            for name, command in action.choices.items():
                yield (*before, name), command
                yield from commands(command, *before, name)


def test_the_pages_show_the_programs() -> None:
    assert {line.program for line in LINES} == set(PROGRAMS)
    shown = [set(line.words) for line in LINES if line.program == "itl"]
    unseen = [name for name, _ in commands(main.parser()) if not any(set(name) <= words for words in shown)]
    assert unseen == [], "every command is shown somewhere"


def test_the_pages_show_every_switch() -> None:
    """What changes what a command does, or shows, and takes no value."""
    unseen = [
        (*name, option)
        for name, command in commands(main.parser())
        for each in command._actions
        if each.nargs == 0 and not isinstance(each, _HelpAction)
        for option in each.option_strings
        if option != "--json" and not any({*name, option} <= set(line.words) for line in LINES)
    ]
    assert unseen == []


@pytest.mark.parametrize("program", PROGRAMS)
def test_every_argument_says_what_it_is(program: str) -> None:
    dumb = [
        (name, each.dest)
        for name, command in commands(PARSERS[program]())
        for each in command._actions
        if not (each.help or isinstance(each, _SubParsersAction))
    ]
    assert dumb == []


@pytest.mark.parametrize("line", LINES, ids=str)
def test_a_command_line_parses(line: CommandLine) -> None:
    parser = PARSERS[line.program]()
    if line.is_mention and len(line.words) == 1 and not line.words[0].startswith("-"):
        assert (line.words[0],) in dict(commands(parser))
        return
    if {"--help", "--version"} & set(line.words):
        return
    try:
        parser.parse_args([word for word in line.words if word != "..."])
    except SystemExit:
        pytest.fail(f"{line} is not understood")


def test_a_command_line_that_is_wrong_is_seen() -> None:
    with pytest.raises(pytest.fail.Exception):
        test_a_command_line_parses(CommandLine("nowhere", "itl enrol GB --colour red", is_mention=False))


def documented_settings() -> dict[str, str]:
    """Default by setting, as the table of the page has them."""
    rows = re.findall(r"^   \* - ``(\w+)``\n     - (.+)\n", (ROOT / "docs" / "settings.rst").read_text(), re.MULTILINE)
    return {name: default.strip("`") for name, default in rows}


def test_every_setting_is_documented_with_its_default() -> None:
    written = documented_settings()
    assert set(written) == {field.name for field in fields(Settings)}
    plain = Settings()
    for name, default in written.items():
        value = getattr(plain, name)
        if default == "none":
            assert not value, name
        else:
            assert getattr(load_settings(environment={f"ITL_{name.upper()}": default}), name) == value, name


def test_the_settings_of_production_are_settings() -> None:
    load_settings(ROOT / "deploy" / "itl.toml", environment={})


def test_every_dependency_is_explained_with_its_pin() -> None:
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg")
    declared = {line for line in config["options"]["install_requires"].split("\n") if line}
    page = (ROOT / "docs" / "dependencies.rst").read_text()
    assert set(re.findall(r"^   \* - ``(.+)``$", page, re.MULTILINE)) == declared
    names = [re.split("[<>=]", line)[0] for line in config["options.extras_require"]["test"].split("\n") if line]
    assert [name for name in names if f"``{name}``" not in page] == []


CODE = re.compile(r"(?<![\d,.:/_-])([1-5]\d{3})(?![\d,.:/-]|\w)")
OTHER_NUMBERS = {1000, 1100, 3000, 3600, 4099}
"""Units in an example, an account, blocks of a load, an hour, and the invented code of how a check is added."""


def test_codes_that_pages_name_are_in_the_catalogue() -> None:
    named = {int(code) for page in PAGES for code in CODE.findall(page.read_text())}
    assert named - catalogue().keys() <= OTHER_NUMBERS


def test_the_changelog_has_this_version() -> None:
    assert re.search(rf"^{re.escape(__version__)}\n-+$", (ROOT / "CHANGELOG.rst").read_text(), re.MULTILINE)


@pytest.mark.parametrize("file", sorted(EXAMPLES.glob("*.xml")), ids=lambda file: file.name)
def test_an_example_can_be_decoded(file: Path) -> None:
    assert decode_any(read_http_or_envelope(file.read_bytes())).message.sender == "GB"


def test_files_that_pages_name_are_there() -> None:
    named = {
        name
        for page in PAGES
        for name in re.findall(r"``((?:docs|deploy|tests|itl|wsdl|schemas)/[\w./@-]+)``", page.read_text())
    }
    missing = sorted(name for name in named if not (ROOT / name).exists())
    assert [name for name in missing if "4099" not in name and not name.startswith("docs/_build")] == []


def test_the_pages_build_without_a_warning(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "sphinx", "-W", "-q", "-b", "dummy", "-d", str(tmp_path), "docs", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_make_has_the_targets_that_the_readme_names() -> None:
    make = shutil.which("make")
    if make is None:
        pytest.skip("make is not installed")
    for target in set(re.findall(r"make (\w+)", (ROOT / "README.rst").read_text())) - {"set"}:
        done = subprocess.run([make, "--dry-run", target], cwd=ROOT, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
