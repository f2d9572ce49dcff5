"""zeep as it comes, told nothing but the address of the WSDL: an independent witness of contract and wire."""

from collections.abc import Iterator

import pytest
import requests
import zeep
from requests.auth import HTTPBasicAuth
from zeep.transports import Transport

from itl.cli.sandbox import sandbox
from itl.settings import Settings

TYPES = "{urn:KyotoProtocol:RegistrySystem:ITL:Types:1.0:0.0}"
HEAD = {"from": "GB", "to": "ITL", "majorVersion": 1, "minorVersion": 1}


@pytest.fixture
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[zeep.Client]:
    database = f"sqlite:///{tmp_path_factory.mktemp('zeep')}/itl.db"
    with sandbox(Settings(database=database, port=0)) as running, requests.Session() as session:
        session.auth = HTTPBasicAuth("gb", "gb")
        yield zeep.Client(f"{running.url}?wsdl", transport=Transport(session=session))


def typed(client: zeep.Client, name: str, *items: object, **fields: object) -> object:
    return client.get_type(TYPES + name)(*items, **fields)


def test_an_issuance_of_two_blocks_and_a_question_after_it(client: zeep.Client) -> None:
    blocks = [
        typed(
            client,
            "TransactionUnitBlock",
            unitSerialBlockStart=start,
            unitSerialBlockEnd=start + 999,
            originatingRegistryCode="GB",
            unitType=1,
            originalCommitPeriod=2,
            applicableCommitPeriod=2,
        )
        for start in (1, 3_000_000_001)
    ]
    transaction = typed(
        client,
        "ProposalTransaction",
        transactionIdentifier="GB100001",
        transactionType=1,
        transferringRegistryCode="GB",
        transferringRegistryAccountType=100,
        transferringRegistryAccountIdentifier=1001,
        acquiringRegistryCode="GB",
        acquiringRegistryAccountType=100,
        acquiringRegistryAccountIdentifier=1001,
        proposalUnitBlocks=typed(client, "ArrayOfTransactionUnitBlock", blocks),
    )
    request = typed(client, "ProposalRequest", **HEAD, proposedTransaction=transaction)
    answer = client.service.acceptProposal(acceptProposalRequest=request)
    assert (answer.resultIdentifier, answer.responseCodes) == (1, None)
    question = typed(client, "TransactionStatusRequest", **HEAD, transactionIdentifier="GB100001")
    answer = client.service.getTransactionStatus(getTransactionStatusRequest=question)
    assert answer.resultIdentifier == 1
    assert answer.transactionIdentifier == "GB100001"
    assert answer.transactionStatus in (1, 2)
    assert answer.transactionStatusDateTime.utcoffset() is not None


def test_codes_of_a_refusal(client: zeep.Client) -> None:
    question = typed(client, "TransactionStatusRequest", **HEAD, transactionIdentifier="GB999")
    answer = client.service.getTransactionStatus(getTransactionStatusRequest=question)
    assert answer.resultIdentifier == 0
    assert list(answer.responseCodes) == [3002]
