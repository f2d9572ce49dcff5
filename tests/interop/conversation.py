"""What a registry says to the log and the log answers, each exchange in the canonical form of both.

The requests are what the foreign programs are told to send, the answers are what they have to read.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from itl.messages import (
    MessageResponse,
    NotificationResponse,
    ProposalResponse,
    ProvideAuditTrailResponse,
    ProvideTimeResponse,
    ProvideTotalsResponse,
    ProvideUnitBlocksResponse,
    ReceiveAuditTrailResponse,
    ReceiveTotalsResponse,
    ReceiveUnitBlocksResponse,
    ReconciliationResultResponse,
    TransactionStatusResponse,
)
from itl.wire.contract import OPERATIONS, Port
from itl.wire.faults import ClientFault, FaultEntry

HEADER = {"from": "GB", "to": "ITL", "majorVersion": 1, "minorVersion": 1}
SAMPLE_LINE = 'Zürich & Genève: "1 < 2", 排出量'
SAMPLE_TEXT = f"  {SAMPLE_LINE} ]]>\n\tand 'so' on\n"
SAMPLE_TIME = "2012-02-29T23:59:59.001Z"  # a registry west of Greenwich would read another day without the Z

PLAIN_BLOCK = {
    "unitSerialBlockStart": 3_000_000_000,  # needs more than 32 bits
    "unitSerialBlockEnd": 3_000_000_999,
    "originatingRegistryCode": "GB",
    "unitType": 1,
    "suppUnitType": 0,
    "originalCommitPeriod": 2,
    "applicableCommitPeriod": 2,
    "transferringRegistryAccountType": 100,
    "transferringRegistryAccountIdentifier": 1001,
    "acquiringRegistryAccountType": 100,
    "acquiringRegistryAccountIdentifier": 1001,
}
FULL_BLOCK = {
    "unitSerialBlockStart": 1,
    "unitSerialBlockEnd": 999_999_999_999_999,
    "originatingRegistryCode": "JP",
    "unitType": 7,
    "suppUnitType": 0,
    "originalCommitPeriod": 1,
    "applicableCommitPeriod": 2,
    "LULUCFActivity": 1,
    "projectIdentifier": 12,
    "track": 1,
    "blockRole": "TRN",
    "transferringRegistryAccountType": 100,
    "transferringRegistryAccountIdentifier": 1001,
    "acquiringRegistryAccountType": 230,
    "acquiringRegistryAccountIdentifier": 2002,
    "yearInCommitmentPeriod": 2010,
    "installationIdentifier": 77,
    "expiryDate": "2012-12-31",
}


def many_blocks(count: int) -> list[dict[str, Any]]:
    return [
        FULL_BLOCK | {"unitSerialBlockStart": 1000 * place, "unitSerialBlockEnd": 1000 * place + 999}
        for place in range(1, count + 1)
    ]


def transaction(identifier: str) -> dict[str, Any]:
    return {
        "transactionIdentifier": identifier,
        "transactionType": 3,
        "transferringRegistryCode": "GB",
        "transferringRegistryAccountType": 100,
        "transferringRegistryAccountIdentifier": 1001,
        "acquiringRegistryCode": "JP",
        "acquiringRegistryAccountType": 100,
        "acquiringRegistryAccountIdentifier": 2002,
    }


def proposal(identifier: str, *blocks: dict[str, Any]) -> dict[str, Any]:
    return HEADER | {"proposedTransaction": transaction(identifier) | {"proposalUnitBlocks": list(blocks)}}


def notification(identifier: str, status: int, *results: dict[str, Any]) -> dict[str, Any]:
    return HEADER | {
        "transactionIdentifier": identifier,
        "transactionStatus": status,
        "partyType": 0,
        "evaluationResult": list(results),
    }


EVALUATED = notification(
    "GB100002",
    3,
    {
        "responseCode": 4003,
        "unitBlockIdentifiers": [
            {"unitSerialBlockStart": 1, "unitSerialBlockEnd": 10, "originatingRegistryCode": "GB"},
            {"unitSerialBlockStart": 20, "unitSerialBlockEnd": 20, "originatingRegistryCode": "JP"},
        ],
    },
    {"responseCode": 4010},
)

RECONCILIATION = {"reconciliationIdentifier": "GB2012000001"}
RECONCILIATION_RESULT = HEADER | RECONCILIATION | {"reconciliationStatus": 7, "responseCodes": [6001, 6002]}
AUDIT_TRAIL = (
    HEADER
    | RECONCILIATION
    | {
        "auditTrailBeginDatetime": "2012-01-01T00:00:00Z",
        "auditTrailEndDatetime": SAMPLE_TIME,
        "accountType": 100,
        "accountIdentifier": 1001,
        "accountCommitPeriod": 0,
        "unitType": 1,
        "suppUnitType": 0,
        "unitBlockIdentifiers": [
            {"unitSerialBlockStart": 1, "unitSerialBlockEnd": 10, "originatingRegistryCode": "GB"}
        ],
        "responseCodes": [6001],
    }
)
TOTALS = (
    HEADER
    | RECONCILIATION
    | {
        "reconciliationSnapshotDatetime": SAMPLE_TIME,
        "reconciliationStatus": 2,
        "byAccountFlag": 0,
        "responseCodes": [],
    }
)
UNIT_BLOCKS = (
    HEADER
    | RECONCILIATION
    | {"reconciliationSnapshotDatetime": SAMPLE_TIME, "unitBlockRequests": [{"unitType": 1, "accountType": 100}, {}]}
)


@dataclass(frozen=True, slots=True)
class Exchange:
    """One call: what the registry sends, what the log answers it with, what the registry has to read then."""

    meaning: str
    operation: str
    request: dict[str, Any]
    answer: object
    read: dict[str, Any]

    @property
    def call(self) -> dict[str, Any]:
        return {"operation": self.operation, "request": self.request}


STATUS_TIME = datetime(2011, 11, 22, 7, 20, 0, 123_000, tzinfo=UTC)

EXCHANGES = (
    Exchange(
        "accepted without codes",
        "acceptProposal",
        proposal("GB100001", PLAIN_BLOCK, FULL_BLOCK),
        ProposalResponse(result_identifier=1),
        {"reply": {"resultIdentifier": 1}},
    ),
    Exchange(
        "equal blocks, rejected with codes",
        "acceptProposal",
        proposal("GB100002", PLAIN_BLOCK, PLAIN_BLOCK, FULL_BLOCK, PLAIN_BLOCK),
        ProposalResponse(result_identifier=0, response_codes=(1503, 4003)),
        {"reply": {"resultIdentifier": 0, "responseCodes": [1503, 4003]}},
    ),
    Exchange(
        "one code",
        "acceptNotification",
        EVALUATED,
        NotificationResponse(result_identifier=0, response_codes=(1501,)),
        {"reply": {"resultIdentifier": 0, "responseCodes": [1501]}},
    ),
    Exchange(
        "absent values that are null in the registry's program",
        "acceptProposal",
        HEADER
        | {
            "proposedTransaction": transaction("GB100003")
            | {
                "suppTransactionType": None,
                "notificationIdentifier": None,
                "proposalUnitBlocks": [PLAIN_BLOCK | {"track": None, "blockRole": None, "expiryDate": None}],
            }
        },
        ProposalResponse(result_identifier=1),
        {"reply": {"resultIdentifier": 1}},
    ),
    Exchange(
        "an empty array",
        "acceptNotification",
        notification("GB100001", 4),
        NotificationResponse(result_identifier=1),
        {"reply": {"resultIdentifier": 1}},
    ),
    Exchange(
        "a time in a reply",
        "getTransactionStatus",
        HEADER | {"transactionIdentifier": "GB100001"},
        TransactionStatusResponse(
            transaction_identifier="GB100001",
            transaction_status=4,
            transaction_status_date_time=STATUS_TIME,
            result_identifier=1,
        ),
        {
            "reply": {
                "transactionIdentifier": "GB100001",
                "transactionStatus": 4,
                "transactionStatusDateTime": "2011-11-22T07:20:00.123Z",
                "resultIdentifier": 1,
            }
        },
    ),
    Exchange(
        "a time in a request, and text with all that XML has to escape",
        "acceptMessage",
        HEADER | {"messageContent": SAMPLE_TEXT, "messageDateTime": SAMPLE_TIME},
        MessageResponse(result_identifier=1),
        {"reply": {"resultIdentifier": 1}},
    ),
    Exchange(
        "an empty text",
        "acceptMessage",
        HEADER | {"messageContent": "", "messageDateTime": SAMPLE_TIME},
        MessageResponse(result_identifier=1),
        {"reply": {"resultIdentifier": 1}},
    ),
    *(
        Exchange(operation, operation, request, response(result_identifier=1), {"reply": {"resultIdentifier": 1}})
        for operation, request, response in (
            ("receiveReconciliationResult", RECONCILIATION_RESULT, ReconciliationResultResponse),
            ("provideAuditTrail", AUDIT_TRAIL, ProvideAuditTrailResponse),
            ("provideTotals", TOTALS, ProvideTotalsResponse),
            ("provideUnitBlocks", UNIT_BLOCKS, ProvideUnitBlocksResponse),
            (
                "receiveAuditTrail",
                HEADER
                | RECONCILIATION
                | {
                    "transactions": [
                        transaction("GB100001")
                        | {"transactionStatusDateTime": SAMPLE_TIME, "transactionBlocks": [PLAIN_BLOCK, FULL_BLOCK]}
                    ]
                },
                ReceiveAuditTrailResponse,
            ),
            (
                "receiveTotals",
                HEADER
                | RECONCILIATION
                | {
                    "totals": [
                        {"accountType": 100, "accountCommitPeriod": 0, "unitType": unit, "unitCount": count}
                        for unit, count in ((1, 3_000_000_000), (5, 0))
                    ]
                },
                ReceiveTotalsResponse,
            ),
            (
                "receiveUnitBlocks",
                HEADER
                | RECONCILIATION
                | {
                    "unitBlocks": [
                        {
                            "unitSerialBlockStart": 3_000_000_000,
                            "unitSerialBlockEnd": 3_000_000_999,
                            "originatingRegistryCode": "GB",
                            "unitType": 1,
                            "accountType": 100,
                            "accountIdentifier": 1001,
                            "applicableCommitPeriod": 2,
                        }
                    ]
                },
                ReceiveUnitBlocksResponse,
            ),
        )
    ),
)

# Two units of UTF-16, so not one character to Java or JavaScript.
BEYOND = {
    "operation": "acceptMessage",
    "request": HEADER | {"messageContent": "\U0001f30d", "messageDateTime": SAMPLE_TIME},
}

FAULT = ClientFault(
    f"the message cannot be read: {SAMPLE_LINE}",
    (FaultEntry(1102, "/acceptProposalRequest/proposedTransaction", "it is not one"),),
)

# What the log asks of a registry, by operation.
REGISTRY_REQUESTS: dict[str, dict[str, Any]] = {
    "initiateReconciliation": HEADER | RECONCILIATION | {"snapshotDatetime": SAMPLE_TIME},
    "provideTime": HEADER | {"ITLSystemTime": SAMPLE_TIME},
    "acceptMessage": HEADER | {"messageContent": SAMPLE_TEXT, "messageDateTime": SAMPLE_TIME},
    "acceptProposal": proposal("JP100001", PLAIN_BLOCK, FULL_BLOCK),
    "acceptNotification": EVALUATED,
    "acceptITLNotice": HEADER
    | {
        "messageContent": SAMPLE_TEXT,
        "messageDate": SAMPLE_TIME,
        "notificationType": 4,
        "notificationIdentifier": 3_000_000_001,
        "notificationStatus": 1,
        "projectNumber": "BR0000012",
        "unitType": 6,
        "targetValue": 3_000_000_000,
        "targetDate": "2012-12-31",
        "LULUCFActivity": 1,
        "commitPeriod": 1,
        "actionDueDate": "2013-01-31",
        "unitBlockIdentifiers": [
            {"unitSerialBlockStart": 1, "unitSerialBlockEnd": 10, "originatingRegistryCode": "BR"}
        ],
    },
    "receiveReconciliationResult": RECONCILIATION_RESULT,
    "provideAuditTrail": AUDIT_TRAIL,
    "provideTotals": TOTALS,
    "provideUnitBlocks": UNIT_BLOCKS,
}

# What a registry answers, in its canonical form, and what the log is to read then: to each operation, and some of the
# answers that real ones give.
ACCEPTED: dict[str, tuple[dict[str, Any], object]] = {
    operation: ({"resultIdentifier": 1}, contract.response(result_identifier=1))
    for operation, contract in OPERATIONS[Port.REGISTRY].items()
    if operation != "provideTime"
} | {
    "provideTime": (
        {"systemTime": "2012-02-29T23:59:59.250Z", "resultIdentifier": 1},
        ProvideTimeResponse(system_time=datetime(2012, 2, 29, 23, 59, 59, 250_000, tzinfo=UTC), result_identifier=1),
    )
}
ANSWERS: dict[str, tuple[str, dict[str, Any], object]] = {
    "an answer with codes": (
        "acceptNotification",
        {"resultIdentifier": 0, "responseCodes": [1503, 4003]},
        NotificationResponse(result_identifier=0, response_codes=(1503, 4003)),
    ),
    "an answer with an empty list": (
        "acceptProposal",
        {"resultIdentifier": 1, "responseCodes": []},
        ProposalResponse(result_identifier=1, response_codes=()),
    ),
}
