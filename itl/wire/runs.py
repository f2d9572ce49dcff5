"""A run: items of an array that are written alike but for the values in them, read by one pattern instead of a tree.

Programs write arrays, so that the items of a long one are the same bytes over and over. The first item is read as any
element is; the ones that follow it in exactly its spelling are taken out of the message before it is parsed, and their
values out of the pattern's groups. What is taken out is markup that stands elsewhere in the message and values of a few
harmless characters, so that the tree could hold nothing else there. Whatever is out of the ordinary (comments, CDATA,
entities, references, other encodings, values that want a second look) makes it no run, or a shorter one.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from itertools import repeat
from typing import Any

from lxml import etree

from itl.wire.contract import TYPES, Array, Struct
from itl.wire.scalars import Scalar

_LEAST_BYTES = 8 * 1024  # of a message, below which a tree is as fast
_LEAST_ITEMS = 8
_MOST_BYTES = 8 * 1024  # of an item: what a pattern is made from

_SPACE = rb"[ \t\r\n]*"
_NAME = rb"(?:[A-Za-z_][A-Za-z0-9_.-]*:)?([A-Za-z_][A-Za-z0-9_.-]*)"
_ATTRIBUTES = rb"""(?:[ \t\r\n]+[A-Za-z_][A-Za-z0-9_.:-]*=(?:"[^"<>&]*"|'[^'<>&]*'))*"""
_VALUE = rb"([0-9A-Za-z:.+-]{1,64})"
_OPENED = re.compile(rb"<" + _NAME + _ATTRIBUTES + _SPACE + rb">")
_CHILD = re.compile(_SPACE + rb"<" + _NAME + _ATTRIBUTES + _SPACE + rb"(?:/>|>(?:" + _VALUE + rb")?</[^<>&]*>)")
_CLOSED = re.compile(_SPACE + rb"</[^<>&]*>" + _SPACE)
_DECLARATION = re.compile(
    rb"""<\?xml[ \t\r\n]+version=["']1\.0["'](?:[ \t\r\n]+encoding=["'](?:utf-8|us-ascii|iso-8859-1)["'])?"""
    rb"""(?:[ \t\r\n]+standalone=["'][a-z]+["'])?[ \t\r\n]*\?>""",
    re.IGNORECASE,
)

_DIGITS = {"int": 9, "long": 18}  # so many are a number of the type, whichever they are


def _flat_items() -> tuple[bytes, ...]:
    """The names of the first elements of items that hold nothing but values."""
    items = [plan.item for plan in TYPES.values() if isinstance(plan, Array) and isinstance(plan.item, Struct)]
    flat = [item for item in items if all(isinstance(field.plan, Scalar) for field in item.fields)]
    return tuple(sorted({item.fields[0].element.encode() for item in flat}))


_FIRST_ELEMENTS = _flat_items()


class UnlikeError(Exception):
    """What looked like a run must be read in a tree after all."""


@dataclass(slots=True)
class Run:
    """Items that follow the first of their array and are spelled like it.

    `shortened` is the message without them, `tags` the number of tags in them. `anchor` is the name of the first
    element in the first item, and no element of that name stands before it. `children` are the names of an item's
    elements in order, each with whether it has a value; `rows` are the values.
    """

    shortened: bytes
    tags: int
    anchor: bytes
    children: tuple[tuple[str, bool], ...]
    rows: list[tuple[bytes, ...]]
    first: etree._Element | None = None
    is_read: bool = False

    def find_first(self, root: etree._Element) -> None:
        """Find the first item in the tree of the shortened message."""
        child = next(iter(root.iter(f"{{*}}{self.anchor.decode()}")), None)
        self.first = None if child is None else child.getparent()

    def items(self, plan: Struct, first: Any) -> list[Any]:
        """The items as the plan types them; `first` is the value of the first one. UnlikeError if it cannot be told."""
        fields = {field.element: field for field in plan.fields}
        columns = zip(*self.rows, strict=True)
        values: list[Any] = []
        names: list[str] = []
        for element, has_value in self.children:
            field = fields.get(element)
            if field is None:
                raise UnlikeError
            names.append(field.name)
            column = next(columns) if has_value else None
            if column is None or not isinstance(field.plan, Scalar):
                values.append(repeat(getattr(first, field.name), len(self.rows)))
            else:
                values.append(_typed(field.plan, column))
        self.is_read = True
        made, keys = plan.cls, tuple(names)
        return [made(**dict(zip(keys, row, strict=True))) for row in zip(*values, strict=True)]


def find(body: bytes) -> Run | None:
    """The run that begins with the first array of flat items in `body`, if there is one that is worth it."""
    if len(body) < _LEAST_BYTES:
        return None
    anchored = [(place, name) for name in _FIRST_ELEMENTS if (place := body.find(name)) > 0]
    if not anchored:
        return None
    place, anchor = min(anchored)
    start = body.rfind(b"<", 0, max(0, body.rfind(b"<", 0, place)))
    first = _spelling(body, start)
    if first is None or first.children[0][0].encode() != anchor or not body.startswith(first.opened, first.end):
        return None
    match = _pattern(first.pieces).match
    rows: list[tuple[bytes, ...]] = []
    end = first.end
    while item := match(body, end):
        rows.append(item.groups())
        end = item.end()
    shortened = body[: first.end] + body[end:]
    if len(rows) < _LEAST_ITEMS or not _is_plain(shortened):
        return None
    tags = len(rows) * sum(piece.count(b"<") for piece in first.pieces)
    return Run(shortened, tags, anchor, first.children, rows)


@dataclass(frozen=True, slots=True)
class _Spelling:
    """An item as it is written: `pieces` are the bytes around its values, its children are named with whether they have
    a value, `end` is where it ends in the message, blanks behind it included."""

    opened: bytes
    pieces: tuple[bytes, ...]
    children: tuple[tuple[str, bool], ...]
    end: int


def _spelling(body: bytes, start: int) -> _Spelling | None:
    """The item at `start`, if it is flat, and neither refers to anything nor can be referred to."""
    opened = _OPENED.match(body, max(0, start), start + _MOST_BYTES)
    if opened is None:
        return None
    children: list[tuple[str, bool]] = []
    cuts: list[tuple[int, int]] = []
    end = opened.end()
    while child := _CHILD.match(body, end, start + _MOST_BYTES):
        has_value = child[2] is not None
        children.append((child[1].decode(), has_value))
        if has_value:
            cuts.append(child.span(2))
        end = child.end()
    closed = _CLOSED.match(body, end)
    item = body[start:end]
    if closed is None or not cuts or b"id=" in item or b"href=" in item:
        return None
    begins = [start, *(cut[1] for cut in cuts)]
    ends = [*(cut[0] for cut in cuts), closed.end()]
    pieces = tuple(body[begin:until] for begin, until in zip(begins, ends, strict=True))
    return _Spelling(opened[0], pieces, tuple(children), closed.end())


@lru_cache(maxsize=64)
def _pattern(pieces: tuple[bytes, ...]) -> re.Pattern[bytes]:
    return re.compile(_VALUE.join(map(re.escape, pieces)))


def _is_plain(shortened: bytes) -> bool:
    """Whether every `<` begins a tag, and every byte of ASCII is that character."""
    if b"<!" in shortened:
        return False
    declared = _DECLARATION.match(shortened)
    return b"<?" not in shortened[0 if declared is None else declared.end() :]


def _typed(plan: Scalar, column: tuple[bytes, ...]) -> Any:
    """The values of one element in all items, shared where they are equal."""
    digits = _DIGITS.get(plan.name)
    known = set(column)
    if digits is None:
        try:
            values: dict[bytes, Any] = {text: plan.parse(text.decode()) for text in known}
        except ValueError as error:
            raise UnlikeError from error
        return map(values.__getitem__, column)
    if not b"".join(known).isdigit() or max(map(len, known)) > digits:
        raise UnlikeError
    return map(int, column) if len(known) > len(column) // 2 else map({text: int(text) for text in known}.get, column)
