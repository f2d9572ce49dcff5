"""A log that only remembers, behind a real endpoint."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from itl.clock import SetClock
from itl.messages import MessageRequest, MessageResponse, ProposalResponse
from itl.wire import endpoint
from itl.wire.contract import Port
from itl.wire.endpoint import Call, Credentials
from itl.wire.faults import ClientFault, WireFault

NOW = datetime(2026, 1, 2, tzinfo=UTC)
CERTIFICATE = b"-----BEGIN CERTIFICATE-----\nAA+/==\n-----END CERTIFICATE-----\n"


class Log:
    """A log that only remembers: its handlers fail in every way when the message's sender says so."""

    def __init__(self) -> None:
        self.calls: list[tuple[Call, Any]] = []
        self.refusals: list[tuple[Call, WireFault]] = []

    def authenticate(self, credentials: Credentials) -> str | None:
        if credentials.certificate == CERTIFICATE:
            return "by certificate"
        return "GB" if (credentials.user, credentials.password) == ("gbuser", "gbpass") else None

    def propose(self, call: Call, message: Any) -> ProposalResponse:
        self.calls.append((call, message))
        return ProposalResponse(result_identifier=0, response_codes=(1503, 4003))

    def accept(self, call: Call, message: MessageRequest) -> Any:
        self.calls.append((call, message))
        match message.message_content:
            case "fail":
                raise RuntimeError("the secret of the log")
            case "refuse":
                raise ClientFault("not today")
            case "wrong reply":
                return MessageResponse(result_identifier=2**40)
            case "no reply":
                return None
        return MessageResponse(result_identifier=1)

    def refused(self, call: Call, fault: WireFault) -> None:
        self.refusals.append((call, fault))


def build(log: Log, **options: Any) -> Any:
    return endpoint.build(
        Port.TRANSACTION_LOG,
        {"acceptProposal": log.propose, "acceptMessage": log.accept, "acceptNotification": log.propose},
        authenticate=log.authenticate,
        clock=SetClock(NOW),
        on_refusal=log.refused,
        **options,
    )
