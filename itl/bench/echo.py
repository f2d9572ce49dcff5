"""The yardstick: Spyne as it comes, which reads a proposal into its own typed models and does nothing with it.

It is served by the same server as the log, with as many processes and threads, and gives the same answer.
"""

from __future__ import annotations

import argparse
import logging
import warnings
from functools import cache
from typing import Any

from itl.bench.proposals import OPERATION
from itl.codes import ResultIdentifier
from itl.wire import prefork, server
from itl.wire.contract import OPERATION_NAMESPACE, OPERATIONS, TYPE_NAMESPACE, Array, Plan, Port, Struct
from itl.wire.limits import LIMITS

with warnings.catch_warnings():  # Spyne 2.14 uses what later Pythons deprecate
    warnings.simplefilter("ignore")
    import spyne
    from spyne.model.complex import ComplexModelMeta
    from spyne.protocol.soap import Soap11
    from spyne.server.wsgi import WsgiApplication

_SCALARS = {
    "string": spyne.Unicode,
    "int": spyne.Integer32,
    "long": spyne.Integer64,
    "dateTime": spyne.DateTime,
    "date": spyne.Date,
}


def application() -> Any:
    """The WSGI application of the echo."""
    contract = OPERATIONS[Port.TRANSACTION_LOG][OPERATION]
    request, response = _model(contract.request_plan), _model(contract.response_plan)

    def accept(_ctx: Any, _request: Any) -> Any:
        return response(resultIdentifier=int(ResultIdentifier.ACCEPTED))

    accept.__name__ = OPERATION
    published = spyne.rpc(
        request, _returns=response, _args=(contract.request_part,), _out_variable_name=contract.response_part
    )
    service = type("Echo", (spyne.Service,), {OPERATION: published(accept)})
    # It knows no soapenc:Array and would refuse every array by its xsi:type, so it may not look at that.
    reads = Soap11(parse_xsi_type=False)
    made = spyne.Application([service], OPERATION_NAMESPACE, in_protocol=reads, out_protocol=Soap11())
    return WsgiApplication(made, max_content_length=LIMITS.largest_request())


@cache
def _model(plan: Plan) -> Any:
    """The Spyne model of a type of the contract."""
    if isinstance(plan, Struct):
        fields = [(item.element, _model(item.plan)) for item in plan.fields]
        members = {"__namespace__": TYPE_NAMESPACE, "_type_info": fields}
        return ComplexModelMeta(plan.name, (spyne.ComplexModel,), members)
    if isinstance(plan, Array):
        return spyne.Array(_model(plan.item))
    return _SCALARS[plan.name]


def main() -> None:
    """Serve the echo until SIGTERM, at an address that is printed."""
    parser = argparse.ArgumentParser(prog="python -m itl.bench.echo", description=__doc__)
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--threads", type=int, default=8)
    arguments = parser.parse_args()
    logging.disable(logging.WARNING)
    listening = server.listen_shared("127.0.0.1", 0, arguments.processes)
    print(server.url_of(listening[0]), flush=True)  # noqa: T201 - read by whoever started it
    prefork.run(lambda taken: server.run(application(), taken, threads=arguments.threads), listening)


if __name__ == "__main__":
    main()
