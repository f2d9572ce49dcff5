"""A message for people: its values by the names of their elements, without what a stack wraps around them."""

from __future__ import annotations

from collections.abc import Iterator

from lxml import etree

from itl.wire.contract import SOAP_ENVELOPE, XSI

_NIL = f"{{{XSI}}}nil"
_INDENT = "  "


def outline(message: str) -> str:
    """A line for each element of the Body, `name: value`; what is no SOAP message stays as it is."""
    try:
        root = etree.fromstring(message.encode(), etree.XMLParser(resolve_entities=False, remove_blank_text=True))
    except etree.XMLSyntaxError:
        return message
    body = root.find(f"{{{SOAP_ENVELOPE}}}Body")
    return message if body is None else "\n".join(line for each in body for line in _lines(each, 0))


def laid_out(message: str) -> str:
    """XML with an element a line, as it was on the wire; what is no XML stays as it is."""
    try:
        root = etree.fromstring(message.encode(), etree.XMLParser(resolve_entities=False, remove_blank_text=True))
    except etree.XMLSyntaxError:
        return message
    return etree.tostring(root, pretty_print=True, encoding="unicode")


def _lines(node: etree._Element, depth: int) -> Iterator[str]:
    if not isinstance(node.tag, str):
        return
    name = f"{_INDENT * depth}{etree.QName(node).localname}"
    identified = f" ({node.get('id')})" if node.get("id") else ""
    if node.get("href"):
        yield f"{name}: see {str(node.get('href')).removeprefix('#')}"
    elif node.get(_NIL) in ("1", "true"):
        yield f"{name}: nil"
    elif len(node):
        yield f"{name}{identified}"
        for child in node:
            yield from _lines(child, depth + 1)
    else:
        yield f"{name}{identified}: {node.text or ''}".rstrip()
