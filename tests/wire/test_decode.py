"""What the log reads of one message, spelled in every way that real stacks have."""

from __future__ import annotations

import json
import random
from datetime import UTC, date, datetime
from pathlib import Path

import msgspec
import pytest
from msgspec.structs import replace

from itl.messages import ITLNoticeRequest, NotificationRequest, ProposalRequest, TransactionUnitBlock
from itl.wire.contract import Port
from itl.wire.decode import decode_any, decode_request
from itl.wire.limits import MEBIBYTE
from tests.wire.dialects import DIALECTS
from tests.wire.envelopes import BLOCK, envelope, proposal
from tests.wire.test_codec import PROPOSAL

NUMBERS = [item.name for item in msgspec.structs.fields(TransactionUnitBlock) if item.type in (int, int | None)][2:]
SAMPLES = Path(__file__).parent / "samples"


def _part_by_reference() -> bytes:
    body = proposal()
    start, end = body.index(b"<acceptProposalRequest>"), body.index(b"</itl:acceptProposal>")
    content = (
        body[start:end].replace(b"acceptProposalRequest>", b"multiRef>").replace(b"<multiRef>", b'<multiRef id="p">')
    )
    body = body[:start] + b'<acceptProposalRequest href="#p"/>' + body[end:]
    return body.replace(b"</e:Body>", content + b"</e:Body>")


PLAIN = decode_any(proposal()).message


def test_the_plain_message() -> None:
    assert isinstance(PLAIN, ProposalRequest)
    (block,) = PLAIN.proposed_transaction.proposal_unit_blocks
    assert (block.unit_serial_block_start, block.unit_serial_block_end) == (1, 10)
    assert block.track is None


def test_both_spellings_of_axis_say_the_same() -> None:
    samples = [
        json.loads((SAMPLES / name).read_text())
        for name in ("axis-acceptProposal-external.json", "axisnomultiref-acceptProposal.json")
    ]
    assert samples[0] == samples[1]


SAME = {
    "white space between elements": lambda: proposal().replace(b"><", b">\n  <"),
    "white space around numbers": lambda: proposal().replace(b"<unitType>1<", b"<unitType>\r\n\t1 <"),
    "a plus sign and leading zeros": lambda: proposal().replace(b"<unitType>1<", b"<unitType>+0001<"),
    "wrapper in the types' namespace": lambda: proposal().replace(b"itl:acceptProposal>", b"t:acceptProposal>"),
    "qualified children": lambda: proposal().replace(b"<from>GB</from>", b"<t:from>GB</t:from>"),
    "children qualified with the service's namespace": lambda: proposal().replace(
        b"<from>GB</from>", b"<itl:from>GB</itl:from>"
    ),
    "a prefix declared on the element itself": lambda: proposal().replace(
        b"<from>GB</from>", b'<q:from xmlns:q="urn:KyotoProtocol:RegistrySystem:ITL:Types:1.0:0.0">GB</q:from>'
    ),
    "a default namespace undone": lambda: proposal().replace(
        b"<itl:acceptProposal><acceptProposalRequest>",
        b'<itl:acceptProposal xmlns="urn:x"><acceptProposalRequest xmlns="">',
    ),
    "any order": lambda: proposal(
        "<minorVersion>1</minorVersion><to>ITL</to><majorVersion>1</majorVersion><from>GB</from>"
    ),
    "a wrong xsi:type": lambda: proposal().replace(b"<unitType>", b'<unitType xsi:type="xsd:long">'),
    "an unknown prefix in xsi:type": lambda: proposal().replace(b"<unitType>", b'<unitType xsi:type="no:such">'),
    "arrays with arrayType": lambda: proposal().replace(
        b"<proposalUnitBlocks>", b'<proposalUnitBlocks enc:arrayType="t:TransactionUnitBlock[1]" xsi:type="enc:Array">'
    ),
    "arrayType without a size": lambda: proposal().replace(
        b"<proposalUnitBlocks>", b'<proposalUnitBlocks enc:arrayType="t:TransactionUnitBlock[]">'
    ),
    "arrayType with a wrong size": lambda: proposal().replace(
        b"<proposalUnitBlocks>", b'<proposalUnitBlocks enc:arrayType="t:TransactionUnitBlock[999999999]">'
    ),
    "items of any name": lambda: proposal().replace(b"item>", b"whatever>"),
    "items that are qualified": lambda: proposal().replace(b"item>", b"t:TransactionUnitBlock>"),
    "position": lambda: proposal().replace(b"<item>", b'<item enc:position="[0]">'),
    "nil optionals": lambda: proposal(more='<notificationIdentifier xsi:nil="true"/>'),
    "nil with a type": lambda: proposal(more='<notificationIdentifier xsi:type="xsd:int" xsi:nil="1"/>'),
    "nil with a close tag": lambda: proposal(more='<notificationIdentifier xsi:nil="true"></notificationIdentifier>'),
    "nil by reference": lambda: proposal(
        more='<notificationIdentifier href="#n"/>', behind='<multiRef id="n" xsi:nil="true"/>'
    ),
    "the whole part by reference": _part_by_reference,
    "the array by reference": lambda: proposal(
        blocks='<proposalUnitBlocks href="#a"/>', behind=f'<enc:Array id="a"><Item>{BLOCK}</Item></enc:Array>'
    ),
    "an item by reference": lambda: proposal(
        blocks='<proposalUnitBlocks><item href="#b"/></proposalUnitBlocks>',
        behind=f'<t:TransactionUnitBlock id="b">{BLOCK}</t:TransactionUnitBlock>',
    ),
    "a string by reference": lambda: (
        proposal()
        .replace(b"<from>GB</from>", b'<from href="#s"/>')
        .replace(b"</e:Body>", b'<id id="s" xsi:type="xsd:string">GB</id></e:Body>')
    ),
    "a number shared": lambda: proposal(
        '<from>GB</from><to>ITL</to><majorVersion href="#i"/><minorVersion href="#i"/>',
        behind='<multiRef id="i" enc:root="0">\n1\n</multiRef>',
    ),
    "a target in the tree": lambda: proposal(
        '<from>GB</from><to>ITL</to><majorVersion id="i">1</majorVersion><minorVersion href="#i"/>'
    ),
    "a target behind the Body": lambda: proposal(
        '<from>GB</from><to>ITL</to><majorVersion>1</majorVersion><minorVersion href="#i"/>'
    ).replace(b"</e:Body>", b'</e:Body><x id="i">1</x>'),
    "a reference element with blanks in it": lambda: proposal(
        '<from>GB</from><to>ITL</to><majorVersion>1</majorVersion><minorVersion href="#i">\n </minorVersion>',
        behind='<multiRef id="i">1</multiRef>',
    ),
    "an id that nobody refers to": lambda: proposal(behind='<multiRef id="x">rubbish</multiRef>'),
    "comments and instructions": lambda: proposal().replace(
        b"<unitType>1<", b"<!-- c --><?p i?><unitType><!-- c -->1<?p i?><"
    ),
    "a number in a CDATA section": lambda: proposal().replace(b"<unitType>1<", b"<unitType><![CDATA[1]]><"),
    "an empty header": lambda: proposal().replace(b"<e:Body>", b"<e:Header/><e:Body>"),
    "headers for others": lambda: proposal().replace(
        b"<e:Body>", b'<e:Header><t:x e:mustUnderstand="1" e:actor="urn:other"/><t:y/></e:Header><e:Body>'
    ),
    "a byte order mark": lambda: b"\xef\xbb\xbf" + proposal(),
    "a declaration with single quotes": lambda: b"<?xml version='1.0' encoding='utf-8'?>\n" + proposal(),
}


@pytest.mark.parametrize("spelling", SAME)
def test_spellings_of_the_same(spelling: str) -> None:
    assert decode_request(Port.TRANSACTION_LOG, SAME[spelling]()).message == PLAIN


@pytest.mark.parametrize(
    "spelling",
    [
        "<evaluationResult/>",
        "<evaluationResult></evaluationResult>",
        '<evaluationResult enc:arrayType="t:EvaluationResult[0]" xsi:type="enc:Array"/>',
        '<evaluationResult enc:arrayType="t:EvaluationResult[0]">\n</evaluationResult>',
        '<evaluationResult href="#a"/>',
    ],
)
def test_spellings_of_an_empty_array(spelling: str) -> None:
    body = envelope(
        "<itl:acceptNotification><acceptNotificationRequest><from>GB</from><to>ITL</to><majorVersion>1</majorVersion>"
        "<minorVersion>1</minorVersion><transactionIdentifier>GB1</transactionIdentifier>"
        f"<transactionStatus>4</transactionStatus><partyType>0</partyType>{spelling}</acceptNotificationRequest>"
        '</itl:acceptNotification><enc:Array id="a" enc:arrayType="t:EvaluationResult[0]"/>'
    )
    message = decode_any(body).message
    assert isinstance(message, NotificationRequest)
    assert message.evaluation_result == ()


def test_equal_references_give_the_same_object() -> None:
    items = '<item href="#b"/>' * 3_000
    body = proposal(
        blocks=f"<proposalUnitBlocks>{items}</proposalUnitBlocks>", behind=f'<multiRef id="b">{BLOCK}</multiRef>'
    )
    blocks = decode_any(body).message.proposed_transaction.proposal_unit_blocks
    assert len(blocks) == 3_000
    assert len({id(block) for block in blocks}) == 1


def test_three_thousand_blocks_of_axis_fit() -> None:
    """Every element given and no number shared: the largest that a registry can send as one transaction."""
    blocks = tuple(
        TransactionUnitBlock(
            unit_serial_block_start=10**14 + number * 1000,
            unit_serial_block_end=10**14 + number * 1000 + 999,
            originating_registry_code="GB",
            **dict.fromkeys(NUMBERS, 10**9 + number),
            block_role="REP",
            expiry_date=date(2030, 1, 1),
        )
        for number in range(3_000)
    )
    head = PROPOSAL.proposed_transaction
    message = replace(PROPOSAL, proposed_transaction=replace(head, proposal_unit_blocks=blocks))
    body = DIALECTS["axis"]("acceptProposal", message, random.Random(1))
    assert len(body) > 5 * MEBIBYTE
    assert decode_request(Port.TRANSACTION_LOG, body).message == message


def test_the_first_use_in_place_and_the_second_by_reference_are_the_same_object() -> None:
    blocks = f'<proposalUnitBlocks><item id="ref1">{BLOCK}</item><item href="#ref1"/></proposalUnitBlocks>'
    first, second = decode_any(proposal(blocks=blocks)).message.proposed_transaction.proposal_unit_blocks
    assert first is second


def notice(element: str, text: str) -> ITLNoticeRequest:
    values = {"messageDate": "2026-01-01T00:00:00Z", "targetValue": "1", "targetDate": "2026-01-01", "unitType": "1"}
    values[element] = text
    content = "".join(f"<{name}>{value}</{name}>" for name, value in values.items())
    body = envelope(
        "<itl:acceptITLNotice><acceptITLNoticeRequest><from>ITL</from><to>GB</to><majorVersion>1</majorVersion>"
        "<minorVersion>1</minorVersion><messageContent> two\nlines </messageContent>"
        "<notificationType>1</notificationType>"
        "<notificationIdentifier>1</notificationIdentifier><notificationStatus>1</notificationStatus>"
        f"{content}</acceptITLNoticeRequest></itl:acceptITLNotice>"
    )
    message = decode_request(Port.REGISTRY, body).message
    assert isinstance(message, ITLNoticeRequest)
    return message


def test_text_keeps_its_white_space() -> None:
    assert notice("unitType", "1").message_content == " two\nlines "


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2011-11-22T07:20:00.123Z", datetime(2011, 11, 22, 7, 20, 0, 123_000, UTC)),
        ("2011-11-22T07:20:00Z", datetime(2011, 11, 22, 7, 20, tzinfo=UTC)),
        ("2011-11-22T07:20:00+09:00", datetime(2011, 11, 21, 22, 20, tzinfo=UTC)),
        ("2011-11-22T07:20:00-00:30", datetime(2011, 11, 22, 7, 50, tzinfo=UTC)),
        ("2011-11-22T07:20:00", datetime(2011, 11, 22, 7, 20, tzinfo=UTC)),
        ("2011-11-22T07:20:00.1234567890Z", datetime(2011, 11, 22, 7, 20, 0, 123_456, UTC)),
        ("2011-11-22T24:00:00Z", datetime(2011, 11, 23, tzinfo=UTC)),
        ("\n 2011-11-22T07:20:00Z\t", datetime(2011, 11, 22, 7, 20, tzinfo=UTC)),
    ],
)
def test_times(text: str, moment: datetime) -> None:
    assert notice("messageDate", text).message_date == moment


@pytest.mark.parametrize("text", ["2012-12-31", "2012-12-31Z", "2012-12-31+02:00", " 2012-12-31 "])
def test_dates(text: str) -> None:
    assert notice("targetDate", text).target_date == date(2012, 12, 31)


@pytest.mark.parametrize("value", [0, -1, 2**31, -(2**63), 2**63 - 1])
def test_longs(value: int) -> None:
    assert notice("targetValue", str(value)).target_value == value
