"""A PostgreSQL database put back into the state that it was made in, for that costs less than to drop and copy it."""

from __future__ import annotations

import json
from dataclasses import dataclass

import psycopg2
import sqlalchemy as sa

_PATIENCE = 10
_ROOM = 8 * 2**20
"""Bytes that a database may have grown by: rows that are deleted still take part in every scan."""

_LOOK = """
SELECT pg_database_size(current_database()),
    (SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()),
    (SELECT md5(string_agg(made, ' ' ORDER BY made)) FROM (
        SELECT concat('class ', oid, ' ', xmin) FROM pg_class WHERE oid >= 16384
        UNION ALL SELECT concat('column ', attrelid, ' ', attnum, ' ', xmin) FROM pg_attribute WHERE attrelid >= 16384
        UNION ALL SELECT concat('constraint ', oid, ' ', xmin) FROM pg_constraint WHERE oid >= 16384
        UNION ALL SELECT concat('trigger ', oid, ' ', xmin) FROM pg_trigger
        UNION ALL SELECT concat('function ', oid, ' ', xmin) FROM pg_proc WHERE oid >= 16384
    ) AS catalogue (made))
"""
"""Its size, who else is connected, and a digest of its schema: each change of it leaves a row of another `xmin`."""

_TABLES = "SELECT quote_ident(relname) FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
_SEQUENCES = "SELECT quote_ident(relname) FROM pg_class WHERE relkind = 'S' AND relnamespace = 'public'::regnamespace"


@dataclass(frozen=True, slots=True)
class FirstState:
    """What a database was like when it was made: its size and schema, and the statements that bring its rows back."""

    size: int
    schema: str
    statements: str

    @classmethod
    def of(cls, url: str) -> FirstState:
        """The state that the database at `url` is in; nobody else may be connected to it later than this."""
        connection = _connect(url)
        with connection, connection.cursor() as cursor:
            size, _, schema = _look(cursor)
            # As a replica no trigger fires, neither those that guard the past nor those of foreign keys.
            statements = ["SET LOCAL session_replication_role = replica"]
            for table in _column(cursor, _TABLES):
                statements.append(f"DELETE FROM {table}")
                cursor.execute(f"SELECT json_agg(t) FROM {table} AS t")
                [(rows,)] = cursor.fetchall()
                if rows:
                    values = cursor.mogrify("%s", (json.dumps(rows),)).decode()
                    made = f"SELECT * FROM json_populate_recordset(NULL::{table}, {values})"
                    statements.append(f"INSERT INTO {table} OVERRIDING SYSTEM VALUE {made}")
            for sequence in _column(cursor, _SEQUENCES):
                cursor.execute(f"SELECT last_value, is_called FROM {sequence}")
                [(value, called)] = cursor.fetchall()
                statements.append(f"SELECT setval('{sequence}', {value}, {called})")
        connection.close()
        return cls(size, schema, ";\n".join(statements))

    def restore(self, url: str) -> bool:
        """Whether the database at `url` is as it was made again.

        It is left alone where somebody is still connected, who might go on writing, where its schema was changed, and
        where it has grown; also for a role that is no superuser.
        """
        connection = _connect(url)
        try:
            with connection, connection.cursor() as cursor:
                size, others, schema = _look(cursor)
                for _ in range(_PATIENCE):
                    if not others:
                        break
                    cursor.execute("SELECT pg_sleep(0.005)")  # who has hung up is listed for a moment longer
                    connection.commit()
                    size, others, schema = _look(cursor)
                if others or schema != self.schema or size > self.size + _ROOM:
                    return False
                cursor.execute(self.statements)
                return True
        except psycopg2.errors.InsufficientPrivilege:
            return False
        finally:
            connection.close()


def _connect(url: str) -> psycopg2.extensions.connection:
    return psycopg2.connect(sa.make_url(url).set(drivername="postgresql").render_as_string(hide_password=False))


def _look(cursor: psycopg2.extensions.cursor) -> tuple[int, int, str]:
    cursor.execute(_LOOK)
    [(size, others, schema)] = cursor.fetchall()
    return size, others, schema


def _column(cursor: psycopg2.extensions.cursor, query: str) -> list[str]:
    cursor.execute(query)
    return [value for (value,) in cursor.fetchall()]
