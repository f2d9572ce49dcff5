"""The spellings of SOAP that stacks send: each is made of a message in the plain one, so that they all say the same."""

from __future__ import annotations

import itertools

from lxml import etree

from itl.wire.contract import SOAP_ENCODING, SOAP_ENVELOPE, TYPE_NAMESPACE, XSI

_TYPE, _NIL = f"{{{XSI}}}type", f"{{{XSI}}}nil"
_ARRAY_TYPE, _STYLE = f"{{{SOAP_ENCODING}}}arrayType", f"{{{SOAP_ENVELOPE}}}encodingStyle"


def _parts(root: etree._Element) -> tuple[etree._Element, etree._Element]:
    """The Body, and the part of the operation in it."""
    body = root[-1]
    return body, body[0][0]


def by_reference(root: etree._Element) -> None:
    """Everything that is no text by reference, behind the operation and in another order: Apache Axis 1.4.

    Numbers that are equal are one element, which several refer to.
    """
    body, part = _parts(root)
    numbers = itertools.count()
    targets = []
    known: dict[tuple[str, str], str] = {}
    for node in [each for each in part.iter() if each.get(_ARRAY_TYPE) is None and each is not part]:
        if len(node) == 0 and not str(node.get(_TYPE)).endswith((":int", ":long")):
            continue
        value = (str(node.get(_TYPE)), str(node.text))
        if len(node) == 0 and value in known:
            node.clear()
            node.set("href", known[value])
            continue
        target = etree.Element("multiRef", nsmap={prefix: uri for prefix, uri in root.nsmap.items() if prefix})
        target.attrib.update({"id": f"id{next(numbers)}", f"{{{SOAP_ENCODING}}}root": "0", _STYLE: SOAP_ENCODING})
        target.attrib.update({_TYPE: str(node.get(_TYPE))})
        targets.append((node, target))
        if len(node) == 0:
            known[value] = f"#{target.get('id')}"
    for node, target in targets:
        target.text = node.text
        target.extend(list(node))
        node.clear()
        node.set("href", f"#{target.get('id')}")
    body.extend(target for _, target in reversed(targets))


def untyped(root: etree._Element) -> None:
    """Without any type, encoding style or type of an array, and items named after their type: zeep, node soap."""
    for node in root.iter():
        for name in (_TYPE, _ARRAY_TYPE, _STYLE):
            node.attrib.pop(name, "")
    items_named_after_their_type(root)


def items_named_after_their_type(root: etree._Element) -> None:
    """Unit blocks as elements named after what they are, not `item`."""
    for node in root.iter("item"):
        node.tag = "TransactionUnitBlock"


def shuffled_with_nil(root: etree._Element) -> None:
    """Elements in another order, what is absent as nil with a wrong type, an empty header: SOAP::Lite, Axis, suds."""
    _, part = _parts(root)
    for node in [part, *part]:
        node[:] = reversed(list(node))
    absent = etree.SubElement(part[0], "notificationIdentifier")
    absent.attrib.update({_TYPE: "xsd:int", _NIL: "true"})
    root.insert(0, etree.Element(f"{{{SOAP_ENVELOPE}}}Header"))


def spaced(root: etree._Element) -> None:
    """Blanks between all elements and around numbers, leading zeros: a pretty-printing Axis."""
    _, part = _parts(root)
    for node in part.iter():
        node.tail = "\n    "
        if len(node):
            node.text = "\n    "
        elif str(node.get(_TYPE)).endswith((":int", ":long")):
            node.text = f" 0{node.text} "


def of_the_types_namespace(root: etree._Element) -> None:
    """The operation in the namespace of the types: node soap."""
    root[-1][0].tag = f"{{{TYPE_NAMESPACE}}}{etree.QName(root[-1][0]).localname}"


def by_named_reference(root: etree._Element) -> None:
    """Structures and arrays by reference to elements named after their types, items as `Item`: .NET."""
    body, part = _parts(root)
    for number, node in enumerate([each for each in part.iter() if len(each)], 1):
        array_type = node.get(_ARRAY_TYPE)
        kind = str(node.get(_TYPE)).rpartition(":")[2]
        name = f"{{{TYPE_NAMESPACE}}}{kind}" if array_type is None else f"{{{SOAP_ENCODING}}}Array"
        target = etree.SubElement(body, name, {"id": f"id{number}"})
        if array_type is None:
            target.set(_TYPE, str(node.get(_TYPE)))
        else:
            target.set(_ARRAY_TYPE, array_type)
        target.extend(list(node))
        tag, node_tail = ("Item" if node.tag == "item" else node.tag), node.tail
        node.clear()
        node.tag, node.tail = tag, node_tail
        node.set("href", f"#id{number}")


def shared_in_place(root: etree._Element) -> None:
    """A value that is used again stands where it is used first; the others refer to it there: PHP."""
    _, part = _parts(root)
    known: dict[tuple[str, str], str] = {}
    for node in part.iter():
        if len(node) or not str(node.get(_TYPE)).endswith((":int", ":long")):
            continue
        value = (str(node.get(_TYPE)), str(node.text))
        if value in known:
            node.clear()
            node.set("href", f"#{known[value]}")
        else:
            known[value] = f"ref{len(known) + 1}"
            node.set("id", known[value])


def typed_by_array_alone(root: etree._Element) -> None:
    """Without types and encoding style, but arrays with theirs, items in their places and named as the array: gSOAP."""
    for node in root.iter():
        for name in (_TYPE, _STYLE):
            node.attrib.pop(name, "")
        if node.tag == "item":
            parent = node.getparent()
            place = 0 if parent is None else parent.index(node)
            node.set(f"{{{SOAP_ENCODING}}}position", f"[{place}]")
