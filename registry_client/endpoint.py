"""What the hub calls, as a WSGI application for any server: on a reference registry, or on functions of one's own."""

from __future__ import annotations

import hmac
from collections.abc import Callable
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Any
from wsgiref.types import WSGIApplication, WSGIEnvironment

from itl.clock import Clock, system_clock
from itl.codes import ResultIdentifier
from itl.messages import (
    InitiateReconciliationRequest,
    ITLNoticeRequest,
    MessageRequest,
    NotificationRequest,
    ProposalRequest,
    ProvideAuditTrailRequest,
    ProvideTimeRequest,
    ProvideTimeResponse,
    ProvideTotalsRequest,
    ProvideUnitBlocksRequest,
    ReconciliationResultRequest,
)
from itl.wire.contract import OPERATIONS, Operation, Port, python_name
from itl.wire.endpoint import Credentials, Handler, build
from itl.wire.faults import ServerFault
from itl.wire.http import TrustedProxies, credentials
from registry_client.faults import Fault
from registry_client.incoming import wrong_head
from registry_client.registry import Registry
from registry_client.replying import misbehaving
from registry_client.settings import Settings

WRONG_BY = timedelta(hours=1)
"""How far a clock is ahead that is to be wrong."""


@dataclass(frozen=True, slots=True)
class Refused:
    """A message is not acknowledged: result 0, with the codes of why."""

    codes: tuple[int, ...] = ()


Answer = Refused | None
"""What a callback says to a message: None acknowledges it (result 1). Store it before you return."""


@dataclass(frozen=True, kw_only=True)
class Callbacks:
    """A function for each operation that the hub calls. One that is absent is answered with a Client fault.

    Each is called in a thread of the server, with a message whose head is right, and may be called twice with the same
    message: the hub repeats what it got no answer to. What it raises is a Server fault, and the hub tries again.
    """

    accept_proposal: Callable[[ProposalRequest], Answer] | None = None
    accept_notification: Callable[[NotificationRequest], Answer] | None = None
    accept_message: Callable[[MessageRequest], Answer] | None = None
    accept_itl_notice: Callable[[ITLNoticeRequest], Answer] | None = None
    initiate_reconciliation: Callable[[InitiateReconciliationRequest], Answer] | None = None
    provide_totals: Callable[[ProvideTotalsRequest], Answer] | None = None
    provide_unit_blocks: Callable[[ProvideUnitBlocksRequest], Answer] | None = None
    provide_audit_trail: Callable[[ProvideAuditTrailRequest], Answer] | None = None
    receive_reconciliation_result: Callable[[ReconciliationResultRequest], Answer] | None = None
    provide_time: Callable[[], datetime] | None = system_clock
    """The registry's time, aware."""


def mounted(
    callbacks: Callbacks,
    settings: Settings,
    *,
    user: str | None = None,
    password: str | None = None,
    public_url: str | None = None,
    trusted_proxies: tuple[str, ...] = (),
    clock: Clock = system_clock,
) -> WSGIApplication:
    """The endpoint of the registry `settings.code`, whose part is done by `callbacks`.

    With `user` and `password` it asks for them (HTTP Basic), else it lets anybody in. A message whose head is wrong is
    refused before a callback hears of it. `public_url` is its address in the WSDL, if that is not where it is called.
    """
    handlers = {
        name: _handler(operation, callback, settings)
        for name, operation in OPERATIONS[Port.REGISTRY].items()
        if (callback := getattr(callbacks, python_name(name))) is not None
    }
    endpoint: WSGIApplication = build(
        Port.REGISTRY,
        handlers,
        authenticate=_authentication(user, password),
        clock=clock,
        realm=f"Registry {settings.code}",
        public_url=public_url,
        trusted_proxies=trusted_proxies,
    )
    return endpoint


def application(
    registry: Registry,
    *,
    user: str | None = None,
    password: str | None = None,
    public_url: str | None = None,
    trusted_proxies: tuple[str, ...] = (),
) -> WSGIApplication:
    """The endpoint of a reference registry, which stores a message before it is acknowledged; else as `mounted`."""
    receive = {field.name: _receiving(registry) for field in fields(Callbacks) if field.name != "provide_time"}
    endpoint = mounted(
        Callbacks(**receive, provide_time=lambda: _time(registry)),
        registry.settings,
        user=user,
        password=password,
        public_url=public_url,
        trusted_proxies=trusted_proxies,
        clock=registry.now,
    )
    return misbehaving(endpoint, lambda: registry.settings)


def _handler(operation: Operation, callback: Callable[..., Any], settings: Settings) -> Handler:
    def handle(_: object, message: Any) -> Any:
        codes = wrong_head(message, settings)
        if operation.request is ProvideTimeRequest:
            return ProvideTimeResponse(
                system_time=callback(), result_identifier=_result(bool(codes)), response_codes=codes or None
            )
        answer: Answer = Refused(codes) if codes else callback(message)
        told = () if answer is None else answer.codes
        return operation.response(result_identifier=_result(answer is not None), response_codes=told or None)

    return handle


def _result(is_refused: bool) -> ResultIdentifier:
    return ResultIdentifier.REJECTED if is_refused else ResultIdentifier.ACCEPTED


def _receiving(registry: Registry) -> Callable[[Any], Answer]:
    def receive(message: Any) -> Answer:
        faults = registry.settings.faults
        if Fault.SOAP_FAULT in faults:
            raise ServerFault("the registry fails on request")
        if Fault.ANSWERS_0 in faults:
            return Refused()
        codes = () if Fault.FORGETS in faults else registry.receive(message)
        return Refused(codes) if codes else None

    return receive


def _time(registry: Registry) -> datetime:
    return registry.now() + (WRONG_BY if Fault.WRONG_CLOCK in registry.settings.faults else timedelta(0))


def is_known(environ: WSGIEnvironment, user: str | None, password: str | None) -> bool:
    """Whether a request to another page of the same server shows the user and password of the endpoint."""
    return _authentication(user, password)(credentials(environ, TrustedProxies(()))) is not None


def _authentication(user: str | None, password: str | None) -> Callable[[Credentials], str | None]:
    if user is None:
        return lambda credentials: "anybody"
    expected = f"{user}:{password or ''}".encode()

    def authenticate(credentials: Credentials) -> str | None:
        shown = f"{credentials.user}:{credentials.password}".encode()
        return user if hmac.compare_digest(shown, expected) else None

    return authenticate
