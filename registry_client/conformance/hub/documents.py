"""110 and 111: what a hub publishes at its address."""

from __future__ import annotations

from urllib.parse import urljoin

from lxml import etree

from itl.wire.contract import OPERATION_NAMESPACE, OPERATIONS, SOAP_ENCODING, WSDL, Port
from registry_client.conformance.hub.tester import HubTester
from registry_client.conformance.suite import Failed, Group

GROUP: Group[HubTester] = Group("Access to web sites")

_SOAP = "http://schemas.xmlsoap.org/wsdl/soap/"


@GROUP.case("110", "The WSDL is there, and names the operations of the log", "WSDL-1")
def the_interface_is_there(t: HubTester) -> None:
    root = _document(t, f"{t.profile.url}?wsdl")
    if root.get("targetNamespace") != OPERATION_NAMESPACE:
        raise Failed(f"the WSDL is of the namespace {root.get('targetNamespace')}, it must be {OPERATION_NAMESPACE}")
    port = root.find(f"{{{WSDL}}}portType[@name='{Port.TRANSACTION_LOG.value}']")
    operations = () if port is None else port.iterchildren(f"{{{WSDL}}}operation")
    names = {str(node.get("name")) for node in operations}
    expected = set(OPERATIONS[Port.TRANSACTION_LOG])
    if names != expected:
        raise Failed(
            f"{Port.TRANSACTION_LOG.value} must have the operations {', '.join(sorted(expected))}; "
            f"it has {', '.join(sorted(names)) or 'none'}"
        )
    if root.find(f"{{{WSDL}}}service/{{{WSDL}}}port/{{{_SOAP}}}address") is None:
        raise Failed("the WSDL gives no address of the service")


@GROUP.case("111", "The WSDL is RPC style, section-5 encoded, and what it imports is there", "WSDL-2")
def the_interface_is_whole(t: HubTester) -> None:
    root = _document(t, f"{t.profile.url}?wsdl")
    binding = root.find(f"{{{WSDL}}}binding/{{{_SOAP}}}binding")
    if binding is None or binding.get("style") != "rpc":
        raise Failed("the binding of the WSDL must be of the style rpc")
    for body in root.iter(f"{{{_SOAP}}}body"):
        if (body.get("use"), body.get("encodingStyle")) != ("encoded", SOAP_ENCODING):
            raise Failed(
                "every body of the binding must be encoded by section 5; one is "
                f"{body.get('use')} {body.get('encodingStyle')}"
            )
    for imported in root.iter(f"{{{WSDL}}}import"):
        _document(t, urljoin(t.profile.url, str(imported.get("location"))))


def _document(t: HubTester, url: str) -> etree._Element:
    reply = t.initiator.get(url)
    if reply.status != 200:
        raise Failed(
            f"GET {url} must be answered with HTTP 200, without a password; it was answered with {reply.status}"
        )
    try:
        return etree.fromstring(reply.body, etree.XMLParser(resolve_entities=False, no_network=True))
    except etree.XMLSyntaxError as error:
        raise Failed(f"{url} is no XML: {error}") from error
