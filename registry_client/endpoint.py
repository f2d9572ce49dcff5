"""The registry's endpoint: what the hub calls, as a WSGI application for any server.

A message is stored before it is acknowledged, and takes effect later.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from wsgiref.types import WSGIApplication

from itl.codes import ResultIdentifier
from itl.messages import ProvideTimeRequest, ProvideTimeResponse
from itl.wire.contract import OPERATIONS, Operation, Port
from itl.wire.endpoint import Credentials, Handler, build
from itl.wire.faults import ServerFault
from registry_client.faults import Fault
from registry_client.incoming import wrong_head
from registry_client.registry import Registry
from registry_client.replying import misbehaving

WRONG_BY = timedelta(hours=1)
"""How far a clock is ahead that is to be wrong."""


def application(
    registry: Registry,
    *,
    user: str | None = None,
    password: str | None = None,
    public_url: str | None = None,
    trusted_proxies: tuple[str, ...] = (),
) -> WSGIApplication:
    """The endpoint of `registry`. With `user` and `password` it asks for them (HTTP Basic), else it lets anybody in.

    `public_url` is its address in the WSDL, if it is not the one it is called by.
    """
    handlers = {name: _handler(registry, operation) for name, operation in OPERATIONS[Port.REGISTRY].items()}
    endpoint: WSGIApplication = build(
        Port.REGISTRY,
        handlers,
        authenticate=_authentication(user, password),
        clock=registry.now,
        realm=f"Registry {registry.code}",
        public_url=public_url,
        trusted_proxies=trusted_proxies,
    )
    return misbehaving(endpoint, lambda: registry.settings)


def _handler(registry: Registry, operation: Operation) -> Handler:
    if operation.request is ProvideTimeRequest:
        return lambda call, message: _tell_time(registry, message)
    return lambda call, message: _receive(registry, operation, message)


def _receive(registry: Registry, operation: Operation, message: Any) -> Any:
    faults = registry.settings.faults
    if Fault.SOAP_FAULT in faults:
        raise ServerFault("the registry fails on request")
    if Fault.ANSWERS_0 in faults:
        return operation.response(result_identifier=ResultIdentifier.REJECTED)
    codes = () if Fault.FORGETS in faults else registry.receive(message)
    return operation.response(result_identifier=_result(codes), response_codes=codes or None)


def _tell_time(registry: Registry, request: ProvideTimeRequest) -> ProvideTimeResponse:
    codes = wrong_head(request, registry.settings)
    ahead = WRONG_BY if Fault.WRONG_CLOCK in registry.settings.faults else timedelta(0)
    return ProvideTimeResponse(
        system_time=registry.now() + ahead, result_identifier=_result(codes), response_codes=codes or None
    )


def _result(codes: tuple[int, ...]) -> ResultIdentifier:
    return ResultIdentifier.REJECTED if codes else ResultIdentifier.ACCEPTED


def _authentication(user: str | None, password: str | None) -> Callable[[Credentials], str | None]:
    if user is None:
        return lambda credentials: "anybody"
    expected = f"{user}:{password or ''}".encode()

    def authenticate(credentials: Credentials) -> str | None:
        shown = f"{credentials.user}:{credentials.password}".encode()
        return user if hmac.compare_digest(shown, expected) else None

    return authenticate
