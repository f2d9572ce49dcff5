"""Messages in their canonical form as plain XML and back, by the contract: for stacks whose language has no JSON."""

from __future__ import annotations

from typing import Any

from lxml import etree

from itl.wire.contract import Array, Plan, Struct


def plain(plan: Plan, value: Any, *, shared: bool = False) -> str:
    """`value` as an element in one line; `shared` writes a struct that was there before as a reference to the first."""
    element = etree.Element("value")
    _fill(element, plan, value, {} if shared else None)
    return etree.tostring(element, encoding="unicode").replace("\n", "&#10;").replace("\t", "&#9;")


def _fill(element: etree._Element, plan: Plan, value: Any, known: dict[str, str] | None) -> None:
    if isinstance(plan, Array):
        for item in value:
            _fill(etree.SubElement(element, "item"), plan.item, item, known)
        return
    if not isinstance(plan, Struct):
        element.text = str(value)
        return
    if known is not None:
        key = repr((plan.name, value))
        if key in known:
            element.set("href", f"#{known[key]}")
            return
        known[key] = f"id{len(known)}"
        element.set("id", known[key])
    for field in plan.fields:
        if value.get(field.element) is not None:
            _fill(etree.SubElement(element, field.element), field.plan, value[field.element], known)


def read(plan: Plan, text: str) -> Any:
    """The canonical form of an element that `plain` could have written without sharing, times in any spelling."""
    return _read(plan, etree.fromstring(text.encode()))


def _read(plan: Plan, element: etree._Element) -> Any:
    if isinstance(plan, Array):
        return [_read(plan.item, child) for child in element]
    if isinstance(plan, Struct):
        plans = {field.element: field.plan for field in plan.fields}
        return {child.tag: _read(plans[child.tag], child) for child in element}
    text = element.text or ""
    if plan.name in ("int", "long"):
        return int(text)
    return text if plan.name == "string" else plan.render(plan.parse(text))
