"""Registries on gSOAP: proxy and service made of our WSDL by wsdl2h and soapcpp2, compiled with the programs here."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from fcntl import LOCK_EX, flock
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from itl.wire.contract import EVERY_OPERATION, Operation, wsdl_file
from tests.interop.foreign import Call, Identity, Outcome, Registry, lacking, run, running, words
from tests.interop.plain import plain, read

SOURCES = Path(__file__).parent
SHARED = Path("/usr/share/gsoap")  # what Debian's gsoap has beside its programs
WSDL = ("transactionlog.wsdl", "registry.wsdl", "common.wsdl", "soap-encoding.xsd")
PROGRAMS = ("g++", "soapcpp2", "wsdl2h")
HEADERS = ("stdsoap2.h", "openssl/ssl.h")
INSTALL = "apt-get install gsoap libgsoap-dev libssl-dev g++"


@dataclass(frozen=True, slots=True)
class Gsoap:
    """gSOAP with what was built of our WSDL: `directory` holds the two programs."""

    version: str
    directory: Path

    def call(self, endpoint: str, identity: Identity, calls: Sequence[Call], *, shared: bool) -> list[Outcome]:
        """What a registry reads back for `calls`; `shared` has one object for equal ones, which gSOAP refers to."""
        given = [
            f"{call['operation']}\t{plain(_contract(call).request_plan, call['request'], shared=shared)}\n"
            for call in calls
        ]
        lines = run(self.directory / "client", endpoint, *words(identity), given="".join(given)).splitlines()
        return [_outcome(call["operation"], *line.split("\t")) for call, line in zip(calls, lines, strict=True)]

    @contextmanager
    def registry(self, directory: Path) -> Iterator[Registry]:
        """A registry on gSOAP's own server."""
        with running([self.directory / "endpoint"], directory) as url:
            yield _Registry(f"{url}/RegistryPort", directory)


class _Registry(Registry):
    """The files of a registry that reads and writes plain XML, not JSON."""

    def answer(self, answers: dict[str, Any]) -> None:
        for operation, contract in EVERY_OPERATION.items():
            answer = answers.get(operation)
            if answer is None:
                (self.directory / operation).unlink(missing_ok=True)
                continue
            text = f"fault\t{answer['fault']}" if "fault" in answer else plain(contract.response_plan, answer)
            (self.directory / operation).write_text(text, encoding="utf-8")

    def received(self) -> list[Call]:
        file = self.directory / "received"
        lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
        calls = (line.split("\t") for line in lines)
        return [
            {"operation": operation, "request": read(EVERY_OPERATION[operation].request_plan, text)}
            for operation, text in calls
        ]


def _contract(call: Call) -> Operation:
    return EVERY_OPERATION[call["operation"]]


def _outcome(operation: str, kind: str, *said: str) -> Outcome:
    if kind == "fault":
        return {"fault": dict(zip(("code", "string", "detail"), said, strict=True))}
    return {"reply": read(EVERY_OPERATION[operation].response_plan, said[0])}


def find() -> str:
    """The version of gSOAP; skip or fail unless all of it is here."""
    if not all(map(shutil.which, PROGRAMS)) or not all(Path("/usr/include", header).exists() for header in HEADERS):
        lacking("gSOAP with a C++ compiler", INSTALL)
    return f"gSOAP {run('soapcpp2', '-V').strip()}"


def key(version: str) -> str:
    """What names the programs that are built: another if our WSDL, the programs here or gSOAP are others."""
    parts = [version.encode(), *map(wsdl_file, WSDL), *(file.read_bytes() for file in sorted(SOURCES.glob("*.*")))]
    return hashlib.sha256(b"\0".join(parts)).hexdigest()[:16]


def build(version: str, transaction_log_wsdl: str, registry_wsdl: str, kept: Path) -> Gsoap:
    """Have gSOAP read both WSDL documents from their URLs; compile what it makes and the programs here into `kept`.

    That takes seconds, so what is there already is left as it is, and one process at a time does it.
    """
    with Path(kept.parent, "lock").open("w") as lock:
        flock(lock, LOCK_EX)
        if not kept.exists():
            with TemporaryDirectory(dir=kept.parent) as working:
                _compile("client", transaction_log_wsdl, "-C", Path(working))
                _compile("endpoint", registry_wsdl, "-S", Path(working))
                Path(working, "built").rename(kept)
    return Gsoap(version, kept)


def _compile(program: str, wsdl: str, side: str, working: Path) -> None:
    built, generated = working / "built", working / program
    built.mkdir(exist_ok=True)
    generated.mkdir()
    header = generated / "interface.h"
    run("wsdl2h", "-t", SOURCES / "typemap.dat", "-o", header, wsdl)
    run("soapcpp2", "-j", "-x", side, "-I", SHARED, "-d", generated, header)
    run(
        "g++",
        "-DWITH_PURE_VIRTUAL",
        "-DWITH_OPENSSL",
        *("-I", generated, "-I", SHARED),
        *(SOURCES / f"{program}.cpp", *generated.glob("*.cpp"), SHARED / "custom" / "struct_timeval.c"),
        *("-lgsoapssl++", "-lssl", "-lcrypto", "-o", built / program),
    )
