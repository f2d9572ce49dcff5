"""Bytes to a SOAP 1.1 envelope: parsed without entities, network or document type, bounded before the tree is built."""

from __future__ import annotations

import re
from dataclasses import dataclass

from lxml import etree

from itl.wire.contract import SOAP_ENVELOPE
from itl.wire.faults import TOO_LARGE, ClientFault, FaultEntry, MustUnderstandFault, VersionMismatchFault
from itl.wire.limits import Limits
from itl.wire.runs import Run

WS_SECURITY = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd"

_NEXT_ACTOR = "http://schemas.xmlsoap.org/soap/actor/next"
_UNDERSTOOD = frozenset({f"{{{WS_SECURITY}}}Security"})
_HEADER, _BODY = f"{{{SOAP_ENVELOPE}}}Header", f"{{{SOAP_ENVELOPE}}}Body"

# What may stand before a document type, and how it ends; blanks and a byte order mark are skipped before each.
_PROLOG = re.compile(rb"(?:[?>-]+|\xef\xbb\xbf)?\s*(<\?|<!--)")
_ENDS = {b"<?": b"?>", b"<!--": b"-->"}
_DOCTYPE = re.compile(rb"(?:[?>-]+|\xef\xbb\xbf)?\s*<!DOCTYPE")


@dataclass(frozen=True, slots=True)
class Envelope:
    """The parts of a parsed envelope; `body` holds its element children only."""

    root: etree._Element
    header: etree._Element | None
    body: list[etree._Element]


def parse(content: bytes, largest: int, limits: Limits, run: Run | None = None) -> Envelope:
    """The envelope in `content`, of at most `largest` bytes; ClientFault if it is none. Headers are not judged.

    The tree is without the items of `run`, whose first one is found in it.
    """
    if len(content) > largest:
        raise too_large(f"the message has {len(content)} bytes, at most {largest} are read")
    # Every element has one or two tags: counting them costs nothing beside a tree of too many elements.
    written = content if run is None else run.shortened
    if written.count(b"<") + (0 if run is None else run.tags) > 2 * limits.elements:
        raise too_large(f"the message has more than {limits.elements} elements")
    if _has_document_type(written):
        raise _document_type()
    root = _tree(written)
    if run is not None:
        run.find_first(root)
    if root.tag != f"{{{SOAP_ENVELOPE}}}Envelope":
        raise _no_envelope(root)
    header = root.find(_HEADER)
    body = root.find(_BODY)
    if body is None:
        raise ClientFault("the envelope has no Body of SOAP 1.1")
    return Envelope(root, header, list(body))


def judge_headers(header: etree._Element | None) -> None:
    """MustUnderstandFault if an entry for this receiver must be understood and is not (SOAP 1.1, 4.2.3)."""
    for entry in () if header is None else header:
        must = str(entry.get(f"{{{SOAP_ENVELOPE}}}mustUnderstand", "0")).strip() in ("1", "true")
        actor = entry.get(f"{{{SOAP_ENVELOPE}}}actor", "")
        if must and actor in ("", _NEXT_ACTOR) and entry.tag not in _UNDERSTOOD:
            raise MustUnderstandFault(f"the header entry {entry.tag} is not understood")


def too_large(reason: str) -> ClientFault:
    """The fault for a message beyond a bound on size."""
    return ClientFault("the message is too large", (FaultEntry(TOO_LARGE, "/", reason),))


def _tree(content: bytes) -> etree._Element:
    parser = etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
        ns_clean=False,
        collect_ids=False,
    )
    try:
        root = etree.fromstring(content, parser)
    except etree.XMLSyntaxError as error:
        raise ClientFault(f"the message is not well-formed XML: {error.msg}") from None
    except (ValueError, LookupError) as error:
        raise ClientFault(f"the message is not XML: {error}") from None
    if root.getroottree().docinfo.internalDTD is not None:  # in an encoding where it was not seen as bytes
        raise _document_type()
    return root


def _has_document_type(content: bytes) -> bool:
    """Whether the first markup behind declaration, comments and processing instructions is a document type."""
    place = 0
    while skipped := _PROLOG.match(content, place):
        place = content.find(_ENDS[skipped[1]], skipped.end())
        if place < 0:
            return False
    return _DOCTYPE.match(content, place) is not None


def _document_type() -> ClientFault:
    return ClientFault("a document type declaration is not allowed in a SOAP message (SOAP 1.1, section 3)")


def _no_envelope(root: etree._Element) -> ClientFault:
    name = etree.QName(root)
    if name.localname == "Envelope":
        return VersionMismatchFault(f"the envelope is of the namespace {name.namespace}; only SOAP 1.1 is read here")
    return ClientFault(f"the message is no SOAP envelope but {root.tag}")
