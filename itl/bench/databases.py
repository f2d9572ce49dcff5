"""Databases to measure on: new ones that are gone afterwards, or empty ones that are named."""

from __future__ import annotations

import getpass
import os
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

from sqlalchemy import NullPool, create_engine, make_url, text
from sqlalchemy.exc import SQLAlchemyError

from itl.bench import counts
from itl.clock import system_clock
from itl.errors import UsageError
from itl.reference import Registry, RegistryKind, Scheme
from itl.store.database import Database, normal_url
from itl.store.enrol_scheme import put_scheme
from itl.store.enrolment import kind_of, put_sandbox
from itl.store.reference_data import load_reference, put_registry, put_user
from itl.store.schema import migrate

VARIABLES = ("ITL_BENCH_POSTGRESQL", "ITL_TEST_POSTGRESQL")
"""Where the environment names a PostgreSQL server, whose role may create databases."""


@contextmanager
def new_sqlite(*, prepared: bool = True) -> Iterator[str]:
    """URL of a database in a temporary file; unless `prepared` there is no file yet."""
    with tempfile.TemporaryDirectory(prefix="itl-bench-") as directory:
        url = f"sqlite:///{Path(directory) / 'itl.db'}"
        if prepared:
            prepare(url)
        yield url


@contextmanager
def new_postgresql(server: str, *, prepared: bool = True) -> Iterator[str]:
    """URL of a database created on `server`, dropped afterwards; unless `prepared` it is empty."""
    name = f"itl_bench_{uuid4().hex[:12]}"
    _administer(server, f"CREATE DATABASE {name} TEMPLATE template0")
    try:
        url = make_url(server).set(database=name).render_as_string(hide_password=False)
        if prepared:
            prepare(url)
        yield url
    finally:
        _administer(server, f"DROP DATABASE {name} WITH (FORCE)")


@contextmanager
def named(url: str) -> Iterator[str]:
    """The database at `url`, which must be empty or at least hold no messages; what is measured stays in it."""
    prepare(url)
    if counts.accepted(url):
        raise UsageError(f"{make_url(url)} holds messages; measuring wants an empty database of its own")
    yield url


def find_postgresql(given: str | None, environment: Mapping[str, str] = os.environ) -> str | None:
    """URL of a database on the PostgreSQL server to use: the one given, named by the environment, or local.

    None if there is none. Raises UsageError where the one given or named cannot be used.
    """
    named_there = (environment[name] for name in VARIABLES if "://" in environment.get(name, ""))
    if server := given or next(named_there, None):
        server = normal_url(server)
        if problem := _problem(server):
            raise UsageError(f"PostgreSQL at {make_url(server)}: {problem}")
        return server
    users = dict.fromkeys(filter(None, (environment.get("PGUSER"), "postgres", getpass.getuser())))
    local = [f"postgresql+psycopg2://{user}@127.0.0.1:5432/postgres" for user in users]
    return next((url for url in local if _problem(f"{url}?connect_timeout=3") is None), None)


def prepare(url: str) -> None:
    """Bring a database to the newest schema, with the registries of the sandbox enrolled."""
    migrate(url)
    database = Database(url)
    with database.write() as connection:
        put_sandbox(connection, system_clock())
    database.close()


def enrol_more(url: str, codes: Iterable[str]) -> None:
    """Enrol further Parties' registries; user and password are the code in lower case, as in the sandbox."""
    database = Database(url)
    with database.write() as connection:
        known = load_reference(connection).registries
        for code in codes:
            if code not in known:
                put_registry(connection, Registry(code, kind_of(code)), system_clock())
                put_user(connection, code, code.lower(), code.lower())
    database.close()


def let_call(url: str, registry: str, address: str) -> None:
    """Enrol `address` as the one where the log calls a registry."""
    database = Database(url)
    with database.write() as connection:
        enrolled = load_reference(connection).registries[registry]
        put_registry(connection, replace(enrolled, url=address), system_clock())
    database.close()


def let_ask(url: str, member: str, code: str, address: str) -> None:
    """Enrol a scheme of one member, whose supplementary log `code` is called at `address` about everything."""
    database = Database(url)
    with database.write() as connection:
        put_registry(connection, Registry(code, RegistryKind.STL, url=address), system_clock())
        put_user(connection, code, code.lower(), code.lower())
        put_scheme(connection, Scheme(code, frozenset(), frozenset({member})))
    database.close()


def version(url: str) -> str:
    """The database's name and version."""
    database = Database(url)
    query = "SELECT sqlite_version()" if database.is_sqlite else "SHOW server_version"
    with database.read() as connection:
        number = connection.execute(text(query)).scalar_one()
    database.close()
    return f"{'SQLite' if database.is_sqlite else 'PostgreSQL'} {str(number).partition(' ')[0]}"


def _problem(url: str) -> str | None:
    try:
        may_create = _administer(url, "SELECT rolcreatedb OR rolsuper FROM pg_roles WHERE rolname = current_user")
    except SQLAlchemyError as error:
        return str(error.__cause__ or error).strip()
    return None if may_create else "its role may not create databases"


def _administer(url: str, statement: str) -> object:
    """Run `statement` outside a transaction; its first value, if it has any."""
    engine = create_engine(url, isolation_level="AUTOCOMMIT", poolclass=NullPool)
    try:
        with engine.connect() as connection:
            result = connection.execute(text(statement))
            return result.scalar() if result.returns_rows else None
    finally:
        engine.dispose()
