"""Taken off, the transaction log stands: its contracts hold, a hub starts, its tests pass."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
OF_THE_SUPPLEMENT = ("itl/supplement", "tests/supplement", "docs/supplement.rst", "docs/cutover.rst")
KEPT = ("itl", "registry_client", "schemas", "wsdl", "tests", "docs", "setup.cfg", "setup.py", "README.rst")
SELECTED = ("tests/test_roles.py", "tests/checks/test_catalogue.py", "tests/hub/test_notifications.py")

ONLY_HERE = """
import sys
sys.meta_path[:] = [each for each in sys.meta_path if "Editable" not in getattr(each, "__name__", "")]
"""
"""An editable installation would find what was taken off where it was taken from."""

START = """
from pathlib import Path
import itl
assert Path(itl.__file__).is_relative_to({tree!r}), itl.__file__
from itl.cli.main import main, parser
from itl.hub import Hub
from itl.roles import roles
from itl.settings import Settings
assert roles() == {{}}
try:
    parser().parse_args(["supplement", "members"])
except SystemExit:
    pass
else:
    raise AssertionError("there is a command for what is not there")
database = "sqlite:///{tree}/itl.db"
assert main(["migrate", "--database", database]) == 0
hub = Hub(Settings(database=database))
hub.application()
hub.settle_down()
hub.close()
try:
    Hub(Settings(database=database, role="stl"))
except itl.errors.UsageError as error:
    print(error)
"""


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project without the supplement."""
    copy = tmp_path_factory.mktemp("taken_off")
    for name in KEPT:
        source = ROOT / name
        ignore = shutil.ignore_patterns("__pycache__", "*.egg-info", "_build")
        if source.is_dir():
            shutil.copytree(source, copy / name, ignore=ignore)
        else:
            shutil.copy(source, copy / name)
    for name in OF_THE_SUPPLEMENT:
        gone = copy / name
        shutil.rmtree(gone) if gone.is_dir() else gone.unlink()
    for package, name in (("itl_schemas", "schemas"), ("itl_wsdl", "wsdl")):
        (copy / package).symlink_to(copy / name)
    (copy / "sitecustomize.py").write_text(ONLY_HERE)
    return copy


def run(tree: Path, *command: str) -> str:
    environment = {**os.environ, "PYTHONPATH": str(tree)}
    done = subprocess.run(command, cwd=tree, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_contracts_of_the_house_hold(tree: Path) -> None:
    lint = (str(Path(sys.executable).parent / "lint-imports"), "--no-cache")
    assert "0 broken" in run(tree, *lint)
    broken = tree / "itl" / "errors.py"
    whole = broken.read_text()
    broken.write_text(f"{whole}\nimport itl.store.tables\n")
    with pytest.raises(AssertionError, match="Dependencies point one way BROKEN"):
        run(tree, *lint)
    broken.write_text(whole)


def test_a_hub_starts_and_knows_no_such_role(tree: Path) -> None:
    told = run(tree, sys.executable, "-c", START.format(tree=str(tree)))
    assert "role: 'stl' is not installed here; known are itl" in told


def test_its_tests_pass(tree: Path) -> None:
    passed = run(
        tree, sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *SELECTED, "-k", "not postgresql"
    )
    assert " passed" in passed


def test_nothing_else_of_the_house_speaks_of_it(tree: Path) -> None:
    """But the seam by which it is found."""
    found = [
        str(path.relative_to(tree))
        for path in sorted([*tree.glob("itl/**/*.py"), *tree.glob("registry_client/**/*.py")])
        if "itl.supplement" in path.read_text()
    ]
    assert found == ["itl/roles.py"]
