"""Our wire as a Spyne protocol: Spyne dispatches to the service's functions, the codec here reads and writes.

Only this module and `endpoint` know Spyne. Handlers run inside Spyne's `process_request`; whatever they raise becomes a
SOAP fault here, in one place, and nothing of it is told to the peer.
"""

from __future__ import annotations

import logging
import math
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeAlias

import structlog

from itl.wire.contract import OPERATION_NAMESPACE, Port
from itl.wire.decode import Decoded, decode_request
from itl.wire.encode import encode_fault, encode_reply
from itl.wire.faults import ClientFault, ServerFault, WireFault
from itl.wire.limits import Limits

with warnings.catch_warnings():  # Spyne 2.14 uses what later Pythons deprecate
    warnings.simplefilter("ignore")
    import spyne.const
    from spyne import Application, MethodContext, Service, rpc
    from spyne.model.fault import Fault
    from spyne.model.primitive import AnyXml
    from spyne.protocol import ProtocolBase

spyne.const.MIN_GC_INTERVAL = math.inf  # else a full collection of ~30 ms, up to once a second, inside a request
logging.getLogger("spyne.application").setLevel(logging.CRITICAL)  # it prints a traceback for every fault
logging.getLogger("spyne.util.appreg").setLevel(logging.ERROR)  # it warns of several endpoints in one process

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Call:
    """One request as it came in: `body` is inflated, `received_at` the log's time when it had arrived whole.

    `operation` is None for a request that was refused before it was known. `identity` is what `authenticate` returned.
    """

    operation: str | None
    identity: Any
    body: bytes
    received_at: datetime
    remote_address: str


Handler: TypeAlias = Callable[[Call, Any], Any]


class SoapFault(Fault):  # type: ignore[misc]
    """A fault of ours on its way through Spyne."""

    def __init__(self, fault: WireFault) -> None:
        super().__init__(fault.kind, fault.reason)
        self.fault = fault


class SectionFiveProtocol(ProtocolBase):  # type: ignore[misc]
    """SOAP 1.1 RPC with section-5 encoding, for one port of the contract."""

    mime_type = "text/xml; charset=utf-8"

    def __init__(self, port: Port, limits: Limits) -> None:
        super().__init__()
        self.port = port
        self.limits = limits

    def create_in_document(self, ctx: MethodContext, _charset: str | None = None) -> None:
        """Decode the request in `ctx.in_string`; SoapFault if it cannot be read."""
        try:
            ctx.in_document = decode_request(self.port, b"".join(ctx.in_string), self.limits)
        except WireFault as fault:
            raise SoapFault(fault) from None

    def decompose_incoming_envelope(self, ctx: MethodContext, _message: Any = None) -> None:
        """Name the operation, and choose the function that serves it; SoapFault if none does."""
        decoded: Decoded = ctx.in_document
        ctx.in_header_doc = decoded.header
        ctx.method_request_string = f"{{{OPERATION_NAMESPACE}}}{decoded.operation}"
        handles = self.get_call_handles(ctx)
        if not handles:
            raise SoapFault(ClientFault(f"{decoded.operation} is not served by this log"))
        ctx.descriptor = handles[0]

    def deserialize(self, ctx: MethodContext, _message: Any = None) -> None:
        """The arguments of the function: the message."""
        ctx.in_object = [ctx.in_document.message]

    def serialize(self, ctx: MethodContext, _message: Any = None) -> None:
        """The reply, or the fault that stands in its place."""
        if ctx.out_error is None:
            try:
                ctx.out_document = encode_reply(self.port, ctx.in_document.operation, ctx.out_object[0])
            except Exception:
                _log.exception("reply could not be written", operation=ctx.in_document.operation)
                ctx.out_error = SoapFault(internal_fault())
        if ctx.out_error is not None:
            ctx.out_document = encode_fault(wire_fault(ctx.out_error))

    def create_out_string(self, ctx: MethodContext, _charset: str | None = None) -> None:
        """The bytes of the answer."""
        ctx.out_string = [ctx.out_document]


class LogApplication(Application):  # type: ignore[misc]
    """The functions of one port, generated from the handlers given."""

    def __init__(self, port: Port, handlers: Mapping[str, Handler], limits: Limits) -> None:
        super().__init__(
            [_service(port, handlers)],
            tns=OPERATION_NAMESPACE,
            name=port.value,
            in_protocol=SectionFiveProtocol(port, limits),
            out_protocol=SectionFiveProtocol(port, limits),
        )

    def call_wrapper(self, ctx: MethodContext) -> Any:
        """Run the handler; SoapFault for whatever it raises."""
        try:
            return super().call_wrapper(ctx)
        except WireFault as fault:
            raise SoapFault(fault) from None
        except Exception:
            _log.exception("handler failed", operation=ctx.udc.operation)
            raise SoapFault(internal_fault()) from None


def internal_fault() -> ServerFault:
    """What a peer is told when the failure is ours."""
    return ServerFault("the log could not deal with this message now; it may be sent again")


def wire_fault(error: Exception) -> WireFault:
    """The fault to be written for an error that Spyne holds."""
    return error.fault if isinstance(error, SoapFault) else internal_fault()


def _service(port: Port, handlers: Mapping[str, Handler]) -> type[Service]:
    methods = {name: rpc(AnyXml, _returns=AnyXml)(_method(name, handler)) for name, handler in handlers.items()}
    return type(port.value, (Service,), methods)


def _method(name: str, handler: Handler) -> Callable[[MethodContext, Any], Any]:
    def method(ctx: MethodContext, message: Any) -> Any:
        return handler(ctx.udc, message)

    method.__name__ = name
    return method
