"""The contract as published, read from `schemas/` (types and message parts) and `wsdl/` (ports and operations).

A type is compiled into a plan: `Struct`, `Array` or `Scalar`. Decoder, encoder and canonical form all walk these plans,
so that no name of the contract stands anywhere in the code.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from importlib.resources import files
from types import MappingProxyType
from typing import Any, TypeAlias

from lxml import etree

from itl import messages
from itl.wire.scalars import SCALARS, Scalar

XSD = "http://www.w3.org/2001/XMLSchema"
XSI = "http://www.w3.org/2001/XMLSchema-instance"
SOAP_ENVELOPE = "http://schemas.xmlsoap.org/soap/envelope/"
SOAP_ENCODING = "http://schemas.xmlsoap.org/soap/encoding/"
WSDL = "http://schemas.xmlsoap.org/wsdl/"
OPERATION_NAMESPACE = "urn:KyotoProtocol:RegistrySystem:ITL:1.0:0.0"
TYPE_NAMESPACE = "urn:KyotoProtocol:RegistrySystem:ITL:Types:1.0:0.0"
NAMESPACES = (OPERATION_NAMESPACE, TYPE_NAMESPACE)

SCHEMA_FILES = ("common.xsd", "transaction.xsd", "reconciliation.xsd", "administration.xsd", "relay.xsd")

_KEYWORDS = {"from": "sender", "to": "addressee"}  # `from` cannot be a field's name in Python


@dataclass(frozen=True, slots=True)
class Array:
    """A sequence of items of one type; `name` is the type's local name."""

    name: str
    item: Plan


@dataclass(frozen=True, slots=True)
class Field:
    """One element of a struct: its local name on the wire, its name in the message class, its type."""

    element: str
    name: str
    plan: Plan
    required: bool


@dataclass(frozen=True, slots=True)
class Struct:
    """A type with named elements in order; `cls` is its class in `itl.messages`."""

    name: str
    cls: type[Any]
    fields: tuple[Field, ...]

    def __hash__(self) -> int:
        return hash(self.name)


Plan: TypeAlias = Scalar | Array | Struct


class Port(Enum):
    """Who offers the service: the value is the port's name in WSDL."""

    TRANSACTION_LOG = "TransactionLogPort"
    REGISTRY = "RegistryPort"
    SUPPLEMENTARY_LOG = "SupplementaryLogPort"
    RELAY = "RelayPort"
    """Beside one of the others: messages that the log passes on without reading them."""


WSDL_FILES: Mapping[Port, str] = MappingProxyType(
    {
        Port.TRANSACTION_LOG: "transactionlog.wsdl",
        Port.REGISTRY: "registry.wsdl",
        Port.SUPPLEMENTARY_LOG: "supplementarylog.wsdl",
        Port.RELAY: "relay.wsdl",
    }
)


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation of a port: the classes of its messages, the names of its parts, the plans of their types."""

    name: str
    request: type[Any]
    response: type[Any]
    request_part: str
    response_part: str
    request_plan: Struct
    response_plan: Struct


def service_name(port: Port) -> str:
    """The name of the port's service in WSDL, which is also the last step of the path that it is offered at."""
    return port.value.removesuffix("Port") + "Service"


def python_name(element: str) -> str:
    """The name of the message class's field for a wire element: `LULUCFActivity` is `lulucf_activity`."""
    snake = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", element).lower()
    return _KEYWORDS.get(element, snake)


def schema_file(name: str) -> bytes:
    """A file of `schemas/`, by its name."""
    return files("itl_schemas").joinpath(name).read_bytes()


def wsdl_file(name: str) -> bytes:
    """A file of `wsdl/`, by its name."""
    return files("itl_wsdl").joinpath(name).read_bytes()


def _read_plans() -> tuple[dict[str, Plan], dict[str, Plan]]:
    """The plans by type name and by global element name."""
    schemas = [etree.fromstring(schema_file(name)) for name in SCHEMA_FILES]
    types = (node for schema in schemas for node in schema.iterchildren(f"{{{XSD}}}complexType"))
    declared = {_attribute(node, "name"): node for node in types}
    plans: dict[str, Plan] = {f"xsd:{name}": scalar for name, scalar in SCALARS.items()}

    def plan_of(qualified: str) -> Plan:
        if qualified not in plans:
            plans[qualified] = compiled(qualified.removeprefix("t:"))
        return plans[qualified]

    def compiled(name: str) -> Plan:
        elements = declared[name].findall(f".//{{{XSD}}}element")
        if elements[0].get("maxOccurs") == "unbounded":
            return Array(name, plan_of(_attribute(elements[0], "type")))
        return Struct(name, getattr(messages, name), tuple(_field(node, plan_of) for node in elements))

    parts = {
        _attribute(node, "name"): plan_of(_attribute(node, "type"))
        for schema in schemas
        for node in schema.iterchildren(f"{{{XSD}}}element")
    }
    return {name.removeprefix("t:"): plan for name, plan in plans.items() if name.startswith("t:")}, parts


def _field(node: etree._Element, plan_of: Callable[[str], Plan]) -> Field:
    element = _attribute(node, "name")
    return Field(element, python_name(element), plan_of(_attribute(node, "type")), node.get("minOccurs") != "0")


def _attribute(node: etree._Element, name: str) -> str:
    return str(node.attrib[name])


def _read_operations(port: Port) -> Mapping[str, Operation]:
    """The operations of a port in the order of its WSDL."""
    definitions = etree.fromstring(wsdl_file(WSDL_FILES[port]))
    port_type = definitions.find(f"{{{WSDL}}}portType[@name='{port.value}']")
    if port_type is None:
        raise LookupError(f"{WSDL_FILES[port]} has no port type {port.value}")
    return MappingProxyType(
        {
            _attribute(node, "name"): _operation(
                _attribute(node, "name"), _part(definitions, node, "input"), _part(definitions, node, "output")
            )
            for node in port_type.iterchildren(f"{{{WSDL}}}operation")
        }
    )


def _part(definitions: etree._Element, operation: etree._Element, direction: str) -> str:
    reference = operation.find(f"{{{WSDL}}}{direction}")
    if reference is None:
        raise LookupError(f"{operation.get('name')} has no {direction}")
    message = _attribute(reference, "message").partition(":")[2]
    part = definitions.find(f"{{{WSDL}}}message[@name='{message}']/{{{WSDL}}}part")
    if part is None:
        raise LookupError(f"message {message} has no part")
    return _attribute(part, "name")


def _operation(name: str, request_part: str, response_part: str) -> Operation:
    request, response = PARTS[request_part], PARTS[response_part]
    if not isinstance(request, Struct) or not isinstance(response, Struct):
        raise LookupError(f"the parts of {name} are not structs")
    return Operation(name, request.cls, response.cls, request_part, response_part, request, response)


TYPES, PARTS = _read_plans()
OPERATIONS: Mapping[Port, Mapping[str, Operation]] = MappingProxyType({port: _read_operations(port) for port in Port})

_OFFERING: Mapping[str, Port] = MappingProxyType({name: port for port in Port for name in OPERATIONS[port]})

EVERY_OPERATION: Mapping[str, Operation] = MappingProxyType(
    {name: OPERATIONS[port][name] for name, port in _OFFERING.items()}
)
"""The operations of all ports. An operation that several ports offer has the same messages at each."""


def offering(operation: str) -> Port:
    """A port that offers the operation: by it messages are written and read that go to a peer, whatever its kind."""
    return _OFFERING[operation]
