"""The descent from elements to values, by plan: the hot path of the log.

An element with content is read by its content; `href` and `xsi:nil` count on empty elements only, as the encoding has
it. Errors are collected, not raised, so that a fault can name them all; a value that could not be read is `BAD`.
"""

from __future__ import annotations

from functools import cache
from typing import Any, Final, TypeAlias

from lxml import etree

from itl.wire.contract import NAMESPACES, Array, Field, Plan, Struct
from itl.wire.faults import MISSING, TOO_LARGE, TOO_MANY_BLOCKS, UNKNOWN, WRONG_TYPE, ClientFault, FaultEntry
from itl.wire.limits import Limits
from itl.wire.references import NIL, References, has_content, is_nil
from itl.wire.runs import Run
from itl.wire.scalars import SCALARS, Scalar

BAD: Final = object()

_BOUNDED_ARRAY = "ArrayOfTransactionUnitBlock"  # the blocks of a proposal: the one array with a published bound
_CHARACTERS_PER_WORK = 8

# Values that were read before are found again, by type and text or by type and reference: most values of a message are
# the same few. References to strings are not kept so, because repeating a long one must cost its length each time.
_Known: TypeAlias = dict[str | None, Any]
_Entry: TypeAlias = tuple[str, int, int, Field]

_SAFE_DIGITS = {"int": 9, "long": 18}  # so many are a number of the type, whichever they are
_TYPE_NUMBERS = {name: number for number, name in enumerate(SCALARS)}
_NO_VALUE = len(SCALARS)  # the number of every type that is no value


class Reader:
    """One message being read: its errors so far, the values that may be shared, the work done."""

    __slots__ = ("_by_reference", "_by_text", "_limits", "_path", "_references", "_run", "_shared", "errors", "work")

    def __init__(self, references: References, part: str, limits: Limits, run: Run | None = None) -> None:
        self.errors: list[FaultEntry] = []
        self.work = 0
        self._references = references
        self._limits = limits
        self._run = run
        self._path: list[str | int] = [part]
        self._by_text: list[_Known] = [{}, {}, {}, {}, {}, {}]
        self._by_reference: list[_Known] = [{}, {}, {}, {}, {}, {}]
        self._shared: dict[tuple[etree._Element, str], tuple[Any, int]] = {}

    def read(self, plan: Plan, element: etree._Element) -> Any:
        """The value at `element`: None if it is nil, BAD if it is in error."""
        if has_content(element):
            return self._scalar(plan, element) if isinstance(plan, Scalar) else self._identified(plan, element)
        href = element.get("href")
        if href is not None:
            return self._referenced(plan, element, str(href))
        if is_nil(element):
            return None
        return self._scalar(plan, element) if isinstance(plan, Scalar) else self._identified(plan, element)

    def _referenced(self, plan: Plan, element: etree._Element, href: str) -> Any:
        target = self._references.target(element)
        if not has_content(target) and is_nil(target):
            return None
        if not isinstance(plan, Scalar):
            return self._share(plan, target)
        value = self._scalar(plan, target)
        self._references.spend(self.work)
        if plan.name != "string" and value is not BAD:
            self._by_reference[_TYPE_NUMBERS[plan.name]][href] = value
        return value

    def _identified(self, plan: Struct | Array, element: etree._Element) -> Any:
        return self._compound(plan, element) if element.get("id") is None else self._share(plan, element)

    def _share(self, plan: Struct | Array, element: etree._Element) -> Any:
        """The value of an element that others may refer to: read once, and counted each time."""
        key = (element, plan.name)
        known = self._shared.get(key)
        if known is None:
            before = self.work
            value = self._compound(plan, element)
            self._shared[key] = value, self.work - before
            return value
        value, cost = known
        self.work += cost
        self._references.spend(self.work)
        return value

    def _compound(self, plan: Struct | Array, element: etree._Element) -> Any:
        if element.text is not None:
            self._no_text(element.text)
        return self._struct(plan, element) if isinstance(plan, Struct) else self._array(plan, element)

    def _struct(self, plan: Struct, element: etree._Element) -> Any:
        entries = _entries(plan)
        by_texts, by_references = self._by_text, self._by_reference
        values: dict[str, Any] = {}
        self.work += len(element)
        for child in element:
            entry = entries.get(child.tag) or self._qualified(entries, child)
            if entry is None:
                self._unknown(plan, child)
                continue
            name, number, digits, item = entry
            if child.tail is not None:
                self._no_text(child.tail)
            text = child.text
            if text is None:
                href = child.get("href")
                if href is None and child.get(NIL) == "true" and not len(child):
                    continue
                value = by_references[number].get(href)
                if value is None and href is not None and digits:
                    text = self._references.text(href)
            else:
                value = by_texts[number].get(text)
            if value is None and text is not None and len(text) <= digits and text.isdecimal() and text.isascii():
                value = by_texts[number][text] = int(text)
            if value is None or name in values or len(child):
                value = self._field(item, child, name in values)
            if value is not None:
                values[name] = value
        try:
            return plan.cls(**values)
        except TypeError:
            return self._incomplete(plan, values)

    def _field(self, item: Field, element: etree._Element, repeated: bool) -> Any:
        self._path.append(item.element)
        value = self.read(item.plan, element)
        if repeated:
            value = self._error(UNKNOWN, f"{item.element} stands more than once")
        self._path.pop()
        return value

    def _incomplete(self, plan: Struct, values: dict[str, Any]) -> Any:
        for item in plan.fields:
            if item.required and item.name not in values:
                self._path.append(item.element)
                self._error(MISSING, f"{item.element} is required")
                self._path.pop()
        return BAD

    def _array(self, plan: Array, element: etree._Element) -> Any:
        run = self._run
        if run is not None and (run.first is None or run.first.getparent() is not element):
            run = None
        length = len(element) + (0 if run is None else len(run.rows))
        if plan.name == _BOUNDED_ARRAY and length > self._limits.unit_blocks:
            return self._error(TOO_MANY_BLOCKS, f"{length} unit blocks; at most {self._limits.unit_blocks} are allowed")
        items: list[Any] = []
        path, item_plan = self._path, plan.item
        self.work += len(element)
        path.append(0)
        for position, child in enumerate(element, 1):
            path[-1] = position
            value = self.read(item_plan, child)
            if value is None:
                self._error(MISSING, "an item of an array must not be nil")
            if child.tail is not None:
                self._no_text(child.tail)
            items.append(value)
            if run is not None and child is run.first and value is not BAD and isinstance(item_plan, Struct):
                items += run.items(item_plan, value)
                self.work += len(run.rows) * (1 + len(run.children))
        path.pop()
        return tuple(items)

    def _scalar(self, plan: Scalar, element: etree._Element) -> Any:
        if len(element):
            return self._error(WRONG_TYPE, f"a value is expected here (xsd:{plan.name}), not elements")
        text = element.text or ""
        if len(text) > self._limits.text:
            return self._error(TOO_LARGE, f"a value of {len(text)} characters; at most {self._limits.text} are read")
        self.work += 1 + len(text) // _CHARACTERS_PER_WORK
        try:
            value = plan.parse(text)
        except ValueError as error:
            return self._error(WRONG_TYPE, str(error))
        if not text.isspace():  # blank text may stand on an element that is nil or refers to another
            self._by_text[_TYPE_NUMBERS[plan.name]][text] = value
        return value

    def _no_text(self, text: str | None) -> None:
        if text is not None and text.strip():
            self._error(WRONG_TYPE, f"elements are expected here, not the text {text.strip()[:60]!r}")

    def _unknown(self, plan: Struct, element: etree._Element) -> None:
        self._path.append(etree.QName(element).localname)
        self._error(UNKNOWN, f"{element.tag} is not an element of {plan.name}")
        self._path.pop()

    def _qualified(self, entries: dict[Any, _Entry], element: etree._Element) -> _Entry | None:
        """Children are unqualified, but some stacks' programmers qualify them."""
        name = etree.QName(element)
        return entries.get(name.localname) if name.namespace in NAMESPACES else None

    def _error(self, code: int, reason: str) -> object:
        path = "".join(f"/item[{step}]" if isinstance(step, int) else f"/{step}" for step in self._path)
        self.errors.append(FaultEntry(code, path, reason))
        if len(self.errors) >= self._limits.errors:
            raise ClientFault("the message is not valid; only its first errors are told", tuple(self.errors))
        return BAD


@cache
def _entries(plan: Struct) -> dict[Any, _Entry]:
    """What to do with a child by its tag: its field's name, the number of its type, how many digits are safe."""
    return {
        item.element: (
            item.name,
            _TYPE_NUMBERS.get(item.plan.name, _NO_VALUE),
            _SAFE_DIGITS.get(item.plan.name, 0),
            item,
        )
        for item in plan.fields
    }
