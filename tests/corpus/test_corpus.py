"""A changed rule shows as a changed number: the corpus is judged as it was when its hits were written down."""

from dataclasses import replace
from datetime import timedelta
from itertools import islice

from itl.checks import door, judge
from itl.lifecycle.routing import asked
from itl.messages import dump
from itl.reference import Route, Scheme
from tests.corpus.hits import FILE, sender_of, table
from tests.corpus.proposals import COUNT, proposals
from tests.corpus.world import NOW, REFERENCE, VIEW


def test_the_corpus_hits_each_code_as_often_as_is_written_down() -> None:
    """If this was meant to change: `python -m tests.corpus`, and commit the difference with the rule."""
    assert table().splitlines() == FILE.read_text(encoding="utf-8").splitlines()


def test_the_corpus_is_the_same_each_time() -> None:
    assert list(map(dump, islice(proposals(), 50))) == list(map(dump, islice(proposals(), 50)))
    assert COUNT >= 5_000


def test_the_verdict_is_the_same_whoever_else_is_asked() -> None:
    """The types that schemes define stay (2003 and 5401 ask for them); whom they make the log ask changes nothing."""
    everybody = frozenset(REFERENCE.registries)
    schemes = (
        *(replace(each, routes=frozenset({Route(99)})) for each in REFERENCE.schemes),
        Scheme("XSTL", frozenset(), everybody, answer_within=timedelta(hours=1)),
    )
    other = replace(REFERENCE, schemes=schemes)
    view = replace(VIEW, reference=other)
    differing = 0
    for request in islice(proposals(), 0, None, 10):
        sender = sender_of(request)
        assert door.proposal(request, sender, other, NOW) == door.proposal(request, sender, REFERENCE, NOW)
        assert judge.proposal(request, view) == judge.proposal(request, VIEW)
        proposal = request.proposed_transaction
        differing += asked(proposal, schemes) != asked(proposal, REFERENCE.schemes)
    assert differing > 100
