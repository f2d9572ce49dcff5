"""Registries on zeep as it comes, told nothing but the address of the WSDL: an independent witness of our wire.

zeep is a client only.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import requests
import zeep
from requests.auth import HTTPBasicAuth
from zeep.exceptions import Fault, TransportError
from zeep.transports import Transport

from itl.wire.canonical import from_canonical
from itl.wire.contract import EVERY_OPERATION, TYPE_NAMESPACE, Array, Plan, Port, Struct
from registry_client.soap import value_of
from tests.interop.foreign import Basic, Call, Identity, Outcome


@dataclass(frozen=True, slots=True)
class Zeep:
    """zeep, in this process."""

    version: str = f"zeep {zeep.__version__}"

    def call(self, endpoint: str, identity: Identity, calls: Sequence[Call]) -> list[Outcome]:
        """What a registry reads back for `calls`."""
        with requests.Session() as session:
            session.trust_env = False  # or a variable there would name another authority
            if isinstance(identity, Basic):
                session.auth = HTTPBasicAuth(identity.user, identity.password)
            else:
                session.cert = str(identity.certificate), str(identity.key)
                session.verify = str(identity.authority)
            client = zeep.Client(f"{endpoint}?wsdl", transport=Transport(session=session))
            client.service._binding_options["address"] = endpoint
            return [_outcome(client, call) for call in calls]


def _outcome(client: zeep.Client, call: Call) -> Outcome:
    contract = EVERY_OPERATION[call["operation"]]
    message = from_canonical(Port.TRANSACTION_LOG, call).message
    request = value_of(message, client.get_type(f"{{{TYPE_NAMESPACE}}}{contract.request_plan.name}"))
    try:
        reply = client.service[contract.name](**{contract.request_part: request})
    except Fault as fault:
        detail = [dict(entry.items()) | {child.tag: child.text for child in entry.iter()} for entry in fault.detail]
        return {"fault": {"code": fault.code, "string": fault.message, "detail": detail}}
    except TransportError as error:
        return {"fault": {"code": "HTTP", "string": error.message, "detail": None}}
    return {"reply": _read(contract.response_plan, reply)}


def _read(plan: Plan, value: Any) -> Any:
    if isinstance(plan, Array):
        return [_read(plan.item, item) for item in value]
    if isinstance(plan, Struct):
        members = {field.element: (field.plan, getattr(value, field.element)) for field in plan.fields}
        return {name: _read(item, member) for name, (item, member) in members.items() if member is not None}
    return value if isinstance(value, int | str) else plan.render(value)
