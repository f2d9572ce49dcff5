"""The directive `faulty-peers`: the faults by which the conformance suite is tested, as the tests have them."""

from __future__ import annotations

from docutils.statemachine import StringList
from sphinx.util.docutils import SphinxDirective

from registry_client.conformance.reports.reference import plain, table
from tests.conformance.faulty import checks
from tests.conformance.faulty.hubs import HUBS
from tests.conformance.faulty.registries import REGISTRIES
from tests.conformance.faulty.registries_at_the_wire import REGISTRIES as AT_THE_WIRE


class FaultyPeers(SphinxDirective):
    """`.. faulty-peers:: hubs`, or `registries`."""

    required_arguments = 1

    def run(self) -> list[object]:
        self.env.note_reread()  # the tests may have changed where the page has not
        lines = {"hubs": _hubs, "registries": _registries}[self.arguments[0]]()
        self.state_machine.insert_input(StringList(lines, source=__name__), __name__)
        return []


def _hubs() -> list[str]:
    of_checks = {each.name for each in checks.HUBS}
    without = [each for each in checks.HUBS if each.name.startswith("without-")]
    shown = [each for each in HUBS if each.name not in of_checks]
    said = (
        f"{len(HUBS)} hubs. {len(without)} of them lack one check of the log each, for every check that is tested, and "
        f"{len(checks.HUBS) - len(without)} tell one by another number; they break the requirement of that check. The "
        f"other {len(shown)}:"
    )
    rows = ((each.name, plain(each.does), ", ".join(each.breaks)) for each in shown)
    return [said, "", *table("24 50 26", ("hub", "what it does", "what it breaks"), rows)]


def _registries() -> list[str]:
    allowed = [each for each in REGISTRIES if each.allowed is not None]
    said = (
        f"{len(REGISTRIES) + len(AT_THE_WIRE)} registries: {len(REGISTRIES)} with faults of the simulator, of which "
        f"{len(allowed)} break nothing and must pass, and {len(AT_THE_WIRE)} that are wrong at the wire:"
    )
    rows = [(each.name, plain(each.does), plain(each.allowed or ", ".join(each.breaks))) for each in REGISTRIES]
    rows += [(each.name, plain(each.does), ", ".join(each.breaks)) for each in AT_THE_WIRE]
    return [said, "", *table("24 50 26", ("registry", "what it does", "what it breaks, or why nothing"), rows)]
