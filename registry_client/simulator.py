"""Registries that run in one process: each with its endpoint at its own path, and all of them to be looked at.

`/GB` is the endpoint of GB; of one registry alone, any path is. GET `/` is a page of the state of all, `/state.json`
the same for programs. Where the hub must give a password, so must who looks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

import msgspec

from itl.wire.server import serve
from registry_client.client import RegistryClient
from registry_client.endpoint import application, is_known
from registry_client.plans import Plan
from registry_client.registry import Registry
from registry_client.settings import Settings
from registry_client.state import page, state_of
from registry_client.transactions import Event
from registry_client.units import Account

FOLLOW = timedelta(seconds=0.2)
"""How often a running registry looks for what a command put into its database."""


@dataclass(frozen=True, slots=True)
class Simulator:
    """Registries that are up, by code, and the address of each one's endpoint."""

    url: str
    registries: Mapping[str, Registry]
    addresses: Mapping[str, str]


@contextmanager
def running(
    plans: Sequence[Plan],
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    tell: Callable[[str, Event], None] = lambda code, event: None,
) -> Iterator[Simulator]:
    """Run the registries of `plans` behind one port; `tell` is called with what happens in which of them.

    They begin with the accounts and units of their plan, once, and with its faults, in place of those of before.
    """
    with ExitStack() as stack:
        registries: dict[str, Registry] = {}
        endpoints: dict[str, WSGIApplication] = {}
        for plan in plans:
            registry = stack.enter_context(_registry(plan))
            registry.on_event(lambda event, code=plan.code: tell(code, event))  # type: ignore[misc]
            registries[plan.code] = registry
            endpoints[plan.code] = application(registry, user=plan.hub_user, password=plan.hub_password)
        server = serve(_together(plans, registries, endpoints), host, port, threads=max(4, 2 * len(plans)))
        stack.callback(server.close)
        for registry in registries.values():
            registry.start(follow=FOLLOW)
        alone = len(plans) == 1
        addresses = {code: server.url if alone else f"{server.url}/{code}" for code in registries}
        yield Simulator(server.url, registries, addresses)


@contextmanager
def _registry(plan: Plan) -> Iterator[Registry]:
    client = RegistryClient(
        plan.hub,
        code=plan.code,
        user=plan.user,
        password=plan.password,
        certificate=plan.certificate,
        authority=plan.authority,
    )
    settings = Settings(
        code=plan.code, enquire_after=plan.enquire_after, lateness=plan.lateness, slowness=plan.slowness
    )
    Path(plan.database).parent.mkdir(parents=True, exist_ok=True)
    registry = Registry(settings, client, database=f"sqlite:///{plan.database}")
    try:
        holding = Account(settings.holding_account_type, 1000 if settings.is_cdm else 1001)
        registry.seed(plan.accounts, [units.block(holding) for units in plan.units])
        registry.misbehave(*plan.misbehave)
        yield registry
    finally:
        registry.close()
        client.close()


def _together(
    plans: Sequence[Plan], registries: Mapping[str, Registry], endpoints: Mapping[str, WSGIApplication]
) -> WSGIApplication:
    asks = [(plan.hub_user, plan.hub_password) for plan in plans if plan.hub_user is not None]

    def answer(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "").strip("/")
        code = path.partition("/")[0]
        is_question = environ["REQUEST_METHOD"] in ("GET", "HEAD") and not environ.get("QUERY_STRING")
        if is_question and path in ("", "state.json"):
            if asks and not any(is_known(environ, user, password) for user, password in asks):
                challenge = ("WWW-Authenticate", 'Basic realm="Registries", charset="UTF-8"')
                return _reply(start_response, "401 Unauthorized", "text/plain", b"user and password?\n", challenge)
            states = [state_of(registry) for registry in registries.values()]
            if path:
                return _reply(start_response, "200 OK", "application/json", msgspec.json.encode(states))
            return _reply(start_response, "200 OK", "text/html; charset=utf-8", page(states).encode())
        endpoint = endpoints.get(code, next(iter(endpoints.values())) if len(endpoints) == 1 else None)
        if endpoint is None:
            there = f"no registry at /{code}; there are {' '.join('/' + each for each in endpoints)}\n".encode()
            return _reply(start_response, "404 Not Found", "text/plain; charset=utf-8", there)
        return endpoint(environ, start_response)

    return answer


def _reply(
    start_response: StartResponse, status: str, kind: str, body: bytes, *more: tuple[str, str]
) -> Iterable[bytes]:
    start_response(status, [("Content-Type", kind), ("Content-Length", str(len(body))), *more])
    return [body]
