"""A hub that shares nothing with ours but the published WSDL: the standard library reads and answers by hand, as an old
Axis would, and zeep as it comes calls the registry by the interface that the registry itself publishes."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from queue import Queue
from xml.etree import ElementTree

import zeep

REPLY = """<?xml version="1.0" encoding="utf-8"?>
<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" xmlns:xsd="http://www.w3.org/2001/XMLSchema"
 xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><soapenv:Body>
<ns1:{operation}Response xmlns:ns1="urn:KyotoProtocol:RegistrySystem:ITL:1.0:0.0"
 soapenv:encodingStyle="http://schemas.xmlsoap.org/soap/encoding/"><{operation}Response href="#id0"/>
</ns1:{operation}Response>
<multiRef id="id0" xsi:type="ns2:{kind}" xmlns:ns2="urn:KyotoProtocol:RegistrySystem:ITL:Types:1.0:0.0">
<resultIdentifier href="#id1"/></multiRef><multiRef id="id1" xsi:type="xsd:int">1</multiRef>
</soapenv:Body></soapenv:Envelope>"""

KINDS = {"acceptProposal": "ProposalResponse", "acceptNotification": "NotificationResponse"}
TYPES = "{urn:KyotoProtocol:RegistrySystem:ITL:Types:1.0:0.0}"
PATIENCE = 30.0


class ForeignHub:
    """Acknowledges everything at `url`; what came is in `heard`: operation, transaction, status if one was told."""

    def __init__(self) -> None:
        self.heard: Queue[tuple[str, str, str | None]] = Queue()
        hub = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = ElementTree.fromstring(self.rfile.read(int(self.headers["Content-Length"])))  # noqa: S314
                operation = self.headers["SOAPAction"].strip('"')
                answer = REPLY.format(operation=operation, kind=KINDS[operation]).encode()
                self.send_response(200)
                self.send_header("Content-Type", "text/xml; charset=utf-8")
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)
                identifier = body.findtext(".//transactionIdentifier") or ""
                hub.heard.put((operation, identifier, body.findtext(".//transactionStatus")))

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}/itl-ws/services/TransactionLogPort"

    def next(self) -> tuple[str, str, str | None]:
        return self.heard.get(timeout=PATIENCE)

    def notify(self, url: str, registry: str, identifier: str, status: int) -> int:
        """Tell the registry at `url` a status; the result that it answers."""
        client = zeep.Client(f"{url}?wsdl")
        array = client.get_type(TYPES + "ArrayOfEvaluationResult")
        nothing = array._value_class(_value_1=zeep.xsd.SkipValue)  # zeep demands an item of every array
        request = client.get_type(TYPES + "NotificationRequest")(
            **{"from": "ITL", "to": registry, "majorVersion": 1, "minorVersion": 1},
            transactionIdentifier=identifier,
            transactionStatus=status,
            partyType=3,
            evaluationResult=nothing,
        )
        reply = client.service.acceptNotification(acceptNotificationRequest=request)
        return int(reply.resultIdentifier)

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
