"""Envelopes as text, for messages that no encoder of ours would write."""

from __future__ import annotations

HEAD = (
    '<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"'
    ' xmlns:enc="http://schemas.xmlsoap.org/soap/encoding/"'
    ' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:xsd="http://www.w3.org/2001/XMLSchema"'
    ' xmlns:itl="urn:KyotoProtocol:RegistrySystem:ITL:1.0:0.0"'
    ' xmlns:t="urn:KyotoProtocol:RegistrySystem:ITL:Types:1.0:0.0">'
)
BLOCK = (
    "<unitSerialBlockStart>1</unitSerialBlockStart><unitSerialBlockEnd>10</unitSerialBlockEnd>"
    "<originatingRegistryCode>GB</originatingRegistryCode><unitType>1</unitType>"
    "<originalCommitPeriod>1</originalCommitPeriod><applicableCommitPeriod>1</applicableCommitPeriod>"
)


def envelope(body: str, header: str = "") -> bytes:
    return f"{HEAD}{header}<e:Body>{body}</e:Body></e:Envelope>".encode()


def proposal(
    head: str = "<from>GB</from><to>ITL</to><majorVersion>1</majorVersion><minorVersion>1</minorVersion>",
    blocks: str = f"<proposalUnitBlocks><item>{BLOCK}</item></proposalUnitBlocks>",
    more: str = "",
    behind: str = "",
) -> bytes:
    """acceptProposal with parts of it spelled otherwise."""
    return envelope(
        f"<itl:acceptProposal><acceptProposalRequest>{head}<proposedTransaction>"
        "<transactionIdentifier>GB10</transactionIdentifier><transactionType>1</transactionType>"
        "<transferringRegistryCode>GB</transferringRegistryCode><acquiringRegistryCode>GB</acquiringRegistryCode>"
        f"{more}{blocks}</proposedTransaction></acceptProposalRequest></itl:acceptProposal>{behind}"
    )
