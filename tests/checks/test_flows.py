"""What a transaction of each type adds to the running totals, and what a verdict on it rests on."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from itl.checks.flows import flows, wanted
from itl.checks.situation import message_of
from itl.codes import TransactionType
from itl.ledger.totals import STOCKS, TotalKey, TotalKind

CER = {"unit_type": 5, "project_identifier": 4}
TCER = {**CER, "unit_type": 6, "lulucf_activity": 1}
ERU = {"unit_type": 3, "project_identifier": 7, "track": 1}
TO_PROCEEDS = {
    "acquiring_registry_code": "CDM",
    "acquiring_registry_account_type": 100,
    "acquiring_registry_account_identifier": 1100,
}
FIRST = {"original_commit_period": 1, "applicable_commit_period": 1}


def transaction(proposal):
    return message_of({"proposal": proposal}).proposed_transaction


def written(key):
    return " ".join(str(part) for part in (key.kind.value, key.subject, key.period, key.detail) if part)


@pytest.mark.parametrize(
    ("proposal", "expected"),
    [
        ({"transaction_type": 1}, {"issued GB 2 1": 100}),
        (
            {"transaction_type": 1, "blocks": [
                {"units": "GB 1-10", "unit_type": 2, "lulucf_activity": 3},
                {"units": "GB 11-15", "unit_type": 2, "lulucf_activity": 1},
                {"units": "GB 16-20", "unit_type": 2, "lulucf_activity": 3},
            ]},
            {"issued GB 2 2": 20, "RMU issued GB 2 3": 15, "RMU issued GB 2 1": 5},
        ),
        (
            {"transaction_type": 1, "sender": "CDM", "blocks": [{"units": "IN 1-10", **CER, **FIRST}]},
            {"issued CDM 1 5": 10, "project issued IN/4 1 5": 10},
        ),
        (
            {"transaction_type": 2, "blocks": [{"units": "GB 1-10", **ERU}, {"units": "GB 11-20", **ERU, "track": 2}]},
            {"project converted GB/7 2 3": 10},
        ),
        (
            {"transaction_type": 3},
            {"leaving GB 2": 100, "AAU left GB 2": 100},
        ),
        ({"transaction_type": 3, **TO_PROCEEDS}, {"leaving GB 2": 100, "AAU to share of proceeds GB 2": 100}),
        (
            {"transaction_type": 3, **TO_PROCEEDS, "blocks": [{"units": "GB 1-10", **ERU}]},
            {"leaving GB 2": 10, "ERU to share of proceeds GB 2": 10},
        ),
        (
            {"transaction_type": 3, **TO_PROCEEDS, "acquiring_registry_account_identifier": 1101},
            {"leaving GB 2": 100, "AAU left GB 2": 100},
        ),
        (
            {"transaction_type": 3, "blocks": [{"units": "GB 1-10", **ERU}, {"units": "FR 1-5", **ERU},
                                               {"units": "FR 6-7"}]},
            {"leaving GB 2": 17, "ERU left GB 2": 10},
        ),
        (
            {"transaction_type": 3, "blocks": [{"units": "GB 1-10", "original_commit_period": 1}],
             "acquiring_registry_account_type": 130},
            {"leaving GB 2": 10, "surplus acquired FR 2": 10},
        ),
        (
            {"transaction_type": 3, "blocks": [{"units": "IN 1-10", **TCER}, {"units": "IN 11-12", **CER}]},
            {"leaving GB 2": 12, "LULUCF acquired FR 2": 10, "LULUCF passed on GB 2": 10},
        ),
        ({"transaction_type": 4}, {}),
        ({"transaction_type": 4, "notification_identifier": 9}, {"notice 9": 100}),
        (
            {"transaction_type": 5, "blocks": [{"units": "IN 1-10", **TCER}, {"units": "GB 1-5"}]},
            {"LULUCF retired GB 2": 10},
        ),
        (
            {"transaction_type": 6, "notification_identifier": 9,
             "blocks": [{"units": "GB 1-10"}, {"units": "IN 1-8", **TCER, "block_role": "REP"}]},
            {"notice 9": 8},
        ),
        ({"transaction_type": 7, "blocks": [{"units": "IN 1-10", **CER}]}, {"carried over GB 1 5": 10}),
        ({"transaction_type": 8, "notification_identifier": 9}, {"notice 9": 100}),
        ({"transaction_type": 10, "notification_identifier": 9}, {}),
        ({"transaction_type": 9}, {}),
        ({"transaction_type": 3, "blocks": []}, {}),
        (
            {"transaction_type": 3, "blocks": [{"units": "GB 1-9", "applicable_commit_period": 4},
                                               {"units": "GB 1-9", "original_commit_period": -1}]},
            {},
        ),
    ],
    ids=[
        "AAU issued", "RMU issued, by activity", "CER issued by the CDM registry", "only track 2 conversions count",
        "AAU leave", "AAU as share of proceeds", "ERU as share of proceeds", "another account of the CDM registry",
        "ERU leave; what is another's left it before", "surplus reserve, and first-period AAU are free",
        "tCER pass on and are acquired", "cancellation", "cancellation for a notice", "tCER retired",
        "replaced units answer the notice", "carried over from the first period", "expiry dates for a notice",
        "an internal transfer answers no notice", "no such type", "no block", "no such period",
    ],
)  # fmt: skip
def test_flows(proposal, expected):
    assert {written(key): quantity for key, quantity in flows(transaction(proposal)).items()} == expected


@pytest.mark.parametrize(
    ("proposal", "beside"),
    [
        ({"transaction_type": 1}, set()),
        (
            {"transaction_type": 3},
            {"AAU to share of proceeds GB 2", *(f"counting GB 2 {unit_type}" for unit_type in range(1, 8))},
        ),
        (
            {"transaction_type": 3, "blocks": [{"units": "IN 1-10", **TCER}]},
            {"LULUCF passed on FR 2", *(f"counting GB 2 {unit_type}" for unit_type in range(1, 8))},
        ),
        ({"transaction_type": 5, "blocks": [{"units": "IN 1-10", **TCER}]}, set()),
    ],
    ids=["issuance", "AAU leave", "tCER leave", "retirement"],
)
def test_wanted_are_the_flows_and_what_they_are_measured_against(proposal, beside):
    keys, own = wanted(transaction(proposal)), set(flows(transaction(proposal)))
    assert own <= keys
    assert {written(key) for key in keys - own} == beside


block = st.fixed_dictionaries(
    {"units": st.sampled_from(["GB 1-10", "FR 1-10", "IN 5-6"]), "unit_type": st.integers(0, 7)},
    optional={
        "original_commit_period": st.integers(0, 3),
        "applicable_commit_period": st.integers(0, 3),
        "lulucf_activity": st.integers(1, 7),
        "project_identifier": st.integers(1, 3),
        "track": st.sampled_from([1, 2]),
        "block_role": st.just("REP"),
        "acquiring_registry_account_type": st.sampled_from([100, 130]),
    },
)


@given(
    st.sampled_from(TransactionType),
    st.lists(block, max_size=6),
    st.lists(block, max_size=6),
    st.sampled_from([{}, TO_PROCEEDS]),
)
def test_flows_of_a_transaction_are_the_sum_of_the_flows_of_its_blocks(kind, some, others, to):
    def of(blocks):
        return flows(transaction({"transaction_type": kind, "notification_identifier": 9, "blocks": blocks, **to}))

    together, apart = of([*some, *others]), [of(some), of(others)]
    assert together == {key: sum(each.get(key, 0) for each in apart) for key in {**apart[0], **apart[1]}}
    assert all(quantity > 0 for quantity in together.values())
    assert not {key.kind for key in together} & STOCKS


def test_a_key_that_names_nothing_in_a_part_has_nought_there():
    assert TotalKey(TotalKind.NOTICE, "9") in flows(transaction({"transaction_type": 4, "notification_identifier": 9}))


def test_a_message_of_many_periods_asks_for_no_more_totals():
    blocks = [{"units": f"GB {n}-{n}", "applicable_commit_period": n, "original_commit_period": n} for n in range(3000)]
    assert len(wanted(transaction({"transaction_type": 3, "blocks": blocks}))) < 50
