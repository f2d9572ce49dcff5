"""The file of a handover: what is written is read again, and what is not whole and unchanged is refused."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from itl.errors import UsageError
from itl.ledger.block import Attributes, HeldBlock, Place, SerialRange
from itl.reference import Environment
from itl.store.handover_file import FORMAT, Head, Line, Total, Units, lines, prove, write
from tests.hub.world import START

KEY = b"secret"
HEAD = Head(FORMAT, "CITL", "GB", START, Environment.TEST)
AAU = Attributes(1, None, 1, 1, None, None, None, None, 1)


def units(first: int, last: int, origin: str = "GB", account_type: int = 100) -> Units:
    return Units(HeldBlock(SerialRange(origin, first, last), AAU, Place("GB", account_type, 1001)))


CONTENT: list[Line] = [
    HEAD,
    units(1, 10, "FR"),
    units(1, 10),
    units(11, 15, account_type=230),
    Total("issued", "GB", 1, 1, 15),
]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "GB.jsonl"
    write(path, CONTENT, KEY)
    return path


def test_what_is_written_is_read_and_counted(file: Path) -> None:
    *read, end = lines(file, KEY)
    assert read == CONTENT
    manifest = prove(file, KEY)
    assert (manifest.head, manifest.end) == (HEAD, end)
    assert (manifest.origins, manifest.holders) == ({"FR", "GB"}, {"GB"})
    assert [(each.account_type, each.units) for each in manifest.end.sums] == [(100, 20), (230, 5)]
    assert manifest.end.lines == {"head": 1, "total": 1, "units": 3}
    assert not file.with_name("GB.jsonl.part").exists()


def test_the_same_content_has_the_same_digest(file: Path, tmp_path: Path) -> None:
    assert write(tmp_path / "again", CONTENT).sha256 == prove(file).end.sha256


def without_line(number: int) -> Callable[[bytes], bytes]:
    return lambda raw: b"".join(each for at, each in enumerate(raw.splitlines(keepends=True)) if at != number)


def swapped(raw: bytes) -> bytes:
    content = raw.splitlines(keepends=True)
    content[1], content[4] = content[4], content[1]
    return b"".join(content)


DAMAGE = {
    "nothing": (lambda raw: b"", "it breaks off"),
    "no head": (without_line(0), "does not stand here"),
    "a block less": (without_line(2), "the digest is"),
    "no end": (without_line(5), "it breaks off"),
    "another quantity": (lambda raw: raw.replace(b'"end":15', b'"end":16'), "the digest is"),
    "another sum": (lambda raw: raw.replace(b'"units":20', b'"units":21'), "does not count what stands before"),
    "another order": (swapped, "does not stand here"),
    "something behind": (lambda raw: raw + b"{}\n", "behind the end"),
    "no JSON": (lambda raw: b"GB\n" + raw, "malformed"),
    "another format": (lambda raw: raw.replace(b'"format":1', b'"format":2'), "format 2"),
    "another key": (lambda raw: raw.replace(b'"hmac":"', b'"hmac":"0'), "not written with the key"),
}


@pytest.mark.parametrize(("damage", "said"), DAMAGE.values(), ids=DAMAGE)
def test_what_is_damaged_is_refused_and_told_where(file: Path, damage: Callable[[bytes], bytes], said: str) -> None:
    file.write_bytes(damage(file.read_bytes()))
    with pytest.raises(UsageError, match=said):
        prove(file, KEY)


def test_a_file_without_a_key_is_refused_where_one_is_shared(file: Path) -> None:
    write(file, CONTENT)
    with pytest.raises(UsageError, match="not written with the key"):
        prove(file, KEY)


def test_a_unit_stands_in_one_line(file: Path) -> None:
    write(file, [HEAD, units(1, 10), units(10, 11)], KEY)
    with pytest.raises(UsageError, match="a unit stands in two lines"):
        prove(file, KEY)


def test_what_cannot_be_written_leaves_what_was_there(file: Path) -> None:
    before = file.read_bytes()
    broken: Line = msgspec.structs.replace(units(1, 1), block=replace(units(1, 1).block, place=object()))  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        write(file, [HEAD, broken])
    assert file.read_bytes() == before


@settings(max_examples=50)
@given(st.data())
def test_no_bit_can_change_unseen(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    path = tmp_path_factory.mktemp("bits") / "GB.jsonl"
    write(path, CONTENT, KEY)
    raw = bytearray(path.read_bytes())
    at = data.draw(st.integers(0, len(raw) - 2), "byte")
    raw[at] ^= 1 << data.draw(st.integers(0, 7), "bit")
    path.write_bytes(bytes(raw))
    with pytest.raises(UsageError):
        prove(path, KEY)
