"""`href` to its element: found once, chains followed and bounded, and what is repeated counted as work."""

from __future__ import annotations

from typing import cast

from lxml import etree

from itl.wire.contract import XSI
from itl.wire.faults import ClientFault

_LONGEST_CHAIN = 8  # no known stack points to an element that is a reference itself
_IDENTIFIED = etree.XPath("//*[@id]")
_HOW_MANY = etree.XPath("count(//@id)")
NIL = f"{{{XSI}}}nil"

# Below this nothing is worth counting: a message with a few references may repeat them.
_FREE = 10_000


class References:
    """The elements of one message by their id, and the budget that repeated values are taken from."""

    __slots__ = ("_body", "_budget", "_index")

    def __init__(self, body: list[etree._Element], budget: int) -> None:
        self._body = body
        self._budget = budget + _FREE
        self._index: dict[str, etree._Element] | None = None

    def spend(self, work: int) -> None:
        """ClientFault once the values read are out of proportion to the bytes received."""
        if work > self._budget:
            raise ClientFault("the references of the message repeat more than its size allows")

    def target(self, element: etree._Element) -> etree._Element:
        """The element that holds the value of `element`: itself, or what its reference leads to."""
        for _ in range(_LONGEST_CHAIN):
            reference = element.get("href")
            if reference is None or has_content(element):
                return element
            element = self._find(str(reference))
        raise ClientFault(f'href="{reference}" leads round in a circle, or on and on')

    def text(self, reference: str) -> str | None:
        """The text of the element that `reference` leads to; None if that is not as simple as an element with text."""
        if self._index is None:
            self._index = self._indexed()
        element = self._index.get(reference)
        return None if element is None or len(element) else element.text

    def _find(self, reference: str) -> etree._Element:
        if self._index is None:
            self._index = self._indexed()
        if not reference.startswith("#"):
            raise ClientFault(f'href="{reference}" leads out of the message')
        element = self._index.get(reference)
        if element is None:
            raise ClientFault(f'href="{reference}" leads nowhere: the message has no such id')
        return element

    def _indexed(self) -> dict[str, etree._Element]:
        """By reference. Most stacks put the targets behind the operation, so the tree is walked only if need be."""
        index = {f"#{name!s}": element for element in self._body if (name := element.get("id")) is not None}
        if len(index) == cast("float", _HOW_MANY(self._body[0])):
            return index
        elements = cast("list[etree._Element]", _IDENTIFIED(self._body[0]))
        index = {f"#{element.get('id')!s}": element for element in elements}
        if len(index) != len(elements):
            twice = next(element for element in elements if index[f"#{element.get('id')!s}"] is not element)
            raise ClientFault(f'the message has two elements with id="{twice.get("id")}"')
        return index


def has_content(element: etree._Element) -> bool:
    """Whether `element` holds elements, or text that is not blank."""
    text = element.text
    return (text is not None and not text.isspace() and text != "") or len(element) > 0


def is_nil(element: etree._Element) -> bool:
    """Whether `element`, which has no content, says that it has no value."""
    nil = element.get(NIL)
    return nil is not None and str(nil).strip() in ("true", "1")
