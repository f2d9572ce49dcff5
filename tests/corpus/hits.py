"""How often each code is hit by the corpus, as a table that a test compares with the one that is written down."""

from __future__ import annotations

import csv
from collections import Counter, defaultdict
from io import StringIO
from pathlib import Path

from itl.checks import door, judge
from itl.checks.catalogue import JudgedBy, catalogue
from itl.checks.engine import CHECKS, Outcome
from itl.checks.sender import Sender
from itl.messages import ProposalRequest
from tests.corpus.proposals import oversized, proposals
from tests.corpus.world import NOW, REFERENCE, VIEW

FILE = Path(__file__).with_name("hits.csv")
COLUMNS = (Outcome.FAILED, Outcome.PASSED, Outcome.NOT_APPLICABLE, Outcome.NOT_IN_EFFECT, Outcome.SKIPPED)


def hits() -> dict[int, Counter[Outcome]]:
    """Outcomes by code, of all checks at the door and in the worker. A door that refuses ends a proposal's way."""
    found: dict[int, Counter[Outcome]] = defaultdict(Counter)
    for request in (*proposals(), oversized()):
        refused = door.proposal(request, sender_of(request), REFERENCE, NOW)
        for code in refused:
            found[code][Outcome.FAILED] += 1
        if not refused:
            for result in judge.proposal(request, VIEW).results:
                found[result.code][result.outcome] += 1
    return found


def sender_of(request: ProposalRequest) -> Sender:
    """Who calls: who the message says, and nobody for a code that is not enrolled.

    At times FR shows a certificate that has run out, and JP speaks for itself with that of GB.
    """
    number = request.proposed_transaction.transaction_identifier[-2:]
    code = "GB" if (request.sender, number) == ("JP", "55") else request.sender
    return Sender(code if code in REFERENCE.registries else None, (request.sender, number) != ("FR", "77"))


def table() -> str:
    """A row for each code that is judged of proposals, in the order of the catalogue."""
    found = hits()
    at_the_door = {code for stage in door.PROPOSAL for code in stage}
    judged = at_the_door | {code for code in CHECKS if catalogue()[code].judged is JudgedBy.WORKER} | found.keys()
    text = StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("code", *(outcome.value.replace(" ", "_") for outcome in COLUMNS)))
    for code in catalogue():
        if code in judged:
            writer.writerow((code, *(found[code][outcome] for outcome in COLUMNS)))
    return text.getvalue()
