"""Registries whose HTTP, envelopes or documents are wrong, that do not read what a log writes, or refuse it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from lxml import etree
from msgspec.structs import replace as changed

from itl.messages import ProposalTransaction
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
    calling: bool = False
    """Whether it is wrong in its calls to the log; else in how it answers."""

    @property
    def enquiry(self) -> float:
        """After how many seconds of silence it asks the log, and mends by that what it believed wrongly."""
        return 60.0 if "R-ONCE-2" in self.breaks else 0.5


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
_SPELT = {
    "READ-1": ("600", "601", "602", "605"),
    "READ-2": ("603", "606", "607", "605"),
    "READ-3": ("604", "606"),
    "READ-4": ("605", "606"),
}
"""The spellings that a requirement is about, and one that is of another."""
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


ANSWERING = (
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
            _SPELT[requirement] if name != "32-bits" else ("605",),
            _READS.get(name, "must be read"),
            wire.reading(edit),
            patience=3.0,
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

# Calls ----------------------------------------------------------------------------------------------------------------


def _saying(operation: str, change: Callable[[Any], Any]) -> Callable[[], Wrong]:
    """A registry whose calls of an operation say something else."""

    def answer(call: Call, right: Right) -> Answer:
        return right(call.saying(change(call.message)) if call.operation == operation else call)

    return lambda: Wrong(answer=answer)


def _proposing(change: Callable[[ProposalTransaction], ProposalTransaction]) -> Callable[[], Wrong]:
    return _saying(
        "acceptProposal",
        lambda message: changed(message, proposed_transaction=change(message.proposed_transaction)),
    )


def _each_block(**changes: Any) -> Callable[[ProposalTransaction], ProposalTransaction]:
    """All blocks of a proposal, and its head where it has the same, with other values."""

    def change(proposal: ProposalTransaction) -> ProposalTransaction:
        of_head = {name: value for name, value in changes.items() if name in ProposalTransaction.__struct_fields__}
        blocks = tuple(changed(block, **changes) for block in proposal.proposal_unit_blocks)
        return changed(proposal, proposal_unit_blocks=blocks, **of_head)

    return change


def _never_calling(operation: str) -> Callable[[], Wrong]:
    """A registry whose calls of an operation never reach the log."""
    nothing = Answer("503 Service Unavailable", {"Content-Type": "text/plain"}, b"")
    return lambda: Wrong(answer=lambda call, right: nothing if call.operation == operation else right(call))


def _misspelt(edit: xml.Edit) -> Callable[[], Wrong]:
    """A registry whose reports are out of shape."""

    def answer(call: Call, right: Right) -> Answer:
        reports = call.operation == "acceptNotification"
        return right(call.with_body(xml.edited(call.body, edit)) if reports else call)

    return lambda: Wrong(answer=answer)


def _believing(status: str) -> Callable[[], Wrong]:
    """A registry that takes an HTTP status of the log for an acknowledgement."""

    def answer(call: Call, right: Right) -> Answer:
        given = right(call)
        if not given.status.startswith(status) or call.operation not in OPERATIONS[Port.TRANSACTION_LOG]:
            return given
        response = OPERATIONS[Port.TRANSACTION_LOG][call.operation].response
        return Answer("200 OK", {"Content-Type": "text/xml"}, b"").saying(call.operation, response(result_identifier=1))

    return lambda: Wrong(answer=answer)


_CALLS: tuple[tuple[str, str, str, str, str, Callable[[], Wrong]], ...] = (
    (
        "other-version",
        "calls the log in another version",
        "R-CONNECT-5",
        "102",
        "of version",
        _saying("acceptNotification", lambda message: changed(message, minor_version=7)),
    ),
    (
        "issues-into-person",
        "issues into a person's account",
        "R-ISSUE-1",
        "120",
        "account must be of type 100",
        _proposing(_each_block(acquiring_registry_account_type=121)),
    ),
    (
        "proposes-another-type",
        "proposes another transaction than it was to carry out",
        "R-PROPOSE-5",
        "160",
        "a proposal of type 4 must come",
        _proposing(lambda proposal: changed(proposal, transaction_type=5)),
    ),
    (
        "moves-elsewhere",
        "moves units into another account than it was told",
        "R-MOVE-1",
        "140",
        "the acquiring account must be",
        _proposing(_each_block(acquiring_registry_account_identifier=77)),
    ),
    (
        "cancels-into-holding",
        "cancels into a holding account",
        "R-CANCEL-1",
        "160",
        "the acquiring account must be of type 230",
        _proposing(_each_block(acquiring_registry_account_type=100)),
    ),
    (
        "retires-into-cancellation",
        "retires into a cancellation account",
        "R-RETIRE-1",
        "170",
        "the acquiring account must be of type 300",
        _proposing(_each_block(acquiring_registry_account_type=230)),
    ),
    (
        "converts-elsewhere",
        "moves units as it converts them",
        "R-CONVERT-1",
        "130",
        "account must be",
        _proposing(_each_block(acquiring_registry_account_type=121)),
    ),
    (
        "carries-into-holding",
        "carries AAU over into a holding account",
        "R-CARRY-1",
        "180",
        "the acquiring account must be of type 130",
        _proposing(_each_block(acquiring_registry_account_type=100)),
    ),
    (
        "replaces-into-cancellation",
        "puts replacing units into a cancellation account",
        "R-REPLACE-1",
        "190",
        "the acquiring account must be of type 411",
        _proposing(_each_block(acquiring_registry_account_type=230)),
    ),
    (
        "change-without-notice",
        "changes expiry dates without naming the notice",
        "R-EXPIRY-1",
        "200",
        "notice",
        _proposing(lambda proposal: changed(proposal, notification_identifier=None)),
    ),
    (
        "garbles-texts",
        "sends texts in another encoding than it says",
        "R-MESSAGE-2",
        "402",
        "did not call acceptMessage",
        _saying(
            "acceptMessage",
            lambda message: changed(message, message_content=message.message_content.encode().decode("latin-1")),
        ),
    ),
    (
        "empty-trail",
        "names no transaction in its audit trail",
        "R-RECONCILE-4",
        "304",
        "the trail must name",
        _saying("receiveAuditTrail", lambda message: changed(message, transactions=())),
    ),
    (
        "never-enquires",
        "does not ask where its transaction stands",
        "R-INFO-1",
        "116",
        "did not ask for its status",
        _never_calling("getTransactionStatus"),
    ),
    (
        "no-repeat-after-fault",
        "takes a fault of the log for an acknowledgement",
        "R-ONCE-2",
        "503/*",
        "what got no answer, again",
        _believing("500"),
    ),
    (
        "no-repeat-after-503",
        "takes HTTP 503 for an acknowledgement",
        "R-ONCE-2",
        "504/*",
        "what got no answer, again",
        _believing("503"),
    ),
    *(
        (f"call-{name}", f"calls the log {how}", "R-SHAPE-CALL", "102", says, _misspelt(edit))
        for name, how, edit, says in wire.SHAPES
        if name in ("wrapper", "part", "namespace", "string-for-int")
    ),
)

REGISTRIES = (
    *ANSWERING,
    *(
        WrongRegistry(name, does, (requirement,), (tests,), says, made, patience=3.0, calling=True)
        for name, does, requirement, tests, says, made in _CALLS
    ),
)
