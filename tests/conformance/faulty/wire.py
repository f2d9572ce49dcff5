"""Hubs whose HTTP, envelopes or documents are wrong, or that do not read what registries write."""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import replace

from lxml import etree

from itl.wire.contract import XSI
from itl.wire.encode import encode_fault
from itl.wire.faults import ClientFault, ServerFault
from tests.conformance.faulty import xml
from tests.conformance.faulty.hub import Answer, Call, FaultyHub, Right, Wrong, sharing

_XML = {"Content-Type": "text/xml; charset=utf-8"}
_PLAIN = {"Content-Type": "text/plain"}

# HTTP -----------------------------------------------------------------------------------------------------------------


def answers(change: Callable[[Call, Answer], Answer]) -> Callable[[], Wrong]:
    """A hub whose answers to calls are changed."""

    def answer(call: Call, right: Right) -> Answer:
        given = right(call)
        return change(call, given) if call.operation else given

    return lambda: Wrong(answer=answer)


def faults(change: Callable[[Answer], Answer]) -> Callable[[], Wrong]:
    """A hub whose SOAP faults are changed."""
    return answers(lambda _, given: change(given) if given.status.startswith("500") else given)


def _refusals_of_strangers(change: Callable[[Answer], Answer]) -> Callable[[], Wrong]:
    return answers(lambda _, given: change(given) if given.status.startswith("401") else given)


def lets_anybody_in(user: str) -> Wrong:
    """Who shows no right password is taken for this user."""

    def answer(call: Call, right: Right) -> Answer:
        given = right(call)
        if not given.status.startswith("401"):
            return given
        token = base64.b64encode(f"{user}:{user}".encode()).decode()
        return right(call.with_header("HTTP_AUTHORIZATION", f"Basic {token}"))

    return Wrong(answer=answer)


def reads_on_behind_a_doctype() -> Wrong:
    def answer(call: Call, right: Right) -> Answer:
        start, end = call.body.find(b"<!DOCTYPE"), call.body.find(b"]>") + 2
        return right(call.with_body(call.body[:start] + call.body[end:]) if 0 <= start < end else call)

    return Wrong(answer=answer)


def stumbles() -> Wrong:
    """After what it could not read, the next message fails as well."""
    stumbled: list[bool] = []

    def answer(call: Call, right: Right) -> Answer:
        if stumbled:
            stumbled.clear()
            return Answer("500 Internal Server Error", _XML, encode_fault(ServerFault("the parser is not at rest")))
        given = right(call)
        if call.operation and given.status.startswith("500"):
            stumbled.append(True)
        return given

    return Wrong(answer=answer)


def takes_unreadable_ones() -> Wrong:
    """Answers what it cannot read with result 1: the message is lost, and nobody hears of it."""

    def answer(call: Call, right: Right) -> Answer:
        given = right(call)
        if call.operation != "acceptProposal" or not given.status.startswith("500"):
            return given
        head = b'<?xml version="1.0"?><e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"><e:Body>'
        return Answer("200 OK", _XML, head + b"<ok/></e:Body></e:Envelope>")

    return Wrong(answer=answer)


def _with_text_in_the_detail(given: Answer) -> Answer:
    def edit(root: etree._Element) -> None:
        fault = root[-1][0]
        detail = fault.find("detail")
        if detail is None:
            detail = etree.SubElement(fault, "detail")
        detail.text = "java.lang.IllegalArgumentException"

    return replace(given, body=xml.edited(given.body, edit))


def _faultcode(kind: str) -> Callable[[], Wrong]:
    def change(given: Answer) -> Answer:
        def edit(root: etree._Element) -> None:
            for node in root.iter("faultcode"):
                node.text = f"soapenv:{kind}"

        return replace(given, body=xml.edited(given.body, edit))

    return faults(change)


def _other_code_in_faults(given: Answer) -> Answer:
    return replace(given, body=given.body.replace(b"<code>1102<", b"<code>1101<"))


CONNECTING = (
    FaultyHub(
        "http-500",
        "answers every call with HTTP 500, whatever its reply says",
        ("CONNECT-1",),
        ("100",),
        "HTTP 500, an answer has 200",
        answers(lambda _, given: replace(given, status="500 Internal Server Error")),
    ),
    FaultyHub(
        "html-type",
        "says of its replies that they are HTML",
        ("CONNECT-1",),
        ("100",),
        "not text/xml but text/html",
        answers(lambda _, given: replace(given, headers={"Content-Type": "text/html"})),
    ),
    FaultyHub(
        "soap-1.2",
        "answers in SOAP 1.2",
        ("CONNECT-1",),
        ("100",),
        "SOAP 1.1",
        xml.in_replies(xml.of_soap_1_2),
    ),
    FaultyHub(
        "empty-replies",
        "answers HTTP 200 without a body",
        ("CONNECT-1",),
        ("100",),
        "cannot be read",
        answers(lambda _, given: replace(given, body=b"")),
    ),
    FaultyHub(
        "page-for-an-answer",
        "answers with a page of HTML",
        ("CONNECT-1",),
        ("100",),
        "cannot be read",
        answers(lambda _, given: replace(given, body=b"<html><body>It works!</body></html>")),
    ),
    FaultyHub(
        "no-challenge",
        "refuses a stranger without asking for Basic",
        ("CONNECT-2",),
        ("101",),
        "WWW-Authenticate",
        _refusals_of_strangers(lambda given: replace(given, headers=_PLAIN)),
    ),
    FaultyHub(
        "forbidden",
        "refuses a stranger with HTTP 403",
        ("CONNECT-2",),
        ("101",),
        "HTTP 401.*answered with 403",
        _refusals_of_strangers(lambda given: replace(given, status="403 Forbidden")),
    ),
    FaultyHub(
        "lets-anybody-in",
        "takes calls with a wrong password, or none",
        ("CONNECT-2",),
        ("101",),
        "HTTP 401.*answered with 200",
        lambda: lets_anybody_in("gb"),
    ),
    FaultyHub(
        "no-certificate",
        "answers who shows no certificate, though it knows registries by theirs",
        ("CONNECT-7",),
        ("101/certificate",),
        "let in nowhere; it was answered",
        lambda: lets_anybody_in("gb"),
        certificate=True,
    ),
    FaultyHub(
        "fault-with-200",
        "sends its SOAP faults with HTTP 200",
        ("CONNECT-4",),
        ("104/xml", "104/operation", "104/version"),
        "fault with HTTP 500; it has HTTP 200",
        faults(lambda given: replace(given, status="200 OK")),
    ),
    FaultyHub(
        "server-fault",
        "blames itself for what cannot be read",
        ("CONNECT-4",),
        ("104/xml", "104/operation"),
        "the fault must be the client's",
        _faultcode("Server"),
    ),
    FaultyHub(
        "page-for-a-fault",
        "answers what cannot be read with a page of HTML",
        ("CONNECT-4",),
        ("104/xml", "104/operation", "104/version"),
        "must be a SOAP fault",
        faults(lambda given: replace(given, body=b"<html><body>Error<br></body></html>")),
    ),
    FaultyHub(
        "text-in-detail",
        "writes text into the detail of its faults",
        ("CONNECT-4",),
        ("104/xml", "104/operation"),
        "detail of the fault holds text",
        faults(_with_text_in_the_detail),
    ),
    FaultyHub(
        "swallows-unreadable",
        "answers what it cannot read as if nothing were wrong",
        ("CONNECT-4",),
        ("104/xml", "104/operation", "104/version"),
        "must be a SOAP fault",
        takes_unreadable_ones,
    ),
    FaultyHub(
        "wrong-code-in-fault",
        "gives a wrong code in the detail of a fault",
        ("CHECK-1102",),
        ("104/*",),
        "should have code 1102",
        faults(_other_code_in_faults),
    ),
    FaultyHub(
        "stumbles",
        "fails at the message after one that it could not read",
        ("CONNECT-4",),
        ("105",),
        "not at rest",
        stumbles,
    ),
    FaultyHub(
        "reads-doctype",
        "reads messages with a document type declaration",
        ("CONNECT-5",),
        ("104/doctype",),
        "document type declaration",
        reads_on_behind_a_doctype,
    ),
)

# Shapes ---------------------------------------------------------------------------------------------------------------

SHAPES: tuple[tuple[str, str, xml.Edit, str], ...] = (
    ("wrapper", "under another wrapper", xml.another_wrapper, "the element of the Body is|is not an operation"),
    ("part", "under another part", xml.another_part, "must hold (the )?one element"),
    ("namespace", "with a namespace on every element", xml.with_a_namespace, "namespace"),
    ("order", "with the elements in another order", xml.in_another_order, "in the order of the WSDL"),
    ("surplus", "with an element that the type does not have", xml.another_element, "'surplus'"),
    ("no-size", "with arrays that do not tell their size", xml.arrays_without_size, "no soapenc:arrayType"),
    ("wrong-size", "with arrays that tell a wrong size", xml.arrays_of_wrong_size, "arrayType says 7 items"),
    ("string-for-int", "with numbers as strings", xml.wrong_types("xsd:int", "xsd:string"), "xsi:type is xsd:string"),
)

REPLYING = (
    *(
        FaultyHub(f"reply-{name}", f"replies {how}", ("SHAPE-REPLY",), ("100", "117/3002"), says, xml.in_replies(edit))
        for name, how, edit, says in SHAPES
    ),
    FaultyHub(
        "reply-no-zone",
        "tells times without a zone",
        ("SHAPE-REPLY",),
        ("116",),
        "no time zone",
        xml.in_replies(xml.times_of_no_zone),
    ),
    FaultyHub(
        "reply-no-result",
        "replies without a result identifier",
        ("SHAPE-REPLY",),
        ("100",),
        "resultIdentifier",
        xml.in_replies(xml.emptied("resultIdentifier")),
    ),
    FaultyHub(
        "no-response-codes",
        "refuses without a code",
        ("ACKNOWLEDGE-1",),
        ("100", "103/1005", "117/3002"),
        "result 0 with no code",
        xml.in_replies(xml.emptied("responseCodes")),
    ),
)

CALLING = (
    *(
        FaultyHub(
            f"call-{name}",
            f"calls registries {how}",
            ("SHAPE-CALL",),
            ("102", "123/5010"),
            says,
            xml.in_calls(edit, "acceptNotification"),
            patience=3.0,
        )
        for name, how, edit, says in SHAPES
        if name != "surplus"
    ),
    FaultyHub(
        "call-int-for-long",
        "calls registries with serials typed as int",
        ("SHAPE-CALL",),
        ("150",),
        "xsi:type is xsd:int, it must be long",
        xml.in_calls(xml.wrong_types("xsd:long", "xsd:int"), "acceptProposal"),
    ),
    FaultyHub(
        "call-no-zone",
        "calls registries with times without a zone",
        ("SHAPE-CALL",),
        ("402",),
        "no time zone",
        xml.in_calls(xml.times_of_no_zone, "acceptMessage"),
    ),
)

# Reading --------------------------------------------------------------------------------------------------------------


def _unreadable(why: str) -> Answer:
    return Answer("500 Internal Server Error", _XML, encode_fault(ClientFault(why)))


def reading(edit: Callable[[etree._Element], None]) -> Callable[[], Wrong]:
    """A hub that sees of a message what the edit makes of it; ValueError is a message that it does not read."""

    def answer(call: Call, right: Right) -> Answer:
        if not call.operation:
            return right(call)
        try:
            return right(call.with_body(xml.edited(call.body, edit)))
        except (ValueError, etree.XMLSyntaxError) as error:
            return _unreadable(str(error))

    return lambda: Wrong(answer=answer)


def _no_references(root: etree._Element) -> None:
    if any(node.get("href") for node in root.iter()):
        raise ValueError("element has no content")


def _each_reference_once(root: etree._Element) -> None:
    """The second reference to an element comes back empty, as it does where the target is moved."""
    seen = set()
    for node in list(root.iter()):
        target = node.get("href")
        parent = node.getparent()
        if target in seen and parent is not None:
            parent.remove(node)
        seen.add(target) if target else None


def _typed_values(root: etree._Element) -> None:
    for node in xml.part(root).iter():
        if not node.get(xml.TYPE) and not node.get("href"):
            raise ValueError(f"no deserializer for {node.tag}: it has no type")


def _items_by_name(root: etree._Element) -> None:
    for array in root.iter("proposalUnitBlocks"):
        for node in list(array):
            if node.tag != "item":
                array.remove(node)


def _one_namespace(root: etree._Element) -> None:
    if "Types" in str(xml.wrapper(root).tag):
        raise ValueError("no such operation")


def _in_order(root: etree._Element) -> None:
    names = [str(node.tag) for node in xml.part(root)]
    if "from" in names and names[0] != "from":
        raise ValueError(f"unexpected element {names[0]}, from was expected")


def _nil_as_zero(root: etree._Element) -> None:
    for node in root.iter():
        if node.attrib.pop(f"{{{XSI}}}nil", "") == "true":
            node.text = "0"


def _in_32_bits(root: etree._Element) -> None:
    for node in root.iter("unitSerialBlockStart", "unitSerialBlockEnd"):
        node.text = str(int(str(node.text)) % 2**31 + 1)


def _without_blanks(root: etree._Element) -> None:
    for node in root.iter("transactionType"):
        if str(node.text) != str(node.text).strip():
            raise ValueError(f"{node.text!r} is no number")


READERS: tuple[tuple[str, str, str, str, str, xml.Edit], ...] = (
    ("no-references", "cannot follow a reference", "READ-1", "60*", "must be read.*no content", _no_references),
    (
        "each-reference-once",
        "follows the first reference to an element only",
        "READ-1",
        "60*",
        "must be read",
        _each_reference_once,
    ),
    ("typed-only", "reads no value that does not tell its type", "READ-2", "60*", "must be read.*type", _typed_values),
    ("items-by-name", "overlooks array items that are not called item", "READ-2", "60*", "code 4012", _items_by_name),
    (
        "one-namespace",
        "knows operations in one namespace only",
        "READ-2",
        "60*",
        "no such operation",
        _one_namespace,
    ),
    ("in-order-only", "reads elements in their order only", "READ-3", "60*", "unexpected element", _in_order),
    ("nil-as-zero", "reads what is nil as zero", "READ-3", "60*", "code 4016", _nil_as_zero),
    ("32-bits", "reads serials as numbers of 32 bits", "READ-4", "603", "must name the units", _in_32_bits),
    ("no-blanks", "reads no number with blanks around it", "READ-4", "60*", "is no number", _without_blanks),
)

READING = tuple(
    FaultyHub(name, does, (requirement,), (tests,), says, reading(edit))
    for name, does, requirement, tests, says, edit in READERS
)

# Documents ------------------------------------------------------------------------------------------------------------


def documents(change: Callable[[Call, Answer], Answer]) -> Callable[[], Wrong]:
    """A hub whose published documents are changed."""

    def answer(call: Call, right: Right) -> Answer:
        given = right(call)
        return given if call.operation else change(call, given)

    return lambda: Wrong(answer=answer)


def _is_wsdl(call: Call) -> bool:
    return str(call.environ.get("QUERY_STRING", "")).lower() == "wsdl"


def _without_an_operation(call: Call, given: Answer) -> Answer:
    def edit(root: etree._Element) -> None:
        for node in list(root.iter("{*}operation")):
            parent = node.getparent()
            if node.get("name") == "getTransactionStatus" and parent is not None:
                parent.remove(node)

    return replace(given, body=xml.edited(given.body, edit)) if _is_wsdl(call) else given


DOCUMENTS = (
    FaultyHub(
        "no-wsdl",
        "has no WSDL at its address",
        ("WSDL-1",),
        ("110",),
        "answered with 404",
        documents(lambda call, given: Answer("404 Not Found", _PLAIN, b"") if _is_wsdl(call) else given),
    ),
    FaultyHub(
        "wsdl-for-members",
        "gives its WSDL to nobody without a password",
        ("WSDL-1",),
        ("110",),
        "without a password; it was answered with 401",
        documents(lambda call, given: Answer("401 Unauthorized", _PLAIN, b"") if _is_wsdl(call) else given),
    ),
    FaultyHub(
        "wsdl-lacks-operation",
        "leaves getTransactionStatus out of its WSDL",
        ("WSDL-1",),
        ("11[01]",),
        "must have the operations",
        documents(_without_an_operation),
    ),
    FaultyHub(
        "wsdl-literal",
        "publishes document style and literal encoding",
        ("WSDL-2",),
        ("11[01]",),
        "style rpc",
        documents(lambda _, given: replace(given, body=given.body.replace(b'style="rpc"', b'style="document"'))),
    ),
    FaultyHub(
        "wsdl-not-encoded",
        "publishes literal bodies",
        ("WSDL-2",),
        ("11[01]",),
        "encoded by section 5",
        documents(lambda _, given: replace(given, body=given.body.replace(b'use="encoded"', b'use="literal"'))),
    ),
    FaultyHub(
        "wsdl-import-missing",
        "does not give out what its WSDL imports",
        ("WSDL-2",),
        ("11[01]",),
        "answered with 404",
        documents(lambda call, given: given if _is_wsdl(call) else Answer("404 Not Found", _PLAIN, b"")),
    ),
)

HUBS = (*sharing((*CONNECTING, *REPLYING, *READING, *DOCUMENTS)), *CALLING)
