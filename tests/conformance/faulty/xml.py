"""Messages put out of shape: what an edit makes of their tree."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from lxml import etree

from itl.wire.contract import SOAP_ENCODING, SOAP_ENVELOPE, TYPE_NAMESPACE, XSI
from itl.wire.outgoing import HttpReply
from tests.conformance.faulty.hub import Answer, Call, Deliver, Right, Sent, Wrong

TYPE, ARRAY_TYPE = f"{{{XSI}}}type", f"{{{SOAP_ENCODING}}}arrayType"

Edit = Callable[[etree._Element], None]
"""Changes an envelope, which has one wrapper with one part in its Body."""


def edited(body: bytes, edit: Edit) -> bytes:
    root = etree.fromstring(body)
    edit(root)
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8")


def wrapper(root: etree._Element) -> etree._Element:
    """The element of the operation."""
    return root[-1][0]


def part(root: etree._Element) -> etree._Element:
    """What the operation is called with, or answers."""
    return wrapper(root)[0]


def in_replies(edit: Edit, *operations: str) -> Callable[[], Wrong]:
    """A hub whose replies, of these operations or of all, are edited."""

    def answer(call: Call, right: Right) -> Answer:
        given = right(call)
        concerned = given.is_reply and call.operation and (not operations or call.operation in operations)
        return replace(given, body=edited(given.body, edit)) if concerned else given

    return lambda: Wrong(answer=answer)


def in_calls(edit: Edit, *operations: str) -> Callable[[], Wrong]:
    """A hub whose calls to registries, of these operations or of all, are edited."""

    def send(sent: Sent, deliver: Deliver) -> HttpReply:
        concerned = not operations or sent.operation in operations
        return deliver(replace(sent, body=edited(sent.body, edit)) if concerned else sent)

    return lambda: Wrong(send=send)


# Edits ----------------------------------------------------------------------------------------------------------------


def another_wrapper(root: etree._Element) -> None:
    wrapper(root).tag = f"{wrapper(root).tag}Return"


def another_part(root: etree._Element) -> None:
    part(root).tag = "return"


def with_a_namespace(root: etree._Element) -> None:
    for node in part(root).iter():
        node.tag = f"{{{TYPE_NAMESPACE}}}{etree.QName(node).localname}"


def in_another_order(root: etree._Element) -> None:
    node = part(root)
    node[:] = reversed(list(node))


def another_element(root: etree._Element) -> None:
    etree.SubElement(part(root), "surplus").text = "1"


def arrays_without_size(root: etree._Element) -> None:
    for node in root.iter():
        node.attrib.pop(ARRAY_TYPE, "")


def arrays_of_wrong_size(root: etree._Element) -> None:
    for node in root.iter():
        if node.get(ARRAY_TYPE):
            node.set(ARRAY_TYPE, f"{str(node.get(ARRAY_TYPE)).partition('[')[0]}[7]")


def wrong_types(old: str, new: str) -> Edit:
    """Values of one type under the name of another."""

    def edit(root: etree._Element) -> None:
        for node in root.iter():
            if node.get(TYPE) == old:
                node.set(TYPE, new)

    return edit


def times_of_no_zone(root: etree._Element) -> None:
    for node in root.iter():
        if node.get(TYPE) == "xsd:dateTime":
            node.text = str(node.text).rstrip("Z")


def of_soap_1_2(root: etree._Element) -> None:
    for node in list(root.iter()):
        if etree.QName(node).namespace == SOAP_ENVELOPE:
            node.tag = f"{{http://www.w3.org/2003/05/soap-envelope}}{etree.QName(node).localname}"


def emptied(name: str) -> Edit:
    """Without any element of this name."""

    def edit(root: etree._Element) -> None:
        for node in list(root.iter(name)):
            parent = node.getparent()
            if parent is not None:
                parent.remove(node)

    return edit
