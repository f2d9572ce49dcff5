"""The canonical literal form of a message as XML: references resolved, nil left out, elements in the schema's order.

It shows a message to validators as the sender meant it, errors included.
"""

from __future__ import annotations

from lxml import etree

from itl.wire.contract import TYPE_NAMESPACE, Array, Plan, Struct
from itl.wire.references import References, has_content, is_nil
from itl.wire.scalars import XML_SPACE, Scalar


class TooMuchError(Exception):
    """The document would have more elements than asked for."""


def literal(plan: Struct, name: str, part: etree._Element, references: References, most: int) -> etree._Element:
    """The part `name` as a document of at most `most` elements; TooMuchError if it would have more."""
    root = etree.Element(f"{{{TYPE_NAMESPACE}}}{name}", nsmap={"t": TYPE_NAMESPACE})
    _Writer(references, most).fill(plan, part, root)
    return root


class _Writer:
    def __init__(self, references: References, most: int) -> None:
        self._references = references
        self._left = most

    def fill(self, plan: Plan, source: etree._Element, target: etree._Element) -> None:
        source = self._references.target(source)
        # libxml2's validator does not collapse the blanks around dates, as XML Schema has it.
        keep = isinstance(plan, Scalar) and plan.name == "string"
        target.text = source.text if keep or source.text is None else source.text.strip(XML_SPACE)
        if isinstance(plan, Struct):
            self._fields(plan, source, target)
        elif isinstance(plan, Array):
            for child in source:
                self._add(target, "item", plan.item, child)
        else:
            for child in source:
                self._add(target, _name(child), None, child)

    def _fields(self, plan: Struct, source: etree._Element, target: etree._Element) -> None:
        order = {item.element: (place, item.plan) for place, item in enumerate(plan.fields)}
        known = [child for child in source if _name(child) in order]
        for child in sorted(known, key=lambda child: order[_name(child)][0]):
            self._add(target, _name(child), order[_name(child)][1], child)
        for child in source:
            if _name(child) not in order:
                self._add(target, _name(child), None, child)

    def _absent(self, source: etree._Element) -> bool:
        target = self._references.target(source)
        return not has_content(target) and is_nil(target)

    def _add(self, parent: etree._Element, name: str, plan: Plan | None, source: etree._Element) -> None:
        self._left -= 1
        if self._left < 0:
            raise TooMuchError
        if plan is None:
            etree.SubElement(parent, name).tail = source.tail
        elif self._absent(source):
            _append_text(parent, source.tail)
        else:
            element = etree.SubElement(parent, name)
            element.tail = source.tail
            self.fill(plan, source, element)


def _append_text(parent: etree._Element, text: str | None) -> None:
    """Keep the text behind an element that is left out."""
    if not text:
        return
    if len(parent):
        parent[-1].tail = (parent[-1].tail or "") + text
    else:
        parent.text = (parent.text or "") + text


def _name(element: etree._Element) -> str:
    return etree.QName(element).localname
