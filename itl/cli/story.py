"""`itl story` (`make run`): a day between registries, told as it happens, over real HTTP."""

from __future__ import annotations

import tempfile
import threading
from argparse import Namespace
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from itl.checks.catalogue import catalogue
from itl.cli.command import Subparsers, add, complain, end_on_signals, say, settings_of
from itl.cli.figures import table
from itl.cli.sandbox import Sandbox, sandbox
from itl.cli.serving import web_arguments
from itl.codes import SHARE_OF_PROCEEDS_ACCOUNT, SYMBOLS, TransactionType, UnitType
from itl.messages import ProposalTransaction, TransactionUnitBlock
from itl.roles import roles
from itl.store.holdings import COLUMNS, Holding, as_row, held_by, holdings
from itl.store.visible import story
from registry_client.identifiers import SerialRange
from registry_client.registry import Registry
from registry_client.transactions import Event, State
from registry_client.units import Account, Wanted

PATIENCE = 30.0
"""How long one exchange may take, in seconds; they take some hundredths."""

PARTY_ACCOUNT = Account(100, 1001)
FR_PERSON = Account(121, 2001)


def register(commands: Subparsers) -> None:
    parser = add(
        commands,
        "story",
        run,
        "Run the sandbox with its registries and drive a story through it. All five types of transaction, refusals "
        "included, over real HTTP; then it keeps serving.",
    )
    web_arguments(parser)
    parser.add_argument("--once", action="store_true", help="end after the story: exit code 0 if all went as it should")


@dataclass(frozen=True, slots=True)
class Scene:
    """One exchange: what happens, who starts it, and how it has to end."""

    title: str
    registry: str
    act: Callable[[Registry], str]
    """Proposes; returns the transaction's identifier."""
    ends: State
    codes: tuple[int, ...] = ()
    in_log: tuple[int, ...] = ()
    """Where the transaction has to stand in the log; nothing where the log must not know it."""


def run(arguments: Namespace) -> int:
    end_on_signals()
    settings = settings_of(arguments)
    with tempfile.TemporaryDirectory(prefix="itl-story-") as folder:
        if arguments.database is None:
            settings = replace(settings, database=f"sqlite:///{folder}/itl.db")
        if arguments.once and arguments.port is None:
            settings = replace(settings, port=0)
        with sandbox(settings, Path(folder) / "registries") as running:
            for line in running.describe():
                say(line)
            wrong = tell(running, Path(folder))
            if arguments.once:
                return 1 if wrong else 0
            say()
            say("The sandbox keeps serving; Ctrl-C ends it.")
            for line in running.describe():
                say(line)
            try:
                threading.Event().wait()
            except KeyboardInterrupt:
                say("closing")
    return 1 if wrong else 0


def tell(running: Sandbox, folder: Path) -> list[str]:
    """Play all scenes, and those of roles that are installed; returns what did not end as it should."""
    registries = {code: each.registry for code, each in running.registries.items()}
    for registry in registries.values():
        registry.on_event(_narrator(registry.code))
    registries["FR"].open_account(FR_PERSON.account_type, identifier=FR_PERSON.identifier)
    wrong = [fault for scene in SCENES for fault in play(scene, running, registries)]
    with running.hub.database.read() as connection:
        found = holdings(connection)
    say()
    say("Holdings of the log, by originating registry, unit and original commitment period:")
    for line in table([COLUMNS, *(as_row(holding) for holding in found)]):
        say(f"  {line}")
    if found != EXPECTED:
        wrong.append(f"the holdings should be {EXPECTED}")
    for role in roles().values():
        wrong += role.tell(running, folder / role.name)
    wrong += _differences(running, registries)
    say()
    if wrong:
        complain("The story went wrong:")
        for fault in wrong:
            complain(f"  {fault}")
    else:
        say("Every exchange ended as it should, and log and registries hold the same units.")
    return wrong


def play(scene: Scene, running: Sandbox, registries: dict[str, Registry]) -> list[str]:
    """Play one scene; returns what did not end as it should."""
    say()
    say(f"== {scene.title}")
    registry = registries[scene.registry]
    identifier = scene.act(registry)
    try:
        ended = registry.wait(identifier, PATIENCE)
        acquirer = ended.proposal.acquiring_registry_code
        if scene.ends is State.COMPLETED and acquirer != registry.code:
            registries[acquirer].wait(identifier, PATIENCE)
    except TimeoutError as late:
        return [str(late)]
    for answer in ended.answers:
        units = ", ".join(f"{each.originating_registry} {each.start:,} to {each.end:,}" for each in answer.blocks)
        title = catalogue()[answer.code].title
        say(f"   {answer.code} {title}{f': {units}' if units else ''}")
    wrong = []
    if (ended.state, ended.codes) != (scene.ends, scene.codes):
        wrong.append(f"{identifier} ended {ended.state} {ended.codes}, not {scene.ends} {scene.codes}")
    with running.hub.database.read() as connection:
        found = story(connection, identifier)
    statuses = [each.status for each in found]
    if statuses != list(scene.in_log):
        wrong.append(f"{identifier} stands at {statuses} in the log, not at {list(scene.in_log)}")
    return wrong


def _narrator(code: str) -> Callable[[Event], None]:
    def narrate(event: Event) -> None:
        subject = f"{event.transaction}: " if event.transaction else ""
        say(f"   {event.at:%H:%M:%S.%f}"[:-3] + f"  {code:<4} {subject}{event.text}")

    return narrate


def _differences(running: Sandbox, registries: dict[str, Registry]) -> list[str]:
    """Where a registry's own books differ from the log's, by registry, account type and unit type."""
    with running.hub.database.read() as connection:
        log = held_by(connection)
    books: Counter[tuple[str, int, int]] = Counter()
    for code, registry in registries.items():
        for holding in registry.holdings():
            books[code, holding.account.account_type, holding.unit_type] += holding.quantity
    return [
        f"{place[0]}, account type {place[1]}, {SYMBOLS[place[2]]}: {log[place]:,} in the log, {books[place]:,} there"
        for place in sorted(books.keys() | log.keys())
        if books[place] != log[place]
    ]


def _proposal(
    registry: Registry, transaction_type: TransactionType, to: tuple[str, Account], units: SerialRange
) -> str:
    """Proposes AAU as they are not: for what a registry's own books would not let out."""
    acquirer, account = to
    return registry.propose(
        ProposalTransaction(
            transaction_identifier=registry.next_identifier(),
            transaction_type=int(transaction_type),
            transferring_registry_code=registry.code,
            transferring_registry_account_type=PARTY_ACCOUNT.account_type,
            transferring_registry_account_identifier=PARTY_ACCOUNT.identifier,
            acquiring_registry_code=acquirer,
            acquiring_registry_account_type=account.account_type,
            acquiring_registry_account_identifier=account.identifier,
            proposal_unit_blocks=(
                TransactionUnitBlock(
                    unit_serial_block_start=units.start,
                    unit_serial_block_end=units.end,
                    originating_registry_code=units.originating_registry,
                    unit_type=int(UnitType.AAU),
                    original_commit_period=2,
                    applicable_commit_period=2,
                ),
            ),
        )
    )


def _serials(originating: str, start: int, end: int) -> Sequence[SerialRange]:
    return [SerialRange(originating, start, end)]


SCENES = (
    Scene(
        "GB issues 1,000 AAU",
        "GB",
        lambda gb: gb.issue(UnitType.AAU, 1000, period=2, start=1),
        State.COMPLETED,
        in_log=(4,),
    ),
    Scene(
        "GB issues units with the same serials once more, and is refused",
        "GB",
        lambda gb: _proposal(gb, TransactionType.ISSUANCE, ("GB", PARTY_ACCOUNT), SerialRange("GB", 901, 1100)),
        State.TERMINATED,
        (5010,),
        in_log=(5,),
    ),
    Scene(
        "The CDM registry issues 500 CER of a project in India",
        "CDM",
        lambda cdm: cdm.issue(UnitType.CER, 500, period=2, originating="IN", project=1, start=1),
        State.COMPLETED,
        in_log=(4,),
    ),
    Scene(
        "GB transfers 300 AAU to FR, and is refused, since it has not paid its share of proceeds",
        "GB",
        lambda gb: gb.transfer(_serials("GB", 1, 300), "FR", PARTY_ACCOUNT),
        State.TERMINATED,
        (5107,),
        in_log=(5,),
    ),
    Scene(
        "GB transfers 20 AAU to the Adaptation Fund, which lets 49 times as many leave",
        "GB",
        lambda gb: gb.transfer(_serials("GB", 981, 1000), "CDM", Account(*SHARE_OF_PROCEEDS_ACCOUNT)),
        State.COMPLETED,
        in_log=(4,),
    ),
    Scene(
        "GB transfers 300 AAU to FR, which accepts",
        "GB",
        lambda gb: gb.transfer(_serials("GB", 1, 300), "FR", PARTY_ACCOUNT),
        State.COMPLETED,
        in_log=(4,),
    ),
    Scene(
        "GB transfers 50 AAU to an account that JP does not have; JP rejects, the units stay",
        "GB",
        lambda gb: gb.transfer(_serials("GB", 301, 350), "JP", Account(100, 9999)),
        State.TERMINATED,
        (5902,),
        in_log=(5,),
    ),
    Scene(
        "GB names a registry that is not enrolled; the log refuses at the door",
        "GB",
        lambda gb: gb.transfer(_serials("GB", 301, 350), "XX", PARTY_ACCOUNT),
        State.REFUSED,
        (1502,),
    ),
    Scene(
        "The CDM registry forwards 200 CER to FR",
        "CDM",
        lambda cdm: cdm.transfer(Wanted(quantity=200, unit_type=UnitType.CER), "FR", PARTY_ACCOUNT),
        State.COMPLETED,
        in_log=(4,),
    ),
    Scene(
        "FR moves 100 AAU to a person's account",
        "FR",
        lambda fr: fr.move(_serials("GB", 1, 100), FR_PERSON),
        State.COMPLETED,
        in_log=(4,),
    ),
    Scene(
        "FR cancels units that GB holds, and is refused with the units that are not its own",
        "FR",
        lambda fr: _proposal(fr, TransactionType.CANCELLATION, ("FR", Account(230, 3001)), SerialRange("GB", 251, 400)),
        State.TERMINATED,
        (4003,),
        in_log=(5,),
    ),
    Scene(
        "FR cancels 30 CER voluntarily",
        "FR",
        lambda fr: fr.cancel(Wanted(quantity=30, unit_type=UnitType.CER)),
        State.COMPLETED,
        in_log=(4,),
    ),
    Scene(
        "GB retires 400 AAU",
        "GB",
        lambda gb: gb.retire(_serials("GB", 581, 980)),
        State.COMPLETED,
        in_log=(4,),
    ),
    Scene(
        "GB transfers units that it has retired, and is refused",
        "GB",
        lambda gb: _proposal(gb, TransactionType.EXTERNAL_TRANSFER, ("FR", PARTY_ACCOUNT), SerialRange("GB", 551, 700)),
        State.TERMINATED,
        (4013,),
        in_log=(5,),
    ),
)

EXPECTED = [
    Holding("GB", "AAU", 2, issued=1000, held=600, retired=400),
    Holding("IN", "CER", 2, issued=500, held=470, cancelled=30),
]
