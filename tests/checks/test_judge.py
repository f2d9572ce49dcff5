"""The worker's judgement: stages that stop, findings in order, units with one cause, effects of earlier proposals."""

import time
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from itl.checks import judge
from itl.checks.engine import CHECKS, Outcome
from itl.checks.flows import flows
from itl.checks.situation import message_of, view_of
from itl.codes import CANCELLATION_ACCOUNTS, REPLACEMENT_ACCOUNTS, RETIREMENT_ACCOUNTS
from itl.ledger.block import SerialRange
from itl.ledger.operations import move
from itl.ledger.snapshot import Snapshot
from itl.messages import EvaluationResult, UnitBlockIdentifier


def verdict(situation):
    return judge.proposal(message_of(situation), view_of(situation))


def codes(situation):
    return [finding.code for finding in verdict(situation).findings]


def outcome(code, of):
    return next(result.outcome for result in of.results if result.code == code)


HELD = [{"units": "GB 1-100"}]
CER = {"unit_type": 5, "project_identifier": 2241}
ERU = {"unit_type": 3, "project_identifier": 7, "track": 1}
FIRST = {"original_commit_period": 1, "applicable_commit_period": 1}
OLD_TCER = {**CER, **FIRST, "unit_type": 6, "lulucf_activity": 1, "expiry_date": date(2020, 12, 31)}
LCER = {"unit_type": 7, "project_identifier": 4, "lulucf_activity": 1, "expiry_date": date(2030, 6, 30)}
AFTER_TRUE_UP = datetime(2015, 11, 20, tzinfo=UTC)


@pytest.mark.parametrize(
    "situation",
    [
        {"proposal": {"transaction_type": 1}},
        {"proposal": {"transaction_type": 1, "blocks": [{"units": "GB 1-10", "unit_type": 2, "lulucf_activity": 3}]}},
        {
            "proposal": {
                "sender": "CDM",
                "transaction_type": 1,
                "acquiring_registry_account_type": 110,
                "blocks": [{"units": "IN 1-10", **CER}],
            }
        },
        {"held": HELD, "proposal": {"transaction_type": 3}},
        {
            "held": [{"units": "IN 1-10", "place": "CDM 110", **CER}],
            "proposal": {
                "sender": "CDM",
                "transferring_registry_account_type": 110,
                "blocks": [{"units": "IN 1-10", **CER}],
            },
        },
        {"held": HELD, "proposal": {"transaction_type": 4, "acquiring_registry_account_identifier": 2300}},
        {"held": HELD, "proposal": {"transaction_type": 5, "acquiring_registry_account_identifier": 3000}},
        {"held": HELD, "proposal": {"transaction_type": 10, "acquiring_registry_account_type": 121}},
        {
            "held": HELD,
            "proposal": {
                "transaction_type": 2,
                "acquiring_registry_account_identifier": 1001,
                "blocks": [{"units": "GB 1-100", "supp_unit_type": 0, **ERU}],
            },
        },
        {
            "held": [*HELD, {"units": "IN 1-10", **OLD_TCER, "place": "GB 300"}],
            "notices": [{"identifier": 7, "notice_type": 3, "target_value": 10, "blocks": ["IN 1-10"]}],
            "proposal": {
                "transaction_type": 6,
                "acquiring_registry_account_type": 411,
                "notification_identifier": 7,
                "blocks": [{"units": "GB 1-10"}, {"units": "IN 1-10", **OLD_TCER, "block_role": "REP"}],
            },
        },
        {
            "now": AFTER_TRUE_UP,
            "held": [{"units": "GB 1-100", **FIRST}],
            "proposal": {"transaction_type": 7, "blocks": [{"units": "GB 1-100", "original_commit_period": 1}]},
        },
        {
            "now": AFTER_TRUE_UP,
            "held": [{"units": "IN 1-10", **CER, **FIRST, "place": "GB 121"}],
            "proposal": {
                "transaction_type": 7,
                "transferring_registry_account_type": 121,
                "acquiring_registry_account_type": 121,
                "acquiring_registry_account_identifier": 1001,
                "blocks": [{"units": "IN 1-10", **CER, "original_commit_period": 1}],
            },
        },
        {
            "held": [{"units": "IN 1-10", **LCER, "place": "GB 300"}],
            "notices": [{"identifier": 7, "notice_type": 9, "project": "IN 4", "target_date": date(2040, 6, 30)}],
            "proposal": {
                "transaction_type": 8,
                "transferring_registry_account_type": 300,
                "acquiring_registry_account_type": 300,
                "notification_identifier": 7,
                "blocks": [{"units": "IN 1-10", **LCER, "expiry_date": date(2040, 6, 30)}],
            },
        },
    ],
    ids=[
        "AAU", "RMU", "CER", "transfer", "forwarding", "cancellation", "retirement", "internal transfer",
        "conversion", "replacement", "carry-over of AAU", "carry-over of CER", "expiry date change",
    ],
)  # fmt: skip
def test_a_proposal_as_real_registries_build_it_passes(situation):
    assert verdict(situation).findings == ()
    assert verdict(situation).passed
    assert verdict(situation).evaluation_results == ()


@pytest.mark.parametrize(
    ("situation", "expected"),
    [
        ({"proposal": {"transaction_type": 9, "blocks": [{"units": "XX 5-1"}]}}, [2002, 2010, 2014]),
        ({"held": HELD, "proposal": {"transferring_registry_code": "FR"}}, [2009]),
        ({"proposal": {"transaction_type": 5, "without": ["acquiring_registry_account_identifier"]}}, [4002, 5253]),
        ({"proposal": {"blocks": []}}, [4012]),
        ({"proposal": {"transaction_type": 1, "blocks": []}}, [4012]),
        (
            {"held": HELD, "proposal": {"acquiring_registry_code": "GB", "acquiring_registry_account_type": 300}},
            [4007, 5105],
        ),
        (
            {
                "held": [
                    {"units": "GB 1-10", "place": "GB 230"},
                    {"units": "GB 11-20", "place": "GB 300"},
                    {"units": "GB 21-30", "place": "FR 100"},
                    {"units": "GB 31-40", "unit_type": 2, "lulucf_activity": 3},
                ],
                "reserved": [{"units": "GB 25-35", "transaction": "FR7"}],
                "proposal": {"blocks": [{"units": "GB 1-50"}]},
            },
            [4002, 4003, 4004, 4010, 4011, 4013],
        ),
        (
            {
                "held": [
                    {"units": "IN 1-10", **LCER, "place": "GB 421"},
                    {"units": "IN 11-20", **LCER, "replaced": True},
                    {"units": "IN 21-30", **LCER, "expiry_date": date(2015, 5, 31)},
                ],
                "notices": [{"identifier": 7, "notice_type": 4, "project": "IN 4", "registry": "FR"}],
                "proposal": {"notification_identifier": 7, "blocks": [{"units": "IN 1-30", **LCER}]},
            },
            [4004, 4014, 4015, 4016, 4017],
        ),
        (
            {"held": [{"units": "IN 1-10", **OLD_TCER}], "proposal": {
                "transaction_type": 7, "blocks": [{"units": "IN 1-10", **OLD_TCER, "applicable_commit_period": 3}]}},
            [4001, 5304, 5307, 5308],
        ),
        (
            {"held": [{"units": "GB 1-10", "unit_type": 2, "lulucf_activity": 3}], "proposal": {
                "transaction_type": 2, "blocks": [{"units": "GB 1-10", **ERU, "unit_type": 4, "lulucf_activity": 6}]}},
            [5061],
        ),
        (
            {"held": [{"units": "IN 1-10", **LCER}], "proposal": {
                "transaction_type": 8, "blocks": [{"units": "IN 1-10", **LCER, "project_identifier": 5}]}},
            [4004, 5352],
        ),
        (
            {"held": [*HELD, {"units": "IN 1-10", **OLD_TCER, "replaced": True}], "proposal": {
                "transaction_type": 6, "blocks": [
                    {"units": "GB 1-9"}, {"units": "IN 1-10", **OLD_TCER, "block_role": "REP"}]}},
            [4015, 5202, 5203, 5211],
        ),
    ],
    ids=[
        "stage 4 stops stages 6 and 7", "all of stage 4 beside each other", "stages 6 and 7 together", "no block",
        "issuance of nothing", "transfer to itself into retirement", "a block whose units have several causes",
        "lCER used, replaced, expired and suspended", "a carry-over of tCER over a period",
        "what a conversion changes is not told twice", "what an expiry date change does not change",
        "a replaced unit is not replaced again",
    ],
)  # fmt: skip
def test_codes_in_order_of_precedence(situation, expected):
    assert codes(situation) == expected


def test_each_code_names_its_own_part_of_the_block():
    found = verdict(
        {
            "held": [
                {"units": "GB 1-10", "place": "GB 230"},
                {"units": "GB 11-20", "place": "GB 300"},
                {"units": "GB 21-30", "place": "FR 100"},
                {"units": "GB 31-40", "unit_type": 2, "lulucf_activity": 3},
            ],
            "proposal": {"blocks": [{"units": "GB 5-50"}]},
        }
    )

    def gb(start, end):
        return UnitBlockIdentifier(
            unit_serial_block_start=start, unit_serial_block_end=end, originating_registry_code="GB"
        )

    assert found.evaluation_results == (
        EvaluationResult(response_code=4002, unit_block_identifiers=(gb(41, 50),)),
        EvaluationResult(response_code=4003, unit_block_identifiers=(gb(21, 30),)),
        EvaluationResult(response_code=4004, unit_block_identifiers=(gb(31, 40),)),
        EvaluationResult(response_code=4011, unit_block_identifiers=(gb(5, 10),)),
        EvaluationResult(response_code=4013, unit_block_identifiers=(gb(11, 20),)),
    )


def test_a_code_without_a_guilty_block_names_none():
    result = verdict({"proposal": {"blocks": []}}).evaluation_results
    assert result == (EvaluationResult(response_code=4012, unit_block_identifiers=None),)


def test_results_tell_passed_failed_skipped_and_not_applicable_apart():
    stopped = verdict({"proposal": {"transaction_type": 5, "blocks": [{"units": "XX 1-10"}]}})
    assert outcome(2010, stopped) is Outcome.FAILED
    assert outcome(2011, stopped) is Outcome.PASSED
    assert outcome(2003, stopped) is Outcome.NOT_APPLICABLE
    assert outcome(4002, stopped) is Outcome.SKIPPED
    assert outcome(5252, stopped) is Outcome.SKIPPED
    assert outcome(5153, stopped) is Outcome.NOT_APPLICABLE
    assert not stopped.passed
    judged = verdict({"held": HELD, "proposal": {"transaction_type": 4}})
    assert outcome(5151, judged) is Outcome.NOT_APPLICABLE
    assert outcome(5153, judged) is Outcome.PASSED
    assert len({result.code for result in judged.results}) == len(judged.results)
    assert [result.code for result in judged.results] == [result.code for result in stopped.results]


@pytest.mark.parametrize(
    ("limits", "expected"),
    [
        ({}, Outcome.FAILED),
        ({"periods": {2}}, Outcome.FAILED),
        ({"periods": {1, 3}}, Outcome.NOT_IN_EFFECT),
        ({"versions": {(1, 1)}}, Outcome.FAILED),
        ({"versions": {(2, 0)}}, Outcome.NOT_IN_EFFECT),
        ({"transaction_types": {5}, "periods": {1}}, Outcome.NOT_APPLICABLE),
    ],
    ids=["always", "this period", "other periods", "this version", "a later version", "another type"],
)
def test_a_row_limits_its_check_to_types_periods_and_versions(monkeypatch, limits, expected):
    check = CHECKS[4007]
    limits = {name: frozenset(values) for name, values in limits.items()}
    monkeypatch.setitem(CHECKS, 4007, replace(check, row=replace(check.row, **limits)))
    situation = {"proposal": {"transaction_type": 3, "acquiring_registry_code": "GB"}}
    assert judge.one(4007, message_of(situation), view_of(situation)).outcome is expected


def test_a_check_whose_limit_is_not_recorded_is_not_in_effect():
    judged = verdict({"held": [{"units": "IN 1-10", **LCER}], "proposal": {"blocks": [{"units": "IN 1-10", **LCER}]}})
    assert outcome(5106, judged) is Outcome.NOT_IN_EFFECT
    assert outcome(5104, judged) is Outcome.PASSED
    assert outcome(5107, judged) is Outcome.NOT_APPLICABLE


@pytest.mark.parametrize("transaction_type", [1, 2, 3, 4, 5, 6, 7, 8, 10])
def test_a_type_asks_the_checks_of_its_own_row(transaction_type):
    judged = verdict({"held": HELD, "proposal": {"transaction_type": transaction_type}})
    for result in judged.results:
        types = CHECKS[result.code].row.transaction_types
        if types and transaction_type not in types:
            assert result.outcome is Outcome.NOT_APPLICABLE
        else:
            assert result.outcome is not Outcome.SKIPPED
    own = [code for code in CHECKS if code >= 5000 and CHECKS[code].row.transaction_types == {transaction_type}]
    assert len(own) >= 2
    assert all(CHECKS[code].row.transaction_types for code in CHECKS if 5000 <= code < 6000)


def test_in_a_batch_a_proposal_sees_what_the_earlier_ones_did():
    first = {"held": HELD, "proposal": {"transaction_identifier": "GB1", "blocks": [{"units": "GB 1-60"}]}}
    second = message_of({"proposal": {"transaction_identifier": "GB2", "blocks": [{"units": "GB 51-100"}]}})
    view = view_of(first)
    units = view.units
    assert isinstance(units, Snapshot)
    assert judge.proposal(message_of(first), view).passed
    wanted = [SerialRange("GB", 1, 60)]
    units.reserve(wanted, "GB1")
    assert [finding.code for finding in judge.proposal(second, view).findings] == [4010]
    units.release("GB1")
    assert judge.proposal(second, view).passed
    place = next(iter(units.held(wanted[0]))).place
    units.apply([move(units.rows(wanted), wanted, type(place)("FR", 100, 7))])
    found = judge.proposal(second, view).findings
    assert [(finding.code, len(finding.blocks)) for finding in found] == [(4003, 1)]


def test_in_a_batch_two_proposals_do_not_pass_one_limit_together():
    situation = {
        "party_periods": [{"party": "GB", "period": 2, "assigned_amount": 1000}],
        "proposal": {"transaction_type": 1, "blocks": [{"units": "GB 1-600"}]},
    }
    first = message_of(situation)
    second = message_of({"proposal": {"transaction_type": 1, "blocks": [{"units": "GB 601-1001"}]}})
    view = view_of(situation)
    assert judge.proposal(second, view).passed
    assert judge.proposal(first, view).passed
    added = flows(first.proposed_transaction)
    view.totals.open(added)
    assert [finding.code for finding in judge.proposal(second, view).findings] == [5008]
    view.totals.complete(added)
    assert [finding.code for finding in judge.proposal(second, view).findings] == [5008]


@given(st.integers(0, 50), st.integers(0, 50), st.integers(0, 50), st.lists(st.integers(1, 30), min_size=1, max_size=4))
def test_a_limit_is_kept_to_the_unit(limit, completed, open_, sizes):
    blocks, start = [], 1
    for size in sizes:
        blocks.append({"units": f"GB {start}-{start + size - 1}"})
        start += size
    result = judge.one(
        5008,
        message_of({"proposal": {"transaction_type": 1, "blocks": blocks}}),
        view_of(
            {
                "party_periods": [{"party": "GB", "period": 2, "assigned_amount": limit}],
                "totals": [
                    {"kind": "issued", "subject": "GB", "period": 2, "detail": 1, "completed": completed, "open": open_}
                ],
            }
        ),
    )
    assert (result.outcome is Outcome.FAILED) == (completed + open_ + sum(sizes) > limit)
    assert len(result.blocks) == (len(blocks) if result.outcome is Outcome.FAILED else 0)


PLACES = ["GB 100", "GB 121", "FR 100", "GB 230", "FR 250", "GB 300", "GB 411", "FR 423"]
part = st.tuples(st.integers(0, 3), st.integers(1, 6), st.sampled_from(PLACES), st.sampled_from([1, 2]))


@given(st.lists(part, max_size=8), st.tuples(st.integers(1, 40), st.integers(1, 40)).map(sorted))
def test_every_unit_has_at_most_one_cause_and_the_right_one(parts, wanted):
    held, expected, serial = [], {}, 1
    for gap, length, place, unit_type in parts:
        start = serial + gap
        serial = start + length
        held.append({"units": f"GB {start}-{serial - 1}", "place": place, "unit_type": unit_type})
        account = place.split()[1]
        for unit in range(start, serial):
            if int(account) in CANCELLATION_ACCOUNTS:
                expected[unit] = 4011
            elif int(account) in RETIREMENT_ACCOUNTS:
                expected[unit] = 4013
            elif int(account) in REPLACEMENT_ACCOUNTS:
                expected[unit] = 4014
            elif place != "GB 100":
                expected[unit] = 4003
            else:
                expected[unit] = 4004 if unit_type != 1 else None
    start, end = wanted
    proposal = {"blocks": [{"units": f"GB {start}-{end}"}]}
    found = {}
    for finding in verdict({"held": held, "proposal": proposal}).findings:
        ends = []
        for block in finding.blocks:
            for unit in range(block.unit_serial_block_start, block.unit_serial_block_end + 1):
                assert unit not in found
                found[unit] = finding.code
            assert block.unit_serial_block_start - 1 not in ends, "adjacent parts of one block are one"
            ends.append(block.unit_serial_block_end)
    due = {unit: expected.get(unit, 4002) for unit in range(start, end + 1)}
    assert found == {unit: code for unit, code in due.items() if code is not None}


def seconds(situation):
    message, view, best = message_of(situation), view_of(situation), float("inf")
    for _ in range(5):
        start = time.process_time()
        judge.proposal(message, view)
        best = min(best, time.process_time() - start)
    return best


EACH_TYPE = {
    "issuance": {"transaction_type": 1},
    "conversion": {"transaction_type": 2, **ERU},
    "transfer": {"transaction_type": 3},
    "transfer of lCER": {"transaction_type": 3, **LCER},
    "cancellation": {"transaction_type": 4},
    "retirement of lCER": {"transaction_type": 5, **LCER},
    "replacement": {"transaction_type": 6, "acquiring_registry_account_type": 422, **LCER},
    "carry-over": {"transaction_type": 7},
    "expiry date change": {"transaction_type": 8, **LCER},
    "internal transfer": {"transaction_type": 10},
}


@pytest.mark.parametrize(
    ("case", "place"),
    [*((case, "GB 100") for case in EACH_TYPE.values()), (EACH_TYPE["cancellation"], "FR 100")],
    ids=[*EACH_TYPE, "all held by another"],
)
def test_ten_times_the_blocks_take_not_much_more_than_ten_times_as_long(case, place):
    head = {key: value for key, value in case.items() if key.startswith(("transaction", "acquiring"))}
    units = {key: value for key, value in case.items() if key not in head}
    roles = [{}, {"block_role": "REP"}] if head["transaction_type"] == 6 else [{}]

    def situation(count):
        ranges = [(10 * n + 1, 10 * n + 10, roles[n % len(roles)]) for n in range(count)]
        listed = [f"GB {start + 1}-{end - 1}" for start, end, _ in ranges]
        return {
            "base_year_emissions": {"FR": 10**9, "GB": 10**9},
            "held": [{"units": f"GB {start}-{end}", "place": place, **units} for start, end, _ in ranges],
            "notices": [
                {"identifier": 7, "notice_type": 4, "project": "GB 4", "target_value": 10**9, "blocks": listed},
                *({"identifier": n, "notice_type": 5, "project": f"GB {n}"} for n in range(100, 400)),
            ],
            "proposal": {
                **head,
                **({"notification_identifier": 7} if head["transaction_type"] in (4, 6) else {}),
                "blocks": [{"units": f"GB {start + 1}-{end - 1}", **units, **role} for start, end, role in ranges],
            },
        }

    assert seconds(situation(3000)) < 40 * seconds(situation(300))


@pytest.mark.parametrize(
    "serials",
    [lambda n: (n, n + 5000), lambda n: (10 * (n // 2), 10 * (n // 2) + 5), lambda n: (n, 2 * n), lambda n: (1, 10**9)],
    ids=["each into thousands", "in pairs", "longer and longer", "all the same"],
)
def test_overlapping_blocks_do_not_multiply_the_work(serials):
    def situation(count):
        blocks = [{"units": "GB {}-{}".format(*serials(n))} for n in range(10, count + 10)]
        return {"proposal": {"blocks": [*blocks, {"units": "GB 1-999999999"}]}}

    many = seconds(situation(3000))
    assert many < 0.2
    assert many < 40 * seconds(situation(300))
