"""What a log of one's own has to be told beside its registries: known Parties, ends of true-up, projects.

Version 0.1 has no command for these. Run it with the log's settings (ITL_DATABASE or ITL_SETTINGS); a running log
takes the changes up at once.
"""

from itl.codes import UnitType
from itl.settings import load_settings
from itl.store import tables
from itl.store.database import Database
from itl.store.enrolment import TRUE_UP_END, put_parties, put_true_up
from itl.store.reference_data import put


def record(url: str) -> None:
    """Write it into the database at `url`; what is there already is brought to these values."""
    database = Database(url)
    with database.write() as connection:
        put_parties(connection, ["GB", "FR", "IN"])  # whose units there may be, enrolled or not
        for party in ("GB", "FR"):
            put_true_up(connection, party, TRUE_UP_END)
        put(
            connection,
            tables.projects,
            [{"host": "IN", "number": 1, "unit_type": int(UnitType.CER), "track": None}],
        )
    database.close()


if __name__ == "__main__":
    record(load_settings().database)
