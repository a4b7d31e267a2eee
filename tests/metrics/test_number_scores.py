from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trichord import metrics
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
