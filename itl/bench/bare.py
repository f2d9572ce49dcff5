"""The floor: lxml alone parses, validates and reads a proposal in its literal form, in processes of its own."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from functools import cache
from importlib.resources import as_file, files
from typing import Any

from lxml import etree

from itl.bench.proposals import OPERATION, moving, unheld
from itl.errors import LogError
from itl.wire.contract import OPERATIONS, TYPE_NAMESPACE, Array, Plan, Port, Struct

Count = Callable[[int, float, int], float]
"""Of proposals with so many blocks, measured for so many seconds, or so many proposals: how many a second."""


@contextmanager
def reading(processes: int) -> Iterator[Count]:
    """Counts on as many processes, which live as long as this."""
    with ProcessPoolExecutor(processes, multiprocessing.get_context("spawn")) as pool:

        def count(blocks: int, seconds: float, most: int) -> float:
            body = literal(blocks)
            each = [pool.submit(read_on, body, seconds, most) for _ in range(processes)]
            return sum(one.result() for one in each)

        yield count


def literal(blocks: int) -> bytes:
    """A proposal as a document of the schemas: no envelope, no types, nothing by reference."""
    contract = OPERATIONS[Port.TRANSACTION_LOG][OPERATION]
    root = etree.Element(f"{{{TYPE_NAMESPACE}}}{contract.request_part}", nsmap={"t": TYPE_NAMESPACE})
    _fill(root, contract.request_plan, moving(unheld(blocks)))
    return etree.tostring(root, encoding="UTF-8", xml_declaration=True)


def _fill(element: etree._Element, plan: Plan, value: Any) -> None:
    if isinstance(plan, Array):
        for each in value:
            _fill(etree.SubElement(element, "item"), plan.item, each)
    elif isinstance(plan, Struct):
        for field in plan.fields:
            if (part := getattr(value, field.name)) is not None:
                _fill(etree.SubElement(element, field.element), field.plan, part)
    else:
        element.text = plan.render(value)


def read_on(body: bytes, seconds: float, most: int) -> float:
    """Read `body` over and over, for so many seconds or so many times; how many times a second."""
    begun = time.perf_counter()
    done = 0
    while not done or (time.perf_counter() - begun < seconds and done < most):
        read(body)
        done += 1
    return done / (time.perf_counter() - begun)


def read(body: bytes) -> list[dict[str, str | None]]:
    """The values of each block of the proposal. LogError if it is not valid."""
    document = etree.fromstring(body, etree.XMLParser(resolve_entities=False, no_network=True))
    schema = _schema()
    if not schema.validate(document):
        raise LogError("the proposal is not valid by its schema, so that reading it measures nothing")
    return [{value.tag: value.text for value in block} for block in document.iter("item")]


@cache
def _schema() -> etree.XMLSchema:
    with as_file(files("itl_schemas").joinpath("messages.xsd")) as path:
        return etree.XMLSchema(etree.parse(path, etree.XMLParser(no_network=True)))
