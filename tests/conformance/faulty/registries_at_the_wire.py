"""Registries whose HTTP, envelopes or documents are wrong, that do not read what a log writes, or refuse it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from lxml import etree
from msgspec.structs import replace as changed

from itl.wire.contract import OPERATIONS, Port
from itl.wire.decode import decode_reply
from itl.wire.encode import encode_reply, encode_request
from tests.conformance.faulty import wire, xml
from tests.conformance.faulty.hub import Answer, Call, Right, Wrong


@dataclass(frozen=True, slots=True)
class WrongRegistry:
    """A registry that is wrong at the wire; the fields are those of a faulty hub."""

    name: str
    does: str
    breaks: tuple[str, ...]
    tests: tuple[str, ...]
    says: str
    made: Callable[[], Wrong]
    patience: float = 10.0


_AS_OF_A_HUB = {
    "http-500": (("100",), "HTTP 500, an answer has 200"),
    "html-type": (("100",), "not text/xml but text/html"),
    "soap-1.2": (("100",), "SOAP 1.1"),
    "fault-with-200": (("104/xml", "104/operation"), "it has HTTP 200"),
    "page-for-a-fault": (("104/xml", "104/operation"), "must be a SOAP fault"),
    "swallows-unreadable": (("104/xml", "104/operation"), "must be a SOAP fault"),
    "stumbles": (("105",), "after a message that cannot be read.*not at rest"),
    "reads-doctype": (("104/doctype",), "document type declaration"),
}
"""Hubs of which there are registries with the same fault: where it shows, and what is said of it."""

_BREAKS = {"CONNECT-4": "R-CONNECT-2", "CONNECT-5": "R-CONNECT-2"}
"""The requirement for registries where its name is not that for hubs with an R before it."""


_READS = {"items-by-name": "must be", "32-bits": "the registry must hold units"}
"""What is said of registries that read what they should not as it stands there."""
_UNSEEN = ("nil-as-zero",)
"""Nothing that a log says to a registry can be nil and makes a difference."""


def _refuses(operation: str) -> Callable[[], Wrong]:
    """A registry that refuses every message of an operation."""

    def answer(call: Call, right: Right) -> Answer:
        given = right(call)
        if call.operation != operation or not given.is_reply:
            return given
        refused = changed(
            decode_reply(Port.REGISTRY, operation, given.body), result_identifier=0, response_codes=(1301,)
        )
        return replace(given, body=encode_reply(Port.REGISTRY, operation, refused))

    return lambda: Wrong(answer=answer)


def _trusts_anybody() -> Wrong:
    """It acts upon whatever reaches it, whoever sends it, to whom, and in which version."""

    def answer(call: Call, right: Right) -> Answer:
        if call.operation not in OPERATIONS[Port.REGISTRY]:
            return right(call)
        try:
            head = {"sender": "ITL", "addressee": "GB", "major_version": 1, "minor_version": 1}
            message = changed(call.message, **head)
        except Exception:
            return right(call)
        return right(call.with_body(encode_request(Port.REGISTRY, call.operation, message)))

    return Wrong(answer=answer)


def _without_proposals(call: Call, given: Answer) -> Answer:
    def edit(root: etree._Element) -> None:
        for node in list(root.iter("{*}operation")):
            parent = node.getparent()
            if node.get("name") == "acceptProposal" and parent is not None:
                parent.remove(node)

    is_wsdl = str(call.environ.get("QUERY_STRING", "")).lower() == "wsdl"
    return replace(given, body=xml.edited(given.body, edit)) if is_wsdl else given


REGISTRIES = (
    *(
        WrongRegistry(
            each.name,
            each.does,
            tuple(_BREAKS.get(requirement, f"R-{requirement}") for requirement in each.breaks),
            *_AS_OF_A_HUB[each.name],
            each.made,
        )
        for each in wire.CONNECTING
        if each.name in _AS_OF_A_HUB
    ),
    *(
        WrongRegistry(
            f"reply-{name}", f"replies {how}", ("R-SHAPE-REPLY",), ("100",), says, xml.in_replies(edit, "provideTime")
        )
        for name, how, edit, says in wire.SHAPES
        if name not in ("no-size", "wrong-size")
    ),
    *(
        WrongRegistry(
            name,
            does,
            (f"R-{requirement}",),
            ("605",) if name == "32-bits" else ("60*",),
            _READS.get(name, "must be read"),
            wire.reading(edit),
            patience=1.0,
        )
        for name, does, requirement, _, _, edit in wire.READERS
        if name not in _UNSEEN
    ),
    WrongRegistry(
        "lets-anybody-in",
        "takes calls with a wrong password, or none",
        ("R-CONNECT-4",),
        ("101",),
        "must be refused with HTTP 401",
        lambda: wire.lets_anybody_in("itl"),
    ),
    WrongRegistry(
        "trusts-anybody",
        "acts upon messages that are not from the log to it",
        ("R-CONNECT-3",),
        ("103/*",),
        "is not for the registry",
        _trusts_anybody,
    ),
    WrongRegistry(
        "wsdl-lacks-operation",
        "leaves acceptProposal out of its WSDL",
        ("R-WSDL-1",),
        ("110",),
        "acceptProposal",
        wire.documents(_without_proposals),
    ),
    WrongRegistry(
        "refuses-transfers",
        "refuses transfers to it in its acknowledgement",
        ("R-ACKNOWLEDGE-1",),
        ("102",),
        "result 0 with code 1301",
        _refuses("acceptProposal"),
    ),
    WrongRegistry(
        "refuses-texts",
        "refuses free text of the log",
        ("R-MESSAGE-1",),
        ("401",),
        "free text must be answered with result 1",
        _refuses("acceptMessage"),
    ),
    WrongRegistry(
        "refuses-notices",
        "refuses notices",
        ("R-NOTICE-1",),
        ("403",),
        "must be answered with result 1",
        _refuses("acceptITLNotice"),
    ),
    WrongRegistry(
        "refuses-results",
        "refuses the result of a reconciliation",
        ("R-RECONCILE-6",),
        ("307/*",),
        "must be answered with result 1",
        _refuses("receiveReconciliationResult"),
    ),
)
