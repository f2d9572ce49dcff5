"""The canonical JSON form of a request, for people and programs: wire names, references resolved, absent left out.

Integers are numbers, arrays lists, times strings as XML Schema writes them canonically (UTC, `Z`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from itl.wire.contract import OPERATIONS, Array, Plan, Port, Struct
from itl.wire.decode import Decoded
from itl.wire.faults import MISSING, UNKNOWN, WRONG_TYPE, ClientFault, FaultEntry
from itl.wire.scalars import Scalar

_NUMBERS = ("int", "long")


def to_canonical(operation: str, message: Any) -> dict[str, Any]:
    """`{"operation": ..., "request": {...}}` of a request of either port."""
    plan = next(known[operation].request_plan for known in OPERATIONS.values() if operation in known)
    return {"operation": operation, "request": _dump(plan, message)}


def from_canonical(port: Port, document: Mapping[str, Any]) -> Decoded:
    """The request that `to_canonical` wrote; ClientFault with all its errors if it is none of `port`."""
    operation = document.get("operation")
    contract = OPERATIONS[port].get(operation) if isinstance(operation, str) else None
    if contract is None:
        raise ClientFault(f"{operation!r} is not an operation of {port.value}; it has {', '.join(OPERATIONS[port])}")
    errors: list[FaultEntry] = []
    message = _load(contract.request_plan, document.get("request"), "/request", errors)
    if errors:
        raise ClientFault(f"the request is not a valid {contract.request_plan.name}", tuple(errors))
    return Decoded(contract.name, message)


def _dump(plan: Plan, value: Any) -> Any:
    if isinstance(plan, Array):
        return [_dump(plan.item, item) for item in value]
    if isinstance(plan, Struct):
        present = ((item, getattr(value, item.name)) for item in plan.fields)
        return {item.element: _dump(item.plan, part) for item, part in present if part is not None}
    return value if plan.name in ("string", *_NUMBERS) else plan.render(value)


def _load(plan: Plan, value: Any, path: str, errors: list[FaultEntry]) -> Any:
    if isinstance(plan, Struct):
        return _load_struct(plan, value, path, errors)
    if isinstance(plan, Array):
        if not isinstance(value, list):
            return errors.append(FaultEntry(WRONG_TYPE, path, "a list is expected here"))
        return tuple(_load(plan.item, item, f"{path}[{place}]", errors) for place, item in enumerate(value, 1))
    return _load_scalar(plan, value, path, errors)


def _load_struct(plan: Struct, value: Any, path: str, errors: list[FaultEntry]) -> Any:
    if not isinstance(value, dict):
        return errors.append(FaultEntry(WRONG_TYPE, path, f"an object ({plan.name}) is expected here"))
    before = len(errors)
    names = {item.element for item in plan.fields}
    for name in value.keys() - names:
        errors.append(FaultEntry(UNKNOWN, f"{path}/{name}", f"{name} is not an element of {plan.name}"))
    values: dict[str, Any] = {}
    for item in plan.fields:
        part = value.get(item.element)
        if part is not None:
            values[item.name] = _load(item.plan, part, f"{path}/{item.element}", errors)
        elif item.required:
            errors.append(FaultEntry(MISSING, f"{path}/{item.element}", f"{item.element} is required"))
    return plan.cls(**values) if len(errors) == before else None


def _load_scalar(plan: Scalar, value: Any, path: str, errors: list[FaultEntry]) -> Any:
    wanted = int if plan.name in _NUMBERS else str
    if not isinstance(value, wanted) or isinstance(value, bool):
        return errors.append(FaultEntry(WRONG_TYPE, path, f"{value!r} is not a {wanted.__name__} (xsd:{plan.name})"))
    try:
        return plan.parse(str(value))
    except ValueError as error:
        return errors.append(FaultEntry(WRONG_TYPE, path, str(error)))
