"""Random walks of registries, the transaction log and two supplementary logs over a network that loses, doubles and
delays messages, while processes die at any commit: when it is whole again, all of them agree. Always.
"""

from __future__ import annotations

import os
from collections import Counter
from datetime import timedelta
from random import Random

import pytest
import sqlalchemy as sa

from itl.store import tables as t
from itl.supplement import book
from itl.supplement.scheme import Member
from tests.databases import FreshDatabase
from tests.hub.world import CANCELLATION, EXTERNAL, INTERNAL, ISSUANCE, RETIREMENT, proposal, units
from tests.supplement.network import SCHEMES, TEMPLATES, Fate, Network, RegistryAtWork
from tests.supplement.world import SOURCE

SEEDS = range(int(os.environ.get("AGREEMENT_SEEDS", "3")))
STEPS = 120
FATES = (Fate.ARRIVES, Fate.REACHES_NOBODY, Fate.LOSES_ANSWER, Fate.ARRIVES_TWICE, Fate.COMES_AGAIN_LATER)
TO = {ISSUANCE: 100, EXTERNAL: 100, INTERNAL: 121, CANCELLATION: 230, RETIREMENT: 300}


class Walk:
    """One walk; every choice is drawn from the seed."""

    def __init__(self, network: Network, seed: int) -> None:
        self.network, self.random = network, Random(seed)
        self.number = self.serial = 0
        for code in ("GB", "FR", "JP", "GB"):
            self.number += 1
            self.issue(network[code], f"{code}{self.number}")
        network.settle()
        self.faulty = 0.3
        network.fate = self._fate
        self.done = Counter[str]()

    def _fate(self, _to: str) -> Fate:
        return self.random.choice(FATES) if self.random.random() < self.faulty else Fate.ARRIVES

    def step(self) -> None:
        steps = (
            (self.propose, 6),
            (self.say, 8),
            (self.work, 8),
            (self.reconcile, 8),
            (self.begin_reconciliation, 1),
            (self.deliver, 8),
            (self.wait, 2),
            (self.come_late, 2),
            (self.die, 2),
            (self.change_minds, 2),
        )
        step = self.random.choices([each for each, _ in steps], [weight for _, weight in steps])[0]
        self.done[step.__name__] += 1
        step()

    def propose(self) -> None:
        registry = self.network[self.random.choice(["GB", "GB", "FR", "JP"])]
        self.number += 1
        identifier = f"{registry.code}{self.number}"
        held = sorted(unit for unit, account_type in registry.units.items() if account_type == 100)
        if not held or self.random.random() < 0.1:
            self.issue(registry, identifier)
            return
        kind = self.random.choice([EXTERNAL, EXTERNAL, EXTERNAL, INTERNAL, CANCELLATION, RETIREMENT])
        origin, start = self.random.choice(held)
        end = start
        while end < start + 8 and (origin, end + 1) in held:
            end += 1
        to = self.random.choice([code for code in ("GB", "FR", "JP") if code != registry.code])
        registry.propose(
            proposal(
                registry.code,
                identifier,
                kind,
                units(start, end, origin),
                to=to if kind == EXTERNAL else None,
                accounts=(100, TO[kind]),
            )
        )

    def issue(self, registry: RegistryAtWork, identifier: str) -> None:
        self.serial += 20
        block = units(self.serial - 19, self.serial, registry.code)
        registry.propose(proposal(registry.code, identifier, ISSUANCE, block, accounts=(100, 100)))

    def say(self) -> None:
        waiting = [registry for registry in self.network.registries.values() if registry.to_say]
        if waiting:
            self.random.choice(waiting).say_next()

    def work(self) -> None:
        self.network.work(self._log())

    def reconcile(self) -> None:
        self.network.reconcile(self._log())

    def begin_reconciliation(self) -> None:
        """With a member, where none is running; nobody dies of it."""
        self.network.begin_reconciliation(self.random.choice(["GB", "FR", "JP"]))

    def deliver(self) -> None:
        self.network.deliver(self._log())

    def wait(self) -> None:
        self.network.clock.advance(timedelta(minutes=self.random.choice([0, 1, 20, 20, 700])))

    def come_late(self) -> None:
        if self.network.late:
            self.network.come_late(self.random.randrange(len(self.network.late)))

    def die(self) -> None:
        log = self.network.logs[self._log()]
        if self.random.random() < 0.3:
            log.restart()
        else:
            log.kill_next = True

    def change_minds(self) -> None:
        """An acquirer accepts or rejects; a scheme lets a member acquire, or not."""
        for registry in self.network.registries.values():
            registry.accepts = self.random.random() < 0.6
        code = self.random.choice(sorted(SCHEMES))
        member = Member(self.random.choice(SCHEMES[code]), may_accept=self.random.random() < 0.5)
        database = self.network.logs[code].hub.database
        with database.engine.begin() as connection:
            book.put_member(connection, member, SOURCE)

    def _log(self) -> str:
        return self.random.choice(["ITL", "ITL", *SCHEMES])


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
def test_all_agree_when_the_network_is_whole_again(engine: str, seed: int, fresh_database: FreshDatabase) -> None:
    urls = {code: fresh_database(engine, template) for code, template in TEMPLATES.items()}
    with Network.on(urls) as network:
        walk = Walk(network, seed)
        for _ in range(STEPS):
            walk.step()
        network.heal()
        assert network.disagreements() == []
        network.later(timedelta(hours=30))
        assert network.disagreements() == []
        for _ in range(2):  # the first may still have found what was late
            for code in ("GB", "FR", "JP"):
                network.begin_reconciliation(code)
            for _ in range(20):
                network.later(timedelta(minutes=20))
        check_reconciliations(network)
        ended = Counter(network.log.statuses().values())
        assert ended[4] >= 3, "something was carried out"
        assert not set(ended) & {1, 2, 9}
        assert {code: found for code, each in network.logs.items() if (found := each.audited())} == {}


def check_reconciliations(network: Network) -> None:
    """All came to an end, the last of each registry with everybody agreeing, and nothing is kept from transactions."""
    rows, parts = t.reconciliations.c, t.reconciliation_supplements.c
    every = network.log.rows(sa.select(t.reconciliations).order_by(rows.id))
    last = {each.registry: each for each in every}
    assert {code: each.outcome for code, each in last.items()} == dict.fromkeys(("GB", "FR", "JP"), "consistent")
    assert [each.identifier for each in every if each.ended_at is None] == []
    taking_part = network.log.rows(sa.select(t.reconciliation_supplements))
    assert [each for each in taking_part if each.step != "ended"] == []
    final = [each.id for each in last.values()]
    of_last = network.log.rows(sa.select(parts.outcome).where(parts.reconciliation_id.in_(final)))
    assert [each.outcome for each in of_last] == ["consistent"] * 3
    for log in network.logs.values():
        assert log.rows(sa.select(t.inconsistencies).where(t.inconsistencies.c.closed_at.is_(None))) == []
    assert network.log.rows(sa.select(t.reconciliation_answers)) == []
    for code in network.registries:
        twice = [each for each, times in Counter(network.questions(code)).items() if times > 1]
        assert twice == [], f"{code} was asked or told twice"
