"""The registry's side without the log: the parts of `itl` that it needs, and a hub that is not ours."""

from __future__ import annotations

import configparser
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

NEEDED = ("clock", "codes", "errors", "messages", "wire")
"""What of `itl` the registry's side needs."""

OF_THE_LOG = ("alembic", "psycopg2", "signxml", "cryptography")
"""Packages that only the log needs."""

ALONE = """
import sys
from pathlib import Path

tree = Path(sys.argv[1])
sys.path[:0] = [str(tree), str(tree / "tools")]

from foreign_hub import ForeignHub
from itl.codes import UnitType
from itl.wire.server import serve
from registry_client import main
from registry_client.client import RegistryClient
from registry_client.endpoint import application
from registry_client.registry import Registry
from registry_client.settings import Settings

hub = ForeignHub()
client = RegistryClient(hub.url, code="GB", user="gb", password="gb")
registry = Registry(Settings(code="GB"), client)
with serve(application(registry)) as server:
    registry.start()
    identifier = registry.issue(UnitType.AAU, 100, period=2)
    assert hub.next() == ("acceptProposal", identifier, None)
    assert hub.notify(server.url, "GB", identifier, 2) == 1
    assert hub.next() == ("acceptNotification", identifier, "4")
    ended = registry.wait(identifier, 30)
registry.close()
client.close()
hub.close()
print(identifier, ended.state, registry.code)
ours = {name for name in sys.modules if name.split(".")[0] in ("itl", "registry_client", "itl_schemas", "itl_wsdl")}
foreign = sorted(name for name in ours if not (sys.modules[name].__file__ or str(tree)).startswith(str(tree)))
print("not of the tree:", foreign)
print("of the log:", sorted(set(sys.argv[2:]) & set(sys.modules)))
"""


def test_the_contract_lists_all_that_is_not_needed() -> None:
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg")
    forbidden = config["importlinter:contract:client"]["forbidden_modules"].split()
    rooms = {
        file.stem
        for file in (ROOT / "itl").iterdir()
        if (file.suffix == ".py" and file.stem != "__init__") or (file / "__init__.py").exists()
    }
    comes_off = {"supplement"}  # a contract cannot name what may not be there: tests/supplement/test_taken_off.py looks
    assert {f"itl.{room}" for room in rooms - set(NEEDED) - comes_off} == set(forbidden)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A copy of what the registry's side needs, and nothing else."""
    ignore = shutil.ignore_patterns("__pycache__")
    (tmp_path / "itl").mkdir()
    for name in ("__init__", *NEEDED):
        if (ROOT / "itl" / name).is_dir():
            shutil.copytree(ROOT / "itl" / name, tmp_path / "itl" / name, ignore=ignore)
        else:
            shutil.copy(ROOT / "itl" / f"{name}.py", tmp_path / "itl")
    for source, name in (("registry_client", "registry_client"), ("schemas", "itl_schemas"), ("wsdl", "itl_wsdl")):
        shutil.copytree(ROOT / source, tmp_path / name, ignore=ignore)
    (tmp_path / "tools").mkdir()
    shutil.copy(Path(__file__).parent / "foreign_hub.py", tmp_path / "tools")
    return tmp_path


def test_a_registry_works_without_the_log_and_with_a_hub_that_is_not_ours(tree: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", ALONE, str(tree), *OF_THE_LOG], cwd=tree, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == ["GB100001 completed GB", "not of the tree: []", "of the log: []"]
