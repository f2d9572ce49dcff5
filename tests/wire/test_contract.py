"""The schemas, the WSDL files and the message classes are one contract: that of the two tables."""

from __future__ import annotations

import csv
import types
import typing
from datetime import date, datetime
from functools import cache
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

import msgspec
import pytest
import requests
import xmlschema
import zeep
from lxml import etree
from zeep.transports import Transport

from itl import messages
from itl.wire import contract
from itl.wire.contract import OPERATIONS, PARTS, TYPES, Array, Port, Struct, python_name

HERE = Path(__file__).parent
ITL = "urn:KyotoProtocol:RegistrySystem:ITL:1.0:0.0"
TYPE_NAMESPACE = "urn:KyotoProtocol:RegistrySystem:ITL:Types:1.0:0.0"
NS = {
    "w": "http://schemas.xmlsoap.org/wsdl/",
    "s": "http://schemas.xmlsoap.org/wsdl/soap/",
    "x": "http://www.w3.org/2001/XMLSchema",
}
RELAY_TYPES = {"RelayRequest", "RelayResponse"}
"""Beside those of the published common.wsdl."""
PYTHON_TYPES = {"string": str, "int": int, "long": int, "dateTime": datetime, "date": date}


def rows(name: str) -> list[dict[str, str]]:
    with (HERE / name).open(newline="") as file:
        return list(csv.DictReader(file))


@cache
def table_types() -> dict[str, list[tuple[str, str, str]]]:
    """(element, value type, occurrence) of each type, in order."""
    found: dict[str, list[tuple[str, str, str]]] = {}
    for row in rows("contract_types.csv"):
        found.setdefault(row["type"], []).append((row["element"], row["value_type"], row["occurs"]))
    return found


def table_operations(port: Port) -> list[dict[str, str]]:
    return [row for row in rows("contract_operations.csv") if row["port"] == port.value]


def wsdl(name: str) -> etree._Element:
    return etree.fromstring(files("itl_wsdl").joinpath(name).read_bytes())


@cache
def schema() -> xmlschema.XMLSchema:
    with as_file(files("itl_schemas").joinpath("messages.xsd")) as path:
        return xmlschema.XMLSchema(str(path), allow="local")


def test_tables_are_not_empty() -> None:
    assert len(table_types()) == 50
    assert [len(table_operations(port)) for port in Port] == [11, 10, 10, 1]


@pytest.mark.parametrize("name", table_types())
def test_schema_type_equals_the_table(name: str) -> None:
    elements = list(schema().types[name].content.iter_elements())
    found = [
        (element.local_name, element.type.local_name, element.min_occurs, element.max_occurs) for element in elements
    ]
    occurrence = {"required": (1, 1), "optional": (0, 1), "array": (0, None)}
    expected = [
        ("item" if occurs == "array" else element, value_type, *occurrence[occurs])
        for element, value_type, occurs in table_types()[name]
    ]
    assert found == expected


def test_schema_has_no_other_types_and_one_element_per_part() -> None:
    assert set(schema().types) == set(table_types())
    parts = {
        row[f"{side}_part"]: row[f"{side}_type"]
        for row in rows("contract_operations.csv")
        for side in ("request", "response")
    }
    assert {name: element.type.local_name for name, element in schema().elements.items()} == parts
    assert schema().target_namespace == TYPE_NAMESPACE


@pytest.mark.parametrize(
    "name", ["messages", "common", "transaction", "reconciliation", "administration", "relay", "soap-encoding"]
)
def test_every_schema_file_stands_alone(name: str) -> None:
    with as_file(files("itl_schemas").joinpath(f"{name}.xsd")) as path:
        xmlschema.XMLSchema(str(path), allow="local")
        etree.XMLSchema(etree.parse(path, etree.XMLParser(no_network=True)))


@pytest.mark.parametrize("name", table_types())
def test_wsdl_type_equals_the_table(name: str) -> None:
    file = "relay.wsdl" if name in RELAY_TYPES else "common.wsdl"
    node = wsdl(file).find(f".//x:complexType[@name='{name}']", NS)
    (first, *_) = expected = table_types()[name]
    if first[2] == "array":
        restriction = node.find("x:complexContent/x:restriction", NS)
        attribute = restriction.find("x:attribute", NS)
        prefix, _, base = restriction.get("base").partition(":")
        assert (restriction.nsmap[prefix], base) == ("http://schemas.xmlsoap.org/soap/encoding/", "Array")
        assert attribute.get("ref") == "soapenc:arrayType"
        assert local(attribute, f"{{{NS['w']}}}arrayType") == f"{first[1]}[]"
        return
    found = [
        (element.get("name"), local(element, "type"), "optional" if element.get("minOccurs") == "0" else "required")
        for element in node.findall("x:sequence/x:element", NS)
    ]
    assert found == expected


def local(node: etree._Element, attribute: str) -> str:
    """The local name of a QName, whose prefix must be of the right namespace."""
    prefix, _, name = node.get(attribute).partition(":")
    assert node.nsmap[prefix] == (NS["x"] if name.removesuffix("[]") in PYTHON_TYPES else TYPE_NAMESPACE)
    return name


@pytest.mark.parametrize("file", ["common.wsdl", "relay.wsdl"])
def test_wsdl_has_no_other_types(file: str) -> None:
    names = [node.get("name") for node in wsdl(file).iterfind(".//x:complexType", NS)]
    expected = RELAY_TYPES if file == "relay.wsdl" else table_types().keys() - RELAY_TYPES
    assert sorted(names) == sorted(expected)
    (embedded,) = wsdl(file).findall("w:types/x:schema", NS)
    assert embedded.get("targetNamespace") == TYPE_NAMESPACE
    assert embedded.get("elementFormDefault", "unqualified") == "unqualified"


@pytest.mark.parametrize(
    ("port", "file", "base"),
    [
        (Port.TRANSACTION_LOG, "transactionlog.wsdl", "TransactionLog"),
        (Port.REGISTRY, "registry.wsdl", "Registry"),
        (Port.SUPPLEMENTARY_LOG, "supplementarylog.wsdl", "SupplementaryLog"),
        (Port.RELAY, "relay.wsdl", "Relay"),
    ],
)
def test_wsdl_operations_equal_the_table(port: Port, file: str, base: str) -> None:
    definitions = wsdl(file)
    assert definitions.get("targetNamespace") == ITL
    (imported,) = definitions.findall("w:import", NS)
    assert (imported.get("namespace"), imported.get("location")) == (TYPE_NAMESPACE, "common.wsdl")

    parts = {
        message.get("name"): [(part.get("name"), local(part, "type")) for part in message.findall("w:part", NS)]
        for message in definitions.findall("w:message", NS)
    }
    found = [
        (
            operation.get("name"),
            *(
                parts[operation.find(f"w:{side}", NS).get("message").removeprefix("tns:")]
                for side in ("input", "output")
            ),
        )
        for operation in definitions.findall(f"w:portType[@name='{base}Port']/w:operation", NS)
    ]
    assert found == [
        (row["operation"], [(row["request_part"], row["request_type"])], [(row["response_part"], row["response_type"])])
        for row in table_operations(port)
    ]

    (binding,) = definitions.findall("w:binding", NS)
    assert (binding.get("name"), binding.get("type")) == (f"{base}Binding", f"tns:{base}Port")
    assert binding.find("s:binding", NS).get("style") == "rpc"
    for operation, row in zip(binding.findall("w:operation", NS), table_operations(port), strict=True):
        assert operation.get("name") == row["operation"]
        assert operation.find("s:operation", NS).get("soapAction") == row["operation"]
        for side in ("input", "output"):
            body = operation.find(f"w:{side}/s:body", NS)
            assert body.get("use") == "encoded"
            assert body.get("namespace") == ITL
            assert body.get("encodingStyle") == "http://schemas.xmlsoap.org/soap/encoding/"

    (service,) = definitions.findall("w:service", NS)
    (offered,) = service.findall("w:port", NS)
    assert (service.get("name"), offered.get("name")) == (f"{base}Service", f"{base}Port")
    assert offered.get("binding") == f"tns:{base}Binding"


@pytest.mark.parametrize("name", [name for name in table_types() if not name.startswith("ArrayOf")])
def test_message_class_equals_the_table(name: str) -> None:
    cls = getattr(messages, name)
    hints = typing.get_type_hints(cls)
    found = [(field.name, hints[field.name], field.default is None) for field in msgspec.structs.fields(cls)]
    expected = []
    for element, value_type, occurs in table_types()[name]:
        hint = python_type(value_type)
        optional = occurs == "optional"
        expected.append((python_name(element), hint | None if optional else hint, optional))
    assert found == expected


def python_type(value_type: str) -> Any:
    if value_type in PYTHON_TYPES:
        return PYTHON_TYPES[value_type]
    if value_type.startswith("ArrayOf"):
        return types.GenericAlias(tuple, (python_type(table_types()[value_type][0][1]), ...))
    return getattr(messages, value_type)


def test_messages_has_no_other_classes() -> None:
    types = [value for value in vars(messages).values() if isinstance(value, type)]
    classes = {cls.__name__ for cls in types if issubclass(cls, msgspec.Struct) and cls.__struct_fields__}
    assert classes == {name for name in table_types() if not name.startswith("ArrayOf")}


@pytest.mark.parametrize(
    ("element", "field"),
    [
        ("from", "sender"),
        ("to", "addressee"),
        ("majorVersion", "major_version"),
        ("LULUCFActivity", "lulucf_activity"),
        ("ITLSystemTime", "itl_system_time"),
        ("messageDateTime", "message_date_time"),
        ("reconciliationSnapshotDatetime", "reconciliation_snapshot_datetime"),
    ],
)
def test_names_in_python(element: str, field: str) -> None:
    assert python_name(element) == field


@pytest.mark.parametrize("name", table_types())
def test_plan_equals_the_table(name: str) -> None:
    plan = TYPES[name]
    expected = table_types()[name]
    if isinstance(plan, Array):
        assert [("", plan.item.name, "array")] == [("", expected[0][1], expected[0][2])]
        return
    assert isinstance(plan, Struct)
    found = [(item.element, item.plan.name, "required" if item.required else "optional") for item in plan.fields]
    assert found == expected


@pytest.mark.parametrize("port", Port)
def test_operations_equal_the_table(port: Port) -> None:
    found = [
        (name, item.request_part, item.request.__name__, item.response_part, item.response.__name__)
        for name, item in OPERATIONS[port].items()
    ]
    assert found == [
        (row["operation"], row["request_part"], row["request_type"], row["response_part"], row["response_type"])
        for row in table_operations(port)
    ]
    for item in OPERATIONS[port].values():
        assert PARTS[item.request_part] is item.request_plan
        assert PARTS[item.response_part] is item.response_plan


def test_an_operation_has_the_same_messages_at_every_port() -> None:
    assert all(contract.EVERY_OPERATION[name] == each for port in Port for name, each in OPERATIONS[port].items())


class NoNetwork(requests.Session):
    """A session that refuses to leave the machine."""

    def request(self, method: Any, url: Any, *args: Any, **kwargs: Any) -> Any:
        if not str(url).startswith("file:"):
            raise AssertionError(f"{method} {url} would leave the machine")
        return super().request(method, url, *args, **kwargs)


@pytest.mark.parametrize("port", Port)
def test_zeep_loads_the_wsdl_with_no_network(port: Port) -> None:
    with as_file(files("itl_wsdl").joinpath(contract.WSDL_FILES[port])) as path:
        client = zeep.Client(str(path), transport=Transport(session=NoNetwork()))
    (service,) = client.wsdl.services.values()
    (offered,) = service.ports.values()
    assert list(offered.binding.all()) == list(OPERATIONS[port])
    for name, operation in offered.binding.all().items():
        (part,) = operation.input.abstract.parts.values()
        assert operation.style == "rpc"
        assert [item for item, _ in part.type.elements] == [
            item.element for item in OPERATIONS[port][name].request_plan.fields
        ]
