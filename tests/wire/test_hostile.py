"""Hostile messages: each is refused with a Client fault, for work and memory in proportion to its bytes.

Work is counted, not timed: values read, and elements that xmlschema was given.
"""

from __future__ import annotations

import contextlib
import gzip
import tracemalloc
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from itl.messages import RelayRequest
from itl.wire import explain
from itl.wire.contract import Port
from itl.wire.decode import decode_any, decode_reply, decode_request
from itl.wire.encode import encode_fault, encode_request
from itl.wire.faults import ClientFault, PeerFault, WireFault
from itl.wire.inflate import inflate
from itl.wire.limits import LIMITS
from tests.wire.envelopes import BLOCK, HEAD, envelope, proposal

BILLION_LAUGHS = '<!DOCTYPE x [<!ENTITY a "ha">{}]>'.format(
    "".join(f'<!ENTITY {name} "{f"&{before};" * 10}">' for before, name in zip("abcdefgh", "bcdefghi", strict=True))
)


def declared(doctype: str, encoding: str = "utf-8") -> bytes:
    return (f'<?xml version="1.0" encoding="{encoding}"?>{doctype}' + proposal().decode()).encode(encoding)


def chain(length: int) -> bytes:
    links = "".join(f'<m id="i{number}" href="#i{number + 1}"/>' for number in range(length))
    return proposal(behind=f'{links}<m id="i{length}">1</m>').replace(
        b"<majorVersion>1</majorVersion>", b'<majorVersion href="#i0"/>'
    )


def fan_out(width: int) -> bytes:
    """A notification of `width` results that all refer to one array of `width` blocks: written out, its square."""
    results = '<i href="#r"/>' * width
    blocks = '<i href="#b"/>' * width
    block = "<unitSerialBlockStart>1</unitSerialBlockStart><unitSerialBlockEnd>1</unitSerialBlockEnd>"
    return envelope(
        "<itl:acceptNotification><acceptNotificationRequest><from>GB</from><to>ITL</to><majorVersion>1</majorVersion>"
        "<minorVersion>1</minorVersion><transactionIdentifier>GB1</transactionIdentifier>"
        "<transactionStatus>4</transactionStatus><partyType>0</partyType>"
        f"<evaluationResult>{results}</evaluationResult></acceptNotificationRequest></itl:acceptNotification>"
        '<m id="r"><responseCode>1</responseCode><unitBlockIdentifiers href="#a"/></m>'
        f'<m id="a">{blocks}</m><m id="b">{block}<originatingRegistryCode>GB</originatingRegistryCode></m>'
    )


def repeated_text(length: int, times: int) -> bytes:
    code = "originatingRegistryCode"
    item = "<i>{}</i>".format(BLOCK.replace(f"<{code}>GB</{code}>", f'<{code} href="#s"/>'))
    blocks = f"<proposalUnitBlocks>{item * times}</proposalUnitBlocks>"
    return proposal(blocks=blocks, behind=f'<m id="s">{"x" * length}</m>')


CORPUS: dict[str, tuple[Callable[[], bytes], str]] = {
    "nothing": (lambda: b"", "not well-formed XML"),
    "rubbish": (lambda: b"\x00\xff\xfe\x00 rubbish", "not well-formed XML"),
    "text": (lambda: b"hello", "not well-formed XML"),
    "another document": (lambda: b"<html/>", "no SOAP envelope but html"),
    "no body": (f"{HEAD}</e:Envelope>".encode, "no Body of SOAP 1.1"),
    "cut off": (lambda: proposal()[:-20], "not well-formed XML"),
    "more behind": (lambda: proposal() + b"<x/>", "not well-formed XML"),
    "unbound prefix": (lambda: proposal().replace(b"<from>GB</from>", b"<q:from>GB</q:from>"), "prefix q"),
    "unbound prefix of an attribute": (lambda: proposal().replace(b"<from>", b'<from q:a="1">'), "prefix q"),
    "undefined entity": (lambda: proposal().replace(b"GB", b"&nbsp;"), "Entity 'nbsp' not defined"),
    "null character": (lambda: proposal().replace(b"GB", b"G\x00B"), "not well-formed XML"),
    "control character by number": (lambda: proposal().replace(b"GB", b"&#1;"), "not well-formed XML"),
    "surrogate by number": (lambda: proposal().replace(b"GB", b"&#xD800;"), "not well-formed XML"),
    "broken utf-8": (lambda: proposal().replace(b"GB", b"\xc3\x28"), "not well-formed XML"),
    "unknown encoding": (lambda: b'<?xml version="1.0" encoding="nope"?>' + proposal(), "nsupported encoding"),
    "attribute twice": (lambda: proposal().replace(b"<from>", b'<from a="1" a="2">'), "not well-formed XML"),
    "document type": (lambda: declared("<!DOCTYPE x>"), "document type declaration is not allowed"),
    "document type behind comments": (
        lambda: declared("<!-- a --><?p i?>\n<!-- --><!DOCTYPE x>"),
        "document type declaration is not allowed",
    ),
    "document type in utf-16": (lambda: declared("<!DOCTYPE x>", "utf-16"), "document type declaration is not allowed"),
    "external document type": (
        lambda: declared('<!DOCTYPE x SYSTEM "file:///etc/passwd">'),
        "document type declaration is not allowed",
    ),
    "external entity": (
        lambda: declared('<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>').replace(b">GB<", b">&e;<"),
        "document type declaration is not allowed",
    ),
    "entity bomb": (lambda: declared(BILLION_LAUGHS).replace(b">GB<", b">&i;<"), "document type declaration"),
    "entity bomb in utf-16": (
        lambda: declared(BILLION_LAUGHS, "utf-16").replace(">GB<".encode("utf-16-le"), ">&i;<".encode("utf-16-le")),
        "amplification factor exceeded",
    ),
    "a document type in the middle": (lambda: proposal().replace(b"<from>", b"<!DOCTYPE x><from>"), "not well-formed"),
    "too deep": (lambda: proposal().replace(b"<from>", b"<x>" * 100_000 + b"<from>"), "Excessive depth"),
    "deep header": (
        lambda: (
            proposal()
            .replace(b"<e:Body>", b"<e:Header>" + b"<x>" * 200 + b"</x>" * 200 + b"</e:Header><e:Body>")
            .replace(b"<from>GB</from>", b"")
        ),
        "not a valid ProposalRequest",
    ),
    "too many elements": (lambda: proposal(behind="<x/>" * 900_000), "too large"),
    "too many bytes": (lambda: proposal(behind=" " * 20_000_000), "too large"),
    "too large for its operation": (lambda: envelope(f"<itl:acceptMessage/>{' ' * 6_000_000}"), "too large"),
    "reference to nothing": (lambda: proposal().replace(b"<from>GB</from>", b'<from href="#no"/>'), "leads nowhere"),
    "reference to a file": (
        lambda: proposal().replace(b"<from>GB</from>", b'<from href="file:///etc/passwd"/>'),
        "leads out of the message",
    ),
    "reference to a URL": (
        lambda: proposal().replace(b"<from>GB</from>", b'<from href="http://localhost/#x"/>'),
        "leads out of the message",
    ),
    "reference to itself": (lambda: proposal().replace(b"<from>GB</from>", b'<from id="a" href="#a"/>'), "circle"),
    "two that refer to each other": (
        lambda: proposal(behind='<m id="a" href="#b"/><m id="b" href="#a"/>').replace(
            b"<from>GB</from>", b'<from href="#a"/>'
        ),
        "circle",
    ),
    "an array that refers to itself": (
        lambda: proposal(blocks='<proposalUnitBlocks id="a"><i href="#a"/></proposalUnitBlocks>'),
        "not a valid",
    ),
    "a struct that refers to what holds it": (
        lambda: proposal(blocks='<proposalUnitBlocks><i href="#p"/></proposalUnitBlocks>').replace(
            b"<acceptProposalRequest>", b'<acceptProposalRequest id="p">'
        ),
        "not a valid",
    ),
    "a long chain of references": (lambda: chain(50_000), "on and on"),
    "an id twice": (
        lambda: proposal(behind='<m id="a">1</m><m id="a">2</m>').replace(
            b"<majorVersion>1</majorVersion>", b'<majorVersion href="#a"/>'
        ),
        'two elements with id="a"',
    ),
    "an id twice, once in the tree": (
        lambda: proposal(behind='<m id="a">1</m>').replace(
            b"<majorVersion>1</majorVersion>", b'<majorVersion id="a" href="#a"/>'
        ),
        'two elements with id="a"',
    ),
    "references that multiply": (lambda: fan_out(10_000), "repeat more than its size allows"),
    "text that is multiplied": (lambda: repeated_text(60_000, 2_000), "repeat more than its size allows"),
    "many attributes": (
        lambda: (
            proposal()
            .replace(b"<from>", b"<from " + b" ".join(b'a%d=""' % n for n in range(100_000)) + b">")
            .replace(b">GB</from>", b"/>")
            .replace(b"<to>ITL</to>", b"")
        ),
        "not a valid",
    ),
    "many namespaces": (
        lambda: (
            proposal()
            .replace(b"<from>", b"<from " + b" ".join(b'xmlns:a%d="u"' % n for n in range(50_000)) + b">")
            .replace(b"<to>ITL</to>", b"")
        ),
        "not a valid",
    ),
    "a long name": (lambda: proposal().replace(b"<from>", b"<" + b"x" * 40_000 + b"/><from>"), "not a valid"),
    "a long reference": (
        lambda: proposal().replace(b"<from>GB</from>", b'<from href="#' + b"x" * 4_000_000 + b'"/>'),
        "href=",
    ),
    "a long operation": (lambda: envelope(f"<itl:{'x' * 40_000}/>"), "xxx"),
    "many unknown elements": (lambda: proposal().replace(b"<from>", b"<x/>" * 100_000 + b"<from>"), "first errors"),
    "many nil items": (
        lambda: proposal(blocks="<proposalUnitBlocks>{}</proposalUnitBlocks>".format('<i xsi:nil="true"/>' * 3_000)),
        "first errors",
    ),
}


@pytest.mark.parametrize("case", CORPUS)
def test_hostile_messages_are_refused(case: str) -> None:
    body, reason = CORPUS[case]
    with pytest.raises(ClientFault, match=reason) as refused:
        decode_request(Port.TRANSACTION_LOG, body())
    assert len(refused.value.entries) <= LIMITS.errors
    assert len(encode_fault(refused.value)) < 150_000


@pytest.mark.parametrize("case", CORPUS)
def test_hostile_replies_are_refused(case: str) -> None:
    body, _ = CORPUS[case]
    with pytest.raises((ClientFault, PeerFault)):
        decode_reply(Port.TRANSACTION_LOG, "acceptProposal", body())


PROPORTIONAL: dict[str, Callable[[int], bytes]] = {
    "one struct referred to many times": lambda size: proposal(
        blocks="<proposalUnitBlocks>{}</proposalUnitBlocks>".format('<i href="#b"/>' * size),
        behind=f'<m id="b">{BLOCK}</m>',
    ),
    "every block by its own reference": lambda size: proposal(
        blocks="<proposalUnitBlocks>{}</proposalUnitBlocks>".format(
            "".join(f'<i href="#b{number}"/>' for number in range(size))
        ),
        behind="".join(f'<m id="b{number}">{BLOCK}</m>' for number in range(size)),
    ),
    "inline": lambda size: proposal(blocks=f"<proposalUnitBlocks>{f'<i>{BLOCK}</i>' * size}</proposalUnitBlocks>"),
}


@pytest.mark.parametrize("shape", PROPORTIONAL)
def test_work_is_proportional_to_the_bytes(shape: str) -> None:
    for size in (10, 100, 1_000, 3_000):
        body = PROPORTIONAL[shape](size)
        work = decode_any(body).work
        assert size <= work <= LIMITS.expansion * len(body)


def test_what_references_repeat_is_bounded_by_the_bytes() -> None:
    """The square is allowed while it is small; where it outgrows its message it is refused."""
    assert decode_any(fan_out(30)).work < 10_000
    for width in (300, 1_000, 3_000):
        with pytest.raises(ClientFault, match="repeat more than its size allows"):
            decode_any(fan_out(width))


@pytest.mark.parametrize("case", ["references that multiply", "text that is multiplied", "a long chain of references"])
def test_memory_is_proportional_to_the_bytes(case: str) -> None:
    body = CORPUS[case][0]()
    tracemalloc.start()
    try:
        with pytest.raises(ClientFault):
            decode_any(body)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 30 * len(body)


def test_a_refusal_buys_little_of_xmlschema(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is wrong, xmlschema sees a small document or none."""
    given: list[int] = []
    worded = explain.worded_errors

    def counted(document: Any, most: int) -> Any:
        given.append(sum(1 for _ in document.iter()))
        return worded(document, most)

    monkeypatch.setattr(explain, "worded_errors", counted)
    for body, _ in CORPUS.values():
        with pytest.raises(ClientFault):
            decode_any(body())
    for size in (1, 10, 100, 1_000, 3_000):
        body = PROPORTIONAL["one struct referred to many times"](size).replace(b"<from>GB</from>", b"")
        with pytest.raises(ClientFault):
            decode_any(body)
    assert given
    assert max(given) <= 1_001


def test_gzip_bombs_are_inflated_no_further_than_the_bound() -> None:
    bomb = gzip.compress(b" " * 50_000_000, mtime=0)
    tracemalloc.start()
    try:
        with pytest.raises(ClientFault, match="too large"):
            inflate([bomb], 1_000_000)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 3_000_000


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"not gzip", "is not gzip"),
        (b"", "ends before its end"),
        (gzip.compress(b"x" * 1_000, mtime=0)[:-12], "ends before its end"),
        (gzip.compress(b"x", mtime=0) + b"rubbish", "is not gzip"),
    ],
)
def test_broken_gzip_is_refused(body: bytes, reason: str) -> None:
    with pytest.raises(ClientFault, match=reason):
        inflate([body], 1_000)


@given(st.binary(max_size=3_000), st.integers(1, 500))
def test_gzip_in_any_pieces_and_members(content: bytes, piece: int) -> None:
    half = len(content) // 2
    stream = gzip.compress(content[:half], mtime=0) + gzip.compress(content[half:])
    pieces = [stream[start : start + piece] for start in range(0, len(stream), piece)]
    assert inflate(pieces, len(content)) == content


@given(data=st.data())
@settings(deadline=None, max_examples=300)
def test_any_damage_is_read_or_refused(data: st.DataObject) -> None:
    """No message makes the decoder fail in any other way than by a fault."""
    body = bytearray(data.draw(st.sampled_from([proposal(), chain(3), fan_out(3), repeated_text(5, 2)])))
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(body) - 1))
        end = start + data.draw(st.integers(0, 30))
        body[start:end] = data.draw(
            st.binary(max_size=8) | st.sampled_from([b"<", b"/>", b' href="#a"', b' id="b"', b"&#0;"])
        )
        if not body:
            return
    with contextlib.suppress(WireFault):
        decode_any(bytes(body))


@pytest.mark.parametrize(("length", "reason"), [(4 * 1024 * 1024, None), (4 * 1024 * 1024 + 1, "not a valid Relay")])
def test_a_relayed_document_may_be_long_but_is_bounded(length: int, reason: str | None) -> None:
    message = RelayRequest(
        sender="GB",
        addressee="CITL",
        major_version=1,
        minor_version=1,
        relay_identifier="1",
        operation_name="updateAllocationTable",
        message_content="x" * length,
    )
    body = encode_request(Port.RELAY, "relayMessage", message)
    with contextlib.nullcontext() if reason is None else pytest.raises(ClientFault, match=reason):
        assert decode_request(Port.RELAY, body).message == message


def test_any_other_text_is_bounded_as_ever() -> None:
    with pytest.raises(ClientFault, match="not a valid"):
        decode_request(Port.TRANSACTION_LOG, repeated_text(LIMITS.text + 1, 1))
