"""The registry's endpoint: what the hub calls, as a WSGI application for any server.

A message is stored before it is acknowledged, and takes effect later.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable
from typing import Any
from wsgiref.types import WSGIApplication

from itl.codes import ResultIdentifier
from itl.messages import ProvideTimeRequest, ProvideTimeResponse
from itl.wire.contract import OPERATIONS, Operation, Port
from itl.wire.endpoint import Credentials, Handler, build
from registry_client.incoming import wrong_head
from registry_client.registry import Registry


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
    return endpoint


def _handler(registry: Registry, operation: Operation) -> Handler:
    if operation.request is ProvideTimeRequest:
        return lambda call, message: _tell_time(registry, message)
    return lambda call, message: _acknowledge(operation, registry.receive(message))


def _acknowledge(operation: Operation, codes: tuple[int, ...]) -> Any:
    result = ResultIdentifier.REJECTED if codes else ResultIdentifier.ACCEPTED
    return operation.response(result_identifier=result, response_codes=codes or None)


def _tell_time(registry: Registry, request: ProvideTimeRequest) -> ProvideTimeResponse:
    codes = wrong_head(request, registry.settings)
    result = ResultIdentifier.REJECTED if codes else ResultIdentifier.ACCEPTED
    return ProvideTimeResponse(system_time=registry.now(), result_identifier=result, response_codes=codes or None)


def _authentication(user: str | None, password: str | None) -> Callable[[Credentials], str | None]:
    if user is None:
        return lambda credentials: "anybody"
    expected = f"{user}:{password or ''}".encode()

    def authenticate(credentials: Credentials) -> str | None:
        shown = f"{credentials.user}:{credentials.password}".encode()
        return user if hmac.compare_digest(shown, expected) else None

    return authenticate
