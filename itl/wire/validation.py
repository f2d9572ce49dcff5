"""The schemas as validators: lxml's for whole messages when a setting asks for it, xmlschema's to word what is wrong.

Neither is on the hot path: the plan decides, these two explain it and prove it.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterable, Iterator
from functools import cache
from importlib.resources import as_file, files
from typing import cast

import xmlschema
from lxml import etree

_local = threading.local()
_building = threading.Lock()  # building schemas concurrently can fail
_ONLY_ITEM = re.compile(r"/item(?=/|$)")


def schema_errors(document: etree._Element) -> list[tuple[str, str]]:
    """(path, reason) of what lxml's XSD validation finds in a document in canonical form; empty if it is valid."""
    schema = _lxml_schema()
    if schema.validate(document):
        return []
    log = cast("Iterable[etree._LogEntry]", schema.error_log)  # the stubs do not know that it can be walked
    return [(_steps(document, entry.path or "/"), entry.message) for entry in log]


def worded_errors(document: etree._Element, most: int) -> Iterator[tuple[str, str]]:
    """(path, reason) of the first `most` errors that xmlschema finds in a document in canonical form."""
    for count, error in enumerate(_worded_schema().iter_errors(document), 1):
        yield _steps(document, error.path or "/"), error.reason or error.message
        if count == most:
            return


def warm_up() -> None:
    """Build what explains refusals, so that the first refusal of a server costs no more than the next."""
    _worded_schema()


def _steps(document: etree._Element, path: str) -> str:
    """A path in the form of our own: `/part/element/item[2]`, the root's namespace left out."""
    root = etree.QName(document).localname
    first, _, rest = path.removeprefix("/").rpartition("}")[2].partition("/")
    return _ONLY_ITEM.sub("/item[1]", f"/{root}/{rest}") if first and rest else f"/{root}"


def _lxml_schema() -> etree.XMLSchema:
    """One schema object per thread: a shared one mixes up the error logs of concurrent messages."""
    schema: etree.XMLSchema | None = getattr(_local, "schema", None)
    if schema is None:
        with _building, as_file(files("itl_schemas").joinpath("messages.xsd")) as path:
            schema = _local.schema = etree.XMLSchema(etree.parse(path, etree.XMLParser(no_network=True)))
    return schema


@cache
def _worded_schema() -> xmlschema.XMLSchema:
    with _building, as_file(files("itl_schemas").joinpath("messages.xsd")) as path:
        return xmlschema.XMLSchema(str(path), allow="local", defuse="always")
