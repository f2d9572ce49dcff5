"""The rule that a unit is in one place, as each database enforces it."""

from __future__ import annotations

EXTENSION = "CREATE EXTENSION IF NOT EXISTS btree_gist"


def exclusion(table: str) -> str:
    """PostgreSQL: no two rows of `table` share a serial of an originating registry."""
    return (
        f"ALTER TABLE {table} ADD CONSTRAINT ex_{table}_serials EXCLUDE USING gist "
        "(originating_registry WITH =, int8range(serial_start, serial_end, '[]') WITH &&)"
    )


def triggers(table: str) -> list[str]:
    """SQLite: the same. Rows are disjoint so far, so just the last one that starts within reach can overlap."""
    return [
        f"""
        CREATE TRIGGER tg_{table}_{event} BEFORE {event} ON {table}
        WHEN EXISTS (
            SELECT 1 FROM (
                SELECT id, serial_end FROM {table}
                WHERE originating_registry = NEW.originating_registry AND serial_start <= NEW.serial_end
                    AND id IS NOT {"OLD.id" if event == "UPDATE" else "NULL"}
                ORDER BY serial_start DESC LIMIT 1
            ) WHERE serial_end >= NEW.serial_start
        )
        BEGIN SELECT RAISE(ABORT, 'a serial of {table} stands in two rows'); END
        """  # noqa: S608 - the table's name is ours
        for event in ("INSERT", "UPDATE")
    ]
