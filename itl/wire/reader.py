"""The descent from elements to values, by plan: the hot path of the log.

Errors are collected, not raised, so that a fault can name them all; a value that could not be read is `BAD`.
"""

from __future__ import annotations

from functools import cache
from typing import Any, Final

from lxml import etree

from itl.wire.contract import NAMESPACES, XSI, Array, Plan, Struct
from itl.wire.faults import MISSING, TOO_LARGE, TOO_MANY_BLOCKS, UNKNOWN, WRONG_TYPE, ClientFault, FaultEntry
from itl.wire.limits import Limits
from itl.wire.references import References
from itl.wire.scalars import Scalar

BAD: Final = object()

_NIL = f"{{{XSI}}}nil"
_BOUNDED_ARRAY = "ArrayOfTransactionUnitBlock"  # the blocks of a proposal: the one array with a published bound
# Where the values of a type that were read before are kept; strings and compounds are not kept by text.
_KEPT = {"int": 0, "long": 1, "dateTime": 2, "date": 3}


class Reader:
    """One message being read: its errors so far, the values that may be shared, the work done."""

    __slots__ = ("_limits", "_parsed", "_path", "_references", "_shared", "errors", "work")

    def __init__(self, references: References, part: str, limits: Limits) -> None:
        self.errors: list[FaultEntry] = []
        self.work = 0
        self._references = references
        self._limits = limits
        self._path: list[str | int] = [part]
        # Values by text and type: most numbers of a message are the same few.
        self._parsed: tuple[dict[str | None, Any], ...] = tuple({} for _ in _KEPT)
        self._shared: dict[tuple[etree._Element, str], tuple[Any, int]] = {}

    def read(self, plan: Plan, element: etree._Element) -> Any:
        """The value at `element`: None if it is nil, BAD if it is in error."""
        if element.get("href") is not None:
            return self._referenced(plan, element)
        if is_nil(element):
            return None
        if isinstance(plan, Scalar):
            return self._scalar(plan, element)
        if element.get("id") is not None:
            return self._share(plan, element)
        return self._compound(plan, element)

    def _referenced(self, plan: Plan, element: etree._Element) -> Any:
        target = self._references.target(element)
        if is_nil(target):
            return None
        return self._share(plan, target)

    def _share(self, plan: Plan, element: etree._Element) -> Any:
        key = (element, plan.name)
        known = self._shared.get(key)
        if known is None:
            before = self.work
            value = self._scalar(plan, element) if isinstance(plan, Scalar) else self._compound(plan, element)
            self._shared[key] = value, self.work - before
            return value
        value, cost = known
        self.work += cost
        self._references.spend(self.work)
        return value

    def _compound(self, plan: Struct | Array, element: etree._Element) -> Any:
        if element.text is not None and element.text.strip():
            return self._error(WRONG_TYPE, f"elements are expected here, not the text {element.text.strip()[:60]!r}")
        return self._struct(plan, element) if isinstance(plan, Struct) else self._array(plan, element)

    def _struct(self, plan: Struct, element: etree._Element) -> Any:
        entries = _entries(plan)
        parsed = self._parsed
        values: dict[str, Any] = {}
        self.work += len(element)
        for child in element:
            entry = entries.get(child.tag)
            if entry is None:
                self._unknown(plan, child)
                continue
            name, wire_name, kept, subplan = entry
            if name in values:
                self._path.append(wire_name)
                self._error(UNKNOWN, f"{wire_name} stands more than once")
                self._path.pop()
                continue
            if child.tail is not None and child.tail.strip():
                self._error(WRONG_TYPE, f"elements are expected here, not the text {child.tail.strip()[:60]!r}")
            if kept is not None:
                value = parsed[kept].get(child.text)
                if value is not None and not len(child):
                    values[name] = value
                    continue
            self._path.append(wire_name)
            value = self.read(subplan, child)
            self._path.pop()
            if value is not None:
                values[name] = value
        if not self.errors:
            try:
                return plan.cls(**values)
            except TypeError:  # a required element is missing
                pass
        return self._incomplete(plan, values)

    def _incomplete(self, plan: Struct, values: dict[str, Any]) -> Any:
        for item in plan.fields:
            if item.required and item.name not in values:
                self._path.append(item.element)
                self._error(MISSING, f"{item.element} is required")
                self._path.pop()
        return BAD

    def _array(self, plan: Array, element: etree._Element) -> Any:
        if plan.name == _BOUNDED_ARRAY and len(element) > self._limits.unit_blocks:
            return self._error(
                TOO_MANY_BLOCKS, f"{len(element)} unit blocks; at most {self._limits.unit_blocks} are allowed"
            )
        items: list[Any] = []
        path, item_plan = self._path, plan.item
        self.work += len(element)
        path.append(0)
        for position, child in enumerate(element, 1):
            path[-1] = position
            value = self.read(item_plan, child)
            if value is None:
                self._error(MISSING, "an item of an array must not be nil")
            if child.tail is not None and child.tail.strip():
                self._error(WRONG_TYPE, f"elements are expected here, not the text {child.tail.strip()[:60]!r}")
            items.append(value)
        path.pop()
        return tuple(items)

    def _scalar(self, plan: Scalar, element: etree._Element) -> Any:
        if len(element):
            return self._error(WRONG_TYPE, f"a value is expected here (xsd:{plan.name}), not elements")
        text = element.text or ""
        if len(text) > self._limits.text:
            return self._error(TOO_LARGE, f"a value of {len(text)} characters; at most {self._limits.text} are read")
        self.work += 1 + len(text) // 8
        try:
            value = plan.parse(text)
        except ValueError as error:
            return self._error(WRONG_TYPE, str(error))
        kept = _KEPT.get(plan.name)
        if kept is not None:
            self._parsed[kept][text] = value
        return value

    def _unknown(self, plan: Struct, element: etree._Element) -> None:
        name = etree.QName(element)
        self._path.append(name.localname)
        self._error(UNKNOWN, f"{element.tag} is not an element of {plan.name}")
        self._path.pop()

    def _error(self, code: int, reason: str) -> object:
        path = "".join(f"/item[{step}]" if isinstance(step, int) else f"/{step}" for step in self._path)
        self.errors.append(FaultEntry(code, path, reason))
        if len(self.errors) >= self._limits.errors:
            raise ClientFault("the message is not valid; only its first errors are told", tuple(self.errors))
        return BAD


def is_nil(element: etree._Element) -> bool:
    """Whether `element` says that it has no value."""
    nil = element.get(_NIL)
    return nil is not None and str(nil).strip() in ("true", "1")


@cache
def _entries(plan: Struct) -> dict[Any, tuple[str, str, int | None, Plan]]:
    """What to do with a child by its tag; children are unqualified, but qualified ones are understood."""
    return {
        tag: (item.name, item.element, _KEPT.get(item.plan.name), item.plan)
        for item in plan.fields
        for tag in (item.element, *(f"{{{namespace}}}{item.element}" for namespace in NAMESPACES))
    }
