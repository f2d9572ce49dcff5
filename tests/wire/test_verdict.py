"""The plan that decides and the schema that explains give the same verdict on every message."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree

from itl.wire.contract import OPERATION_NAMESPACE, OPERATIONS, SOAP_ENVELOPE, TYPE_NAMESPACE, Array, Plan, Port, Struct
from itl.wire.decode import decode_request
from itl.wire.faults import ClientFault
from itl.wire.limits import Limits
from itl.wire.scalars import XML_SPACE
from itl.wire.validation import schema_errors
from tests.wire.strategies import OPERATION_NAMES, values

# Texts at and around the borders of the value types; years that Python cannot hold are the one known difference.
TEXTS = (
    "",
    " ",
    "0",
    "1",
    "-1",
    "+1",
    "-0",
    "007",
    " 1 ",
    "\n1\t",
    "1.0",
    "1.",
    ".5",
    "1e3",
    "0x1",
    "1_0",
    "1 0",
    "--1",
    "+",
    "-",
    "\u0661",
    "²",
    "true",
    "INF",
    "2147483647",
    "2147483648",
    "-2147483648",
    "-2147483649",
    "9223372036854775807",
    "9223372036854775808",
    "-9223372036854775808",
    "-9223372036854775809",
    "0" * 39 + "1",
    "text",
    "<&>",
    "]]>",
    "ü€𝄞",
    "2012-12-31",
    "2012-12-31Z",
    "2012-12-31+14:00",
    "2012-12-31+14:01",
    "2012-12-31-00:00",
    "2012-02-29",
    "2013-02-29",
    "1900-02-29",
    "2000-02-29",
    "2012-00-01",
    "2012-13-01",
    "2012-04-31",
    "2012-1-1",
    "20121231",
    " 2012-12-31\n",
    "2012-12-31T00:00:00",
    "2012-12-31T00:00:00Z",
    "2012-12-31T24:00:00Z",
    "2012-12-31T24:00:00.000Z",
    "2012-12-31T24:00:01Z",
    "2012-12-31T23:59:59.999999999Z",
    "2012-12-31T23:59:60Z",
    "2012-12-31T23:60:00Z",
    "2012-12-31T1:00:00Z",
    "2012-12-31T00:00:00.Z",
    "2012-12-31T00:00:00.1-14:00",
    "2012-12-31T00:00:00+14:30",
    "2012-12-31T00:00:00+9:00",
    "2012-12-31t00:00:00z",
    "2012-12-31 00:00:00",
    "2012-12-31T00:00Z",
    " 2012-12-31T00:00:00Z ",
)
NAMES = ("item", "from", "to", "unitType", "track", "responseCodes", "nothing")


def document(plan: Plan, name: str, value: Any) -> etree._Element:
    """A value in canonical literal form."""
    root = etree.Element(f"{{{TYPE_NAMESPACE}}}{name}")
    _fill(root, plan, value)
    return root


def _fill(element: etree._Element, plan: Plan, value: Any) -> None:
    if isinstance(plan, Struct):
        for item in plan.fields:
            part = getattr(value, item.name)
            if part is not None:
                _fill(etree.SubElement(element, item.element), item.plan, part)
    elif isinstance(plan, Array):
        for part in value:
            _fill(etree.SubElement(element, "item"), plan.item, part)
    else:
        element.text = value if isinstance(value, str) else plan.render(value)


def verdict(operation: str, root: etree._Element, limits: Limits | None = None) -> bool:
    """Whether the decoder takes the part."""
    port = next(port for port, operations in OPERATIONS.items() if operation in operations)
    envelope = etree.Element(f"{{{SOAP_ENVELOPE}}}Envelope")
    body = etree.SubElement(envelope, f"{{{SOAP_ENVELOPE}}}Body")
    wrapper = etree.SubElement(body, f"{{{OPERATION_NAMESPACE}}}{operation}")
    part = etree.fromstring(etree.tostring(root))
    part.tag = etree.QName(root).localname
    wrapper.append(part)
    try:
        decode_request(port, etree.tostring(envelope), limits or Limits())
    except ClientFault:
        return False
    return True


def mutated(data: st.DataObject, root: etree._Element) -> None:
    """Change one thing somewhere; order stays, because the wire does not mind it and the schema does."""
    elements = list(root.iter())
    element = data.draw(st.sampled_from(elements))
    change = data.draw(st.sampled_from(["text", "drop", "double", "rename", "add", "tail"]))
    if change == "text":
        element.text = data.draw(st.sampled_from(TEXTS))
    elif change == "tail" and element is not root:
        element.tail = data.draw(st.sampled_from([" ", "\n", "x", "0"]))
    elif change == "drop" and element is not root:
        element.getparent().remove(element)
    elif change == "double" and element is not root:
        element.addnext(etree.fromstring(etree.tostring(element, with_tail=False)))
    elif change == "rename" and element is not root:
        element.tag = data.draw(st.sampled_from(NAMES))
    elif change == "add":
        etree.SubElement(element, data.draw(st.sampled_from(NAMES))).text = data.draw(st.sampled_from(["", "1"]))


def in_order(root: etree._Element, plan: Plan) -> None:
    """Make it canonical where the wire is free: the schema's order and names of items, no blanks around dates.

    (XML Schema collapses those blanks; libxml2's validator does not.)
    """
    if isinstance(plan, Struct):
        order = {item.element: place for place, item in enumerate(plan.fields)}
        root[:] = sorted(root, key=lambda child: order.get(str(child.tag), len(order)))
        for item in plan.fields:
            for child in root.findall(item.element):
                in_order(child, item.plan)
    elif isinstance(plan, Array):
        for child in root:
            child.tag = "item"
            in_order(child, plan.item)
    elif plan.name in ("date", "dateTime") and root.text:
        root.text = root.text.strip(XML_SPACE)


@pytest.mark.parametrize(("port", "operation"), OPERATION_NAMES)
@given(data=st.data())
@settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.too_slow])
def test_plan_and_schema_give_the_same_verdict(port: Any, operation: str, data: st.DataObject) -> None:
    contract = OPERATIONS[port][operation]
    root = document(contract.request_plan, contract.request_part, data.draw(values(contract.request_plan)))
    assert schema_errors(root) == []
    assert verdict(operation, root)
    for _ in range(data.draw(st.integers(1, 3))):
        mutated(data, root)
    in_order(root, contract.request_plan)
    assert verdict(operation, root) == (schema_errors(root) == []), etree.tostring(root)
    assert verdict(operation, root, Limits(validate=True)) == (schema_errors(root) == [])


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("element", ["unitType", "targetValue", "targetDate", "messageDate", "projectNumber"])
def test_plan_and_schema_read_the_same_values(element: str, text: str) -> None:
    root = etree.fromstring(
        f'<t:acceptITLNoticeRequest xmlns:t="{TYPE_NAMESPACE}"><from>ITL</from><to>GB</to>'
        "<majorVersion>1</majorVersion><minorVersion>1</minorVersion><messageContent/><messageDate>2026-01-01T00:00:00Z</messageDate>"
        "<notificationType>1</notificationType><notificationIdentifier>1</notificationIdentifier>"
        "<notificationStatus>1</notificationStatus><projectNumber/><unitType>1</unitType><targetValue>1</targetValue>"
        "<targetDate>2026-01-01</targetDate></t:acceptITLNoticeRequest>"
    )
    root.find(element).text = text
    in_order(root, OPERATIONS[Port.REGISTRY]["acceptITLNotice"].request_plan)
    assert verdict("acceptITLNotice", root) == (schema_errors(root) == [])
