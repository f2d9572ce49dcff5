"""An endpoint of a registry that does the least: it prints what the log sends, and acknowledges it. Python alone."""

import re
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

ANSWER = """<?xml version="1.0" encoding="UTF-8"?>
<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/"
               xmlns:itl="urn:KyotoProtocol:RegistrySystem:ITL:1.0:0.0"><soap:Body>
 <itl:{operation}Response>
  <{operation}Response><resultIdentifier>1</resultIdentifier></{operation}Response>
 </itl:{operation}Response>
</soap:Body></soap:Envelope>
"""


class Endpoint(BaseHTTPRequestHandler):
    """Answers result 1 to everything."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        operation = self.headers["SOAPAction"].strip('"')
        self.take(operation, body)
        answer = ANSWER.format(operation=operation).encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/xml; charset=utf-8")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def take(self, operation: str, body: str) -> None:
        """A real registry stores the message here, before the answer."""
        print(f"{operation}: {re.findall('<transactionStatus.*?>(.*?)<', body)}\n{body}", flush=True)


def endpoint(port: int) -> ThreadingHTTPServer:
    """The endpoint at a port of this machine."""
    return ThreadingHTTPServer(("127.0.0.1", port), Endpoint)


if __name__ == "__main__":
    endpoint(int(sys.argv[1])).serve_forever()
