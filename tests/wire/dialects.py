"""The same message as each SOAP stack spells it: what was measured of eight of them, by their traits.

Every function takes an operation's name and a typed request, and gives the envelope. `rng` decides what a stack leaves
to chance (the order of multiRef elements, of hash keys).
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any
from xml.sax.saxutils import escape

from itl.wire.contract import OPERATION_NAMESPACE as ITL
from itl.wire.contract import OPERATIONS, Array, Operation, Plan, Struct
from itl.wire.contract import TYPE_NAMESPACE as TYPES

ENVELOPE = "http://schemas.xmlsoap.org/soap/envelope/"
ENCODING = "http://schemas.xmlsoap.org/soap/encoding/"
_NAMES = (
    f'xmlns:e="{ENVELOPE}" xmlns:xsd="http://www.w3.org/2001/XMLSchema" xmlns:enc="{ENCODING}" '
    f'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:t="{TYPES}"'
)


def contract(operation: str) -> Operation:
    return next(port[operation] for port in OPERATIONS.values() if operation in port)


def envelope(wrapper: str, *rest: str, names: str = _NAMES) -> bytes:
    content = wrapper + "".join(rest)
    return f'<?xml version="1.0" encoding="UTF-8"?><e:Envelope {names}><e:Body>{content}</e:Body></e:Envelope>'.encode()


def _type(plan: Plan) -> str:
    return f"t:{plan.name}" if isinstance(plan, Struct | Array) else f"xsd:{plan.name}"


def _text(plan: Plan, value: Any) -> str:
    return escape(value) if isinstance(value, str) else plan.render(value)


def _wrapped(operation: str, part: str, namespace: str = ITL) -> str:
    return f'<o:{operation} xmlns:o="{namespace}">{part}</o:{operation}>'


def _inline(
    name: str,
    plan: Plan,
    value: Any,
    *,
    typed: bool,
    arrays: Callable[[Array, int], str],
    item: Callable[[Array, str], str],
    nil: bool,
    order: Callable[[list[Any]], list[Any]] = list,
) -> str:
    kind = f' xsi:type="{_type(plan)}"' if typed else ""
    if value is None:
        return f'<{name} xsi:type="xsd:int" xsi:nil="true"/>' if nil else ""
    more = {"typed": typed, "arrays": arrays, "item": item, "nil": nil, "order": order}
    if isinstance(plan, Struct):
        fields = [_inline(part.element, part.plan, getattr(value, part.name), **more) for part in plan.fields]
        return f"<{name}{kind}>{''.join(order(fields))}</{name}>"
    if isinstance(plan, Array):
        items = "".join(_inline(item(plan, name), plan.item, entry, **more) for entry in value)
        return f"<{name}{arrays(plan, len(value))}>{items}</{name}>"
    return f"<{name}{kind}>{_text(plan, value)}</{name}>"


def axis_without_references(operation: str, message: Any, _rng: random.Random) -> bytes:
    """Axis with sendMultiRefs off: inline and typed, every absent element nil, items named as their array."""
    part = _inline(
        contract(operation).request_part,
        contract(operation).request_plan,
        message,
        typed=True,
        nil=True,
        arrays=lambda plan, size: f' enc:arrayType="{_type(plan.item)}[{size}]" xsi:type="enc:Array"',
        item=lambda _plan, name: name,
    )
    return envelope(_wrapped(operation, part))


def php(operation: str, message: Any, _rng: random.Random) -> bytes:
    part = _inline(
        contract(operation).request_part,
        contract(operation).request_plan,
        message,
        typed=True,
        nil=False,
        arrays=lambda plan, size: f' enc:arrayType="{_type(plan.item)}[{size}]" xsi:type="{_type(plan)}"',
        item=lambda _plan, _name: "item",
    )
    return envelope(_wrapped(operation, part))


def zeep(operation: str, message: Any, _rng: random.Random) -> bytes:
    """Literal: no type at all, items named as their type."""
    part = _inline(
        contract(operation).request_part,
        contract(operation).request_plan,
        message,
        typed=False,
        nil=False,
        arrays=lambda _plan, _size: "",
        item=lambda plan, _name: plan.item.name,
    )
    return envelope(_wrapped(operation, part))


def suds(operation: str, message: Any, _rng: random.Random) -> bytes:
    """Typed, but arrays without arrayType; an empty Header."""
    part = _inline(
        contract(operation).request_part,
        contract(operation).request_plan,
        message,
        typed=True,
        nil=False,
        arrays=lambda plan, _size: f' xsi:type="{_type(plan)}"',
        item=lambda _plan, _name: "item",
    )
    return envelope(_wrapped(operation, part)).replace(b"<e:Body>", b"<e:Header/><e:Body>")


def node(operation: str, message: Any, _rng: random.Random) -> bytes:
    """Untyped, the wrapper in the namespace of the types, null as nil."""
    part = _inline(
        contract(operation).request_part,
        contract(operation).request_plan,
        message,
        typed=False,
        nil=True,
        arrays=lambda _plan, _size: "",
        item=lambda _plan, _name: "item",
    )
    return envelope(_wrapped(operation, part, TYPES))


def perl(operation: str, message: Any, rng: random.Random) -> bytes:
    """Natural Perl: elements in the order of a hash, arrays of anyType, blanks between elements."""

    def shuffled(fields: list[Any]) -> list[Any]:
        rng.shuffle(fields)
        return ["\n  ", *fields, "\n"]

    part = _inline(
        contract(operation).request_part,
        contract(operation).request_plan,
        message,
        typed=False,
        nil=False,
        order=shuffled,
        arrays=lambda _plan, size: f' enc:arrayType="xsd:anyType[{size}]" xsi:type="enc:Array"',
        item=lambda _plan, _name: "item",
    )
    return envelope(_wrapped(operation, part))


class _Axis:
    """Every struct, item and number by reference; equal small numbers are one element, as Java's caches make them."""

    def __init__(self) -> None:
        self.elements: list[str] = []
        self._numbers: dict[tuple[str, str], str] = {}

    def new(self) -> str:
        return f"id{len(self.elements)}"

    def element(self, identifier: str, plan: Plan, content: str) -> str:
        names = f'xmlns:enc="{ENCODING}"' + (f' xmlns:t="{TYPES}"' if isinstance(plan, Struct) else "")
        return (
            f'<multiRef id="{identifier}" enc:root="0" e:encodingStyle="{ENCODING}" xsi:type="{_type(plan)}" {names}>'
            f"{content}</multiRef>"
        )

    def refer(self, name: str, plan: Plan, value: Any) -> str:
        if value is None:
            return f'<{name} xsi:type="xsd:int" xsi:nil="true"/>'
        if isinstance(plan, Array):
            items = "".join(self.refer(name, plan.item, entry) for entry in value)
            return f'<{name} enc:arrayType="{_type(plan.item)}[{len(value)}]" xsi:type="enc:Array">{items}</{name}>'
        if not isinstance(plan, Struct) and not isinstance(value, int):
            return f'<{name} xsi:type="{_type(plan)}">{_text(plan, value)}</{name}>'
        return f'<{name} href="#{self._identifier(plan, value)}"/>'

    def _identifier(self, plan: Plan, value: Any) -> str:
        if isinstance(plan, Struct):
            identifier, place = self._reserve()
            fields = "".join(self.refer(part.element, part.plan, getattr(value, part.name)) for part in plan.fields)
            self.elements[place] = self.element(identifier, plan, fields)
            return identifier
        key = plan.name, str(value)
        if -128 <= value <= 127 and key in self._numbers:
            return self._numbers[key]
        identifier, place = self._reserve()
        self.elements[place] = self.element(identifier, plan, str(value))
        self._numbers[key] = identifier
        return identifier

    def _reserve(self) -> tuple[str, int]:
        place = len(self.elements)
        self.elements.append("")
        return f"id{place}", place


def axis(operation: str, message: Any, rng: random.Random) -> bytes:
    """Axis as the UK's registry runs it: multiRef elements behind the operation, in any order."""
    writer = _Axis()
    part = writer.refer(contract(operation).request_part, contract(operation).request_plan, message)
    rng.shuffle(writer.elements)
    return envelope(_wrapped(operation, part), *writer.elements)


def gsoap(operation: str, message: Any, rng: random.Random) -> bytes:
    """`<id id="_3" xsi:type>` behind the operation, `position` on items, empty arrays without any attribute."""
    writer = _Gsoap()
    part = writer.refer(contract(operation).request_part, contract(operation).request_plan, message)
    rng.shuffle(writer.elements)
    return envelope(_wrapped(operation, part), *writer.elements)


class _Gsoap(_Axis):
    def element(self, identifier: str, plan: Plan, content: str) -> str:
        return f'<id id="{identifier}" xsi:type="{_type(plan)}">{content}</id>'

    def refer(self, name: str, plan: Plan, value: Any) -> str:
        if value is None:
            return ""
        if isinstance(plan, Array):
            items = "".join(
                self.refer("item", plan.item, entry).replace("<item", f'<item enc:position="[{place}]"', 1)
                for place, entry in enumerate(value)
            )
            kind = f' enc:arrayType="{_type(plan.item)}[{len(value)}]"' if value else ""
            return f"<{name}{kind}>{items}</{name}>"
        if not isinstance(plan, Struct) and not isinstance(value, int):
            return f"<{name}>{_text(plan, value)}</{name}>"
        return f'<{name} href="#{self._identifier(plan, value)}"/>'


class _DotNet(_Axis):
    """Structs, arrays and items by reference, named as their types; numbers inline, items of numbers untyped."""

    def refer(self, name: str, plan: Plan, value: Any) -> str:
        if value is None:
            return ""
        if isinstance(plan, Struct):
            return f'<{name} href="#{self._identifier(plan, value)}"/>'
        if isinstance(plan, Array):
            identifier, place = self._reserve()
            items = "".join(self.refer("Item", plan.item, entry) for entry in value)
            kind = f'enc:arrayType="{_type(plan.item)}[{len(value)}]"'
            self.elements[place] = f'<enc:Array id="{identifier}" {kind}>{items}</enc:Array>'
            return f'<{name} href="#{identifier}"/>'
        return f"<{name}>{_text(plan, value)}</{name}>"

    def element(self, identifier: str, plan: Plan, content: str) -> str:
        return f'<q:{plan.name} id="{identifier}" xsi:type="q:{plan.name}" xmlns:q="{TYPES}">{content}</q:{plan.name}>'


def dotnet(operation: str, message: Any, _rng: random.Random) -> bytes:
    """Proxies of .NET: `<q1:Type id>` and `<soapenc:Array id>` behind the operation."""
    writer = _DotNet()
    part = writer.refer(contract(operation).request_part, contract(operation).request_plan, message)
    return envelope(_wrapped(operation, part), *writer.elements)


DIALECTS: dict[str, Callable[[str, Any, random.Random], bytes]] = {
    "axis": axis,
    "axis without references": axis_without_references,
    "php": php,
    "gsoap": gsoap,
    ".NET": dotnet,
    "perl": perl,
    "zeep": zeep,
    "suds": suds,
    "node": node,
}
