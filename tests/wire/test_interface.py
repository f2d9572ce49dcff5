"""What the endpoint shows to anybody who asks by GET: its interface, with its real address."""

from __future__ import annotations

from typing import Any

import pytest
import requests
import zeep
from lxml import etree
from zeep.transports import Transport

from itl.wire.server import Server, serve
from tests.wire.log import NOW, Log, build


def wsdl_address(text: bytes) -> str:
    return etree.fromstring(text).find(".//{http://schemas.xmlsoap.org/wsdl/soap/}address").get("location")


def test_the_interface_is_given_to_anybody_with_the_real_address(server: Server) -> None:
    url = f"{server.url}/some/TransactionLogService"
    for query in ("?wsdl", "?WSDL", "?wsdl=1"):
        response = requests.get(url + query, timeout=20)
        assert response.headers["Content-Type"] == "text/xml; charset=utf-8"
        assert wsdl_address(response.content) == url
    for name in ("common.wsdl", "soap-encoding.xsd"):
        assert requests.get(f"{server.url}/some/{name}", timeout=20).status_code == 200


@pytest.mark.parametrize(
    ("options", "headers", "address"),
    [
        ({}, {"Host": "itl.example:8443"}, "http://itl.example:8443/x"),
        ({}, {"X-Forwarded-Host": "evil", "X-Forwarded-Proto": "https", "Host": "hub"}, "http://hub/x"),
        (
            {"trusted_proxies": ["127.0.0.1"]},
            {"X-Forwarded-Host": "itl.example", "X-Forwarded-Proto": "https"},
            "https://itl.example/x",
        ),
        ({"public_url": 'https://itl.example/?a="&b=<'}, {"Host": "hub"}, 'https://itl.example/?a="&b=<'),
    ],
)
def test_the_address_in_the_interface(log: Log, options: Any, headers: Any, address: str) -> None:
    with serve(build(log, **options)) as running:
        response = requests.get(f"{running.url}/x?wsdl", headers=headers, timeout=20)
    assert wsdl_address(response.content) == address


@pytest.mark.parametrize("host", ['"/><evil x="', "a b", "<>", "hub/../x", "h" * 300])
def test_a_hostile_host_is_not_put_into_the_interface(server: Server, host: str) -> None:
    response = requests.get(f"{server.url}/x?wsdl", headers={"Host": host}, timeout=20)
    if response.status_code == 200:
        assert host not in wsdl_address(response.content)
        assert wsdl_address(response.content).endswith("/x")


def test_a_path_is_escaped_in_the_interface(server: Server) -> None:
    response = requests.get(f"{server.url}/%22%3E%3Cx?wsdl", timeout=20)
    assert wsdl_address(response.content) == f"{server.url}/%22%3E%3Cx"


def test_get_says_what_is_here(server: Server) -> None:
    response = requests.get(f"{server.url}/x", timeout=20)
    assert (response.status_code, response.headers["Content-Type"]) == (200, "text/plain; charset=utf-8")
    assert f"{server.url}/x?wsdl" in response.text
    head = requests.head(f"{server.url}/x?wsdl", timeout=20)
    assert (head.status_code, head.content) == (200, b"")


def test_a_notice_stands_in_the_interface_and_changes_nothing_else_in_it(log: Log) -> None:
    with serve(build(log, notice="tests & <trials>", public_url="http://x/")) as running:
        told = requests.get(f"{running.url}/x?wsdl", timeout=20).content
        page = requests.get(f"{running.url}/x", timeout=20).text
    with serve(build(log, public_url="http://x/")) as running:
        plain = requests.get(f"{running.url}/x?wsdl", timeout=20).content
    wsdl = "{http://schemas.xmlsoap.org/wsdl/}"
    tree = etree.fromstring(told)
    service = tree.find(f"{wsdl}service")
    documentation = service[0]
    assert (documentation.tag, documentation.text) == (f"{wsdl}documentation", "tests & <trials>")
    assert page.endswith("tests & <trials>\n")
    service.text = documentation.tail
    service.remove(documentation)
    assert etree.tostring(tree, method="c14n") == etree.tostring(etree.fromstring(plain), method="c14n")


@pytest.mark.parametrize("method", ["PUT", "DELETE", "OPTIONS", "PATCH"])
def test_other_methods_are_not_allowed(server: Server, method: str) -> None:
    response = requests.request(method, server.url, timeout=20)
    assert (response.status_code, response.headers["Allow"]) == (405, "GET, HEAD, POST")


class OnlyHere(requests.Session):
    """A session that talks to this machine only."""

    def request(self, method: Any, url: Any, *args: Any, **kwargs: Any) -> Any:
        assert str(url).startswith("http://127.0.0.1:"), url
        return super().request(method, url, *args, **kwargs)


def test_zeep_loads_the_interface_and_calls(server: Server, log: Log) -> None:
    session = OnlyHere()
    session.auth = ("gbuser", "gbpass")
    client = zeep.Client(f"{server.url}/TransactionLogService?wsdl", transport=Transport(session=session))
    reply = client.service.acceptMessage(
        {
            "from": "GB",
            "to": "ITL",
            "majorVersion": 1,
            "minorVersion": 1,
            "messageContent": "hello",
            "messageDateTime": NOW,
        }
    )
    assert reply["resultIdentifier"] == 1
    ((_, received),) = log.calls
    assert (received.message_content, received.message_date_time) == ("hello", NOW)
