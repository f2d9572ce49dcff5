"""Relayed documents: read within bounds, checked by `documents.xsd`, and the outcome that answers each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from lxml import etree

from itl.errors import LogError

NAMESPACE = "urn:open-itl:supplement:1"
OPERATIONS = frozenset(
    {
        "accountCreation",
        "accountUpdate",
        "accountClosing",
        "accountBlocking",
        "verifiedEmissions",
        "allocationPlanChange",
        "transferAgreement",
    }
)
"""The documents that are carried out; each is the root of its kind and the `operationName` it comes under."""

LARGEST = 1024 * 1024
"""Characters of a document: a thousand accounts take a fifth of it."""
MOST_ELEMENTS = 10_000
MOST_TOLD = 5
"""Errors of the schema that an outcome tells."""


class UnfitDocument(LogError):  # noqa: N818 - says what it is
    """A document that cannot be carried out; the text is what its sender is told."""


@dataclass(frozen=True, slots=True)
class Document:
    """A document that fits its schema: the items in their order, each by the names of its elements."""

    operation: str
    items: tuple[Mapping[str, str], ...]


def read(operation: str, content: str) -> Document:
    """The document in `content`; UnfitDocument says why it is none, where, and what to do."""
    if operation not in OPERATIONS:
        raise UnfitDocument(f"operation {operation[:50]!r} is not known; known are {', '.join(sorted(OPERATIONS))}")
    root = _parsed(content)
    if root.tag != f"{{{NAMESPACE}}}{operation}":
        raise UnfitDocument(f"the document is {str(root.tag)[:100]}; {operation} wants {{{NAMESPACE}}}{operation}")
    schema = _schema()
    if not schema.validate(root):
        errors = [f"line {each.line}: {each.message}"[:300] for each in schema.error_log]  # type: ignore[attr-defined]
        raise UnfitDocument("; ".join(errors[:MOST_TOLD]))
    flat = all(len(child) == 0 for child in root)
    items = [root] if flat else list(root)
    return Document(operation, tuple({etree.QName(each).localname: each.text or "" for each in item} for item in items))


def outcome(relay_identifier: str, operation: str, problem: str | None) -> str:
    """The document that says what became of another; `problem` None: it was carried out."""
    root = etree.Element(f"{{{NAMESPACE}}}outcome", nsmap={None: NAMESPACE})  # type: ignore[dict-item]
    told = {"relayIdentifier": relay_identifier, "operationName": operation, "carriedOut": str(problem is None).lower()}
    for name, value in told.items():
        etree.SubElement(root, f"{{{NAMESPACE}}}{name}").text = value
    if problem is not None:
        etree.SubElement(root, f"{{{NAMESPACE}}}problem").text = problem
    return etree.tostring(root, encoding="unicode")


def _parsed(content: str) -> etree._Element:
    """Bounded before the tree is built; no document type, so no entities."""
    if len(content) > LARGEST:
        raise UnfitDocument(f"the document has {len(content)} characters, at most {LARGEST} are read; send it in parts")
    if content.count("<") > 2 * MOST_ELEMENTS:
        raise UnfitDocument(f"the document has more than {MOST_ELEMENTS} elements; send it in parts")
    if "<!DOCTYPE" in content:
        raise UnfitDocument("the document has a document type; leave it out")
    parser = etree.XMLParser(
        encoding="utf-8",  # whatever the declaration says: it came as characters
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        return etree.fromstring(content.encode(), parser)
    except (etree.XMLSyntaxError, UnicodeEncodeError) as error:
        raise UnfitDocument(f"no XML: {str(error)[:300]}") from error


@cache
def _schema() -> etree.XMLSchema:
    return etree.XMLSchema(etree.fromstring((files(__package__) / "documents.xsd").read_bytes()))
