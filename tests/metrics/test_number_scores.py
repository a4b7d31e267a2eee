from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trichord import metrics
from trichord.decoding import Decoded
from trichord.errors import InputError


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 1000), n=st.integers(3, 30), offset=st.sampled_from([0.0, 1e4]))
def test_scores_of_numbers_match_their_definitions(seed, n, offset):
    random = np.random.default_rng(seed)
    x = random.normal(offset, 1, n)
    y = x + random.normal(0.3, 1, n)
    assert metrics.mae(x, y) == pytest.approx(np.abs(x - y).mean())
    assert metrics.rmse(x, y) == pytest.approx(np.sqrt(((x - y) ** 2).mean()))
    assert metrics.pearson(x, y) == pytest.approx(np.corrcoef(x, y)[0, 1], rel=1e-6)
    expected = 2 * np.cov(x, y, ddof=0)[0, 1] / (x.var() + y.var() + (x.mean() - y.mean()) ** 2)
    assert metrics.concordance(x, y) == pytest.approx(expected, rel=1e-6)


def test_numbers_that_do_not_vary_have_no_correlation():
    assert math.isnan(metrics.pearson([1, 1], [1, 2]))
    assert metrics.concordance([1, 2], [1, 2]) == pytest.approx(1)
    assert math.isnan(metrics.mae([], []))
    with pytest.raises(InputError, match="as many"):
        metrics.mae([1], [1, 2])


def test_numbers_of_steps_are_scored_over_all_steps_that_are_known():
    head = {"kind": "regress", "names": ["value"], "mean": [0.0], "std": [1.0], "each": "step"}
    targets, said = [(1.0, 2.0, math.nan), (4.0,), ()], [(1.0, 3.0, 9.0), (3.0,), ()]
    found = metrics.evaluate_head(head, targets, [Decoded(one, None, 0.0) for one in said], resamples=0)
    assert found["mae"].value == pytest.approx(2 / 3)
    assert found["pearson"].value == pytest.approx(np.corrcoef([1, 2, 4], [1, 3, 3])[0, 1])
    assert found["ccc"].value == pytest.approx(metrics.concordance([1, 2, 4], [1, 3, 3]))
    assert math.isnan(metrics.evaluate_head(head, [], [], resamples=0)["mae"].value)
    unasked = [Decoded(one, None, 0.0) for one in (said[0], ())]  # the second clip's prompt is withheld
    found = metrics.evaluate_head(head, targets[:2], unasked, resamples=5)
    assert found["mae"].value == pytest.approx(1 / 2)
    found = metrics.evaluate_head(head, targets[:1], unasked[1:], resamples=5)
    assert math.isnan(found["pearson"].value)
    with pytest.raises(InputError, match="2 numbers for 1 steps"):
        metrics.evaluate_head(head, [(1.0, 2.0)], [Decoded((1.0,), None, 0.0)], resamples=0)
