"""Each sample is judged for its code only, and answers what its file says."""

import pytest

from itl.checks.catalogue import catalogue
from itl.checks.sample import samples

EVERY = [sample for code in catalogue() for sample in samples(code) if not sample.wants_a_log]


@pytest.mark.parametrize("sample", EVERY, ids=[f"{sample.code}: {sample.title}" for sample in EVERY])
def test_sample(sample):
    assert sample.judged() == (sample.outcome, sample.fails)
