"""The samples of what the wire and the store judge, each asked of a whole log."""

from typing import Any

import pytest
from lxml import etree

from itl.checks.catalogue import catalogue
from itl.checks.engine import Outcome
from itl.checks.sample import Sample, samples
from itl.checks.situation import message_of
from tests.hub.schemes import enrol_stl
from tests.hub.world import World

EVERY = [sample for code in catalogue() for sample in samples(code) if sample.wants_a_log]
ENVELOPE = (
    '<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/" '
    'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><e:Body>{}</e:Body></e:Envelope>'
)
WRAPPER = '<o:{0} xmlns:o="urn:KyotoProtocol:RegistrySystem:ITL:1.0:0.0">'


@pytest.mark.parametrize("sample", EVERY, ids=[f"{sample.code}: {sample.title}" for sample in EVERY])
def test_sample(world: World, sample: Sample) -> None:
    told = of_envelope if "envelope" in sample.situation else of_proposal
    codes = told(world, sample.situation)
    assert (sample.code in codes) == (sample.outcome is Outcome.FAILED), codes


def of_proposal(world: World, situation: Any) -> set[int]:
    """The codes that a proposal is answered with where another was accepted before."""
    enrol_stl(world)
    before = {"proposal": situation["accepted"]} if "accepted" in situation else {"relay": situation["accepted_relay"]}
    assert world.say(message_of(before)) == 1
    answer = world.call(message_of(situation))
    return set(answer.response_codes or ())


def of_envelope(world: World, situation: Any) -> set[int]:
    """The codes in the fault, none where there is no fault, to a Body in the sample's words."""
    text = situation["envelope"].strip().replace("{fill}", "x" * situation.get("fill", 0))
    operation = text[1 : text.index(">")]
    text = text.replace(f"<{operation}>", WRAPPER.format(operation), 1).replace(f"</{operation}>", f"</o:{operation}>")
    _, answer = world.post(ENVELOPE.format(text).encode(), operation, "gb")
    return {int(code.text) for code in etree.fromstring(answer).iterfind(".//detail//{*}code") if code.text}
