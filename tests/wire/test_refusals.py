"""What the log says of a message that it cannot read: every error, with its code, its place and its reason."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from itl.wire.contract import Port
from itl.wire.decode import decode_any, decode_request
from itl.wire.encode import encode_request
from itl.wire.faults import ClientFault, MustUnderstandFault, VersionMismatchFault
from itl.wire.limits import Limits
from tests.wire.envelopes import envelope, proposal
from tests.wire.test_codec import NOTIFICATION, PROPOSAL
from tests.wire.test_decode import PLAIN, notice


@pytest.mark.parametrize(
    ("element", "text"),
    [
        *(
            ("unitType", text)
            for text in ("", " ", "1.0", "1e3", "1_000", "0x1", "--1", "\u0661", "1 000", "2147483648", "NaN")
        ),
        *(("unitType", text) for text in ("-2147483649", "true", "1" * 5_000, "²", "\u00a01")),
        *(("targetValue", text) for text in (str(2**63), "-9223372036854775809")),
        *(
            ("targetDate", text)
            for text in ("2012-13-01", "2012-02-30", "31.12.2012", "2012-12-31T00:00:00", "", "12-12-31")
        ),
        *(("targetDate", text) for text in ("2012-12-31+15:00", "-2012-12-31", "20121231", "2012-W01-1")),
        *(("messageDate", text) for text in ("", "2011-11-22", "2011-11-22 07:20:00", "2011-11-22T25:00:00Z")),
        *(("messageDate", text) for text in ("2011-11-22T24:00:01Z", "2011-11-22T07:20Z", "2011-11-22T07:20:60Z")),
        *(
            ("messageDate", text)
            for text in ("2011-11-22T07:20:00.Z", "2011-11-22T07:20:00z", "0001-01-01T00:00:00+14:00")
        ),
        *(("messageDate", text) for text in ("2011-11-22T07:20:00+0900", "Tue Nov 22 2011", "1321946400")),
    ],
)
def test_wrong_values_are_1102_at_their_place(element: str, text: str) -> None:
    with pytest.raises(ClientFault) as refused:
        notice(element, text)
    assert [(entry.code, entry.path) for entry in refused.value.entries] == [
        (1102, f"/acceptITLNoticeRequest/{element}")
    ]


PART = "/acceptProposalRequest"
BLOCKS = f"{PART}/proposedTransaction/proposalUnitBlocks"

WRONG: dict[str, tuple[Callable[[], bytes], list[tuple[int | None, str]]]] = {
    "missing": (lambda: proposal().replace(b"<from>GB</from>", b""), [(1101, f"{PART}/from")]),
    "missing in an item": (
        lambda: proposal().replace(b"<unitType>1</unitType>", b""),
        [(1101, f"{BLOCKS}/item[1]/unitType")],
    ),
    "nil where required": (
        lambda: proposal().replace(b"<from>GB</from>", b'<from xsi:nil="true"/>'),
        [(1101, f"{PART}/from")],
    ),
    "nil array where required": (
        lambda: proposal(blocks='<proposalUnitBlocks xsi:type="xsd:int" xsi:nil="true"/>'),
        [(1101, BLOCKS)],
    ),
    "nil item": (
        lambda: proposal(blocks='<proposalUnitBlocks><item xsi:nil="true"/></proposalUnitBlocks>'),
        [(1101, f"{BLOCKS}/item[1]")],
    ),
    "nil part": (
        lambda: envelope('<itl:acceptProposal><acceptProposalRequest xsi:nil="true"/></itl:acceptProposal>'),
        [(1101, PART)],
    ),
    "nil part by reference": (
        lambda: envelope(
            '<itl:acceptProposal><acceptProposalRequest href="#p"/></itl:acceptProposal><m id="p" xsi:nil="true"/>'
        ),
        [(1101, PART)],
    ),
    "empty part": (
        lambda: envelope("<itl:acceptMessage><acceptMessageRequest/></itl:acceptMessage>"),
        [
            (1101, f"/acceptMessageRequest/{name}")
            for name in ("from", "to", "majorVersion", "minorVersion", "messageContent", "messageDateTime")
        ],
    ),
    "no part": (lambda: envelope("<itl:acceptProposal/>"), [(1101, PART)]),
    "another part": (
        lambda: envelope("<itl:acceptProposal><request/></itl:acceptProposal>"),
        [(1101, PART), (1103, "/request")],
    ),
    "two parts": (
        lambda: envelope("<itl:acceptProposal><acceptProposalRequest/><more/></itl:acceptProposal>"),
        [(1103, "/more")],
    ),
    "unknown element": (
        lambda: proposal().replace(b"<from>GB</from>", b"<from>GB</from><hubExtra/>"),
        [(1103, f"{PART}/hubExtra")],
    ),
    "known name in an unknown namespace": (
        lambda: proposal().replace(b"<from>GB</from>", b'<x:from xmlns:x="urn:x">GB</x:from>'),
        [(1103, f"{PART}/from"), (1101, f"{PART}/from")],
    ),
    "twice": (
        lambda: proposal().replace(b"<from>GB</from>", b"<from>GB</from><from>GB</from>"),
        [(1103, f"{PART}/from")],
    ),
    "elements in a value": (
        lambda: proposal().replace(b"<unitType>1</unitType>", b"<unitType>1<x/></unitType>"),
        [(1102, f"{BLOCKS}/item[1]/unitType")],
    ),
    "text in a struct": (
        lambda: proposal(blocks="<proposalUnitBlocks><item>GB 1-10</item></proposalUnitBlocks>"),
        [
            (1102, f"{BLOCKS}/item[1]"),
            *(
                (1101, f"{BLOCKS}/item[1]/{name}")
                for name in (
                    "unitSerialBlockStart",
                    "unitSerialBlockEnd",
                    "originatingRegistryCode",
                    "unitType",
                    "originalCommitPeriod",
                    "applicableCommitPeriod",
                )
            ),
        ],
    ),
    "text between elements": (lambda: proposal().replace(b"</from>", b"</from>stray"), [(1102, PART)]),
    "codes that are no array": (
        lambda: envelope(
            "<itl:receiveReconciliationResult><receiveReconciliationResultRequest><from>GB</from><to>ITL</to>"
            "<majorVersion>1</majorVersion><minorVersion>1</minorVersion><reconciliationIdentifier>GB1"
            "</reconciliationIdentifier><reconciliationStatus>1</reconciliationStatus><responseCodes>1</responseCodes>"
            "</receiveReconciliationResultRequest></itl:receiveReconciliationResult>"
        ),
        [(1102, "/receiveReconciliationResultRequest/responseCodes")],
    ),
    "all errors at once": (
        lambda: proposal().replace(b"<from>GB</from>", b"<x/>").replace(b"<unitType>1<", b"<unitType>AAU<"),
        [(1103, f"{PART}/x"), (1102, f"{BLOCKS}/item[1]/unitType"), (1101, f"{PART}/from")],
    ),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_wrong_messages_are_refused_with_every_place(wrong: str) -> None:
    body, expected = WRONG[wrong]
    with pytest.raises(ClientFault) as refused:
        decode_any(body())
    assert sorted(_places(refused.value)) == sorted(expected)
    assert all(entry.reason for entry in refused.value.entries)


def _places(fault: ClientFault) -> list[tuple[int | None, str]]:
    return [(entry.code, entry.path) for entry in fault.entries]


def test_reasons_are_told_by_the_schema_too() -> None:
    with pytest.raises(ClientFault) as refused:
        decode_any(proposal().replace(b"<from>GB</from>", b"<x/>").replace(b"<unitType>1<", b"<unitType>AAU<"))
    reasons = {entry.path.rpartition("/")[2]: entry.reason for entry in refused.value.entries}
    assert reasons["x"].startswith("x is not an element of ProposalRequest (schema: Unexpected child with tag 'x'")
    assert reasons["unitType"].startswith("'AAU' is not a whole number (xsd:int) (schema: ")
    assert reasons["from"].startswith("from is required (schema: ")


def test_fields_directly_in_the_wrapper_are_refused_with_advice() -> None:
    with pytest.raises(ClientFault, match="must stand in one element acceptProposalRequest, not directly"):
        decode_any(envelope("<itl:acceptProposal><from>GB</from><to>ITL</to></itl:acceptProposal>"))


REFUSED = {
    "another namespace": ('<x:acceptProposal xmlns:x="urn:x"/>', "is not an operation: its namespace must be"),
    "no namespace": ("<acceptProposal/>", "is not an operation: its namespace must be"),
    "an unknown operation": ("<itl:acceptNothing/>", "acceptNothing is not an operation of this service"),
    "an operation of the other port": ("<itl:provideTime/>", "provideTime is not an operation of this service"),
    "an empty body": ("", "the Body of the message is empty"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_no_operation(case: str) -> None:
    body, reason = REFUSED[case]
    with pytest.raises(ClientFault, match=reason):
        decode_request(Port.TRANSACTION_LOG, envelope(body))


def test_soap_1_2_is_a_version_mismatch() -> None:
    body = proposal().replace(b"http://schemas.xmlsoap.org/soap/envelope/", b"http://www.w3.org/2003/05/soap-envelope")
    with pytest.raises(VersionMismatchFault, match=r"only SOAP 1\.1 is read here"):
        decode_any(body)


@pytest.mark.parametrize(
    "attributes", ['e:mustUnderstand="1"', 'e:mustUnderstand="1" e:actor="http://schemas.xmlsoap.org/soap/actor/next"']
)
def test_headers_that_must_be_understood_and_are_not(attributes: str) -> None:
    body = proposal().replace(b"<e:Body>", f"<e:Header><t:x {attributes}/></e:Header><e:Body>".encode())
    with pytest.raises(MustUnderstandFault, match="x is not understood"):
        decode_any(body)


def test_the_security_header_is_understood_and_kept() -> None:
    security = (
        '<e:Header><w:Security e:mustUnderstand="1" xmlns:w="http://docs.oasis-open.org/wss/2004/01/'
        'oasis-200401-wss-wssecurity-secext-1.0.xsd"><w:x/></w:Security></e:Header>'
    )
    decoded = decode_any(proposal().replace(b"<e:Body>", f"{security}<e:Body>".encode()))
    assert decoded.message == PLAIN
    assert decoded.header is not None
    assert [child.tag.rpartition("}")[2] for child in decoded.header] == ["Security"]


def test_too_many_unit_blocks() -> None:
    blocks = f"<proposalUnitBlocks>{'<item/>' * 3_001}</proposalUnitBlocks>"
    with pytest.raises(ClientFault) as refused:
        decode_any(proposal(blocks=blocks))
    assert _places(refused.value) == [(1104, BLOCKS)]


@pytest.mark.parametrize(
    ("limits", "path"),
    [
        (Limits(request_bytes=10, request_bytes_by_operation={}), "/"),
        (Limits(request_bytes_by_operation={"acceptProposal": 100}), "/"),
        (Limits(elements=5), "/"),
        (Limits(text=3), f"{PART}/proposedTransaction/transactionIdentifier"),
    ],
)
def test_too_large(limits: Limits, path: str) -> None:
    with pytest.raises(ClientFault) as refused:
        decode_any(proposal(), limits)
    assert _places(refused.value) == [(1105, path)]


def test_errors_are_told_up_to_a_bound() -> None:
    blocks = f"<proposalUnitBlocks>{'<item/>' * 200}</proposalUnitBlocks>"
    with pytest.raises(ClientFault) as refused:
        decode_any(proposal(blocks=blocks))
    assert len(refused.value.entries) == 100


def test_validation_by_the_schema_changes_nothing_for_good_messages() -> None:
    for port, operation, message in (
        (Port.TRANSACTION_LOG, "acceptProposal", PROPOSAL),
        (Port.TRANSACTION_LOG, "acceptNotification", NOTIFICATION),
    ):
        body = encode_request(port, operation, message)
        assert decode_request(port, body, Limits(validate=True)).message == message
