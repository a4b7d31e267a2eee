from __future__ import annotations

import math

import numpy as np
import pytest

from trichord.errors import InputError
from trichord.metrics import bootstrap, paired_bootstrap, ratio, with_count


def test_intervals_cover_the_truth_about_as_often_as_they_say():
    random = np.random.default_rng(0)
    covered = 0
    for trial in range(200):
        interval = bootstrap(with_count(random.normal(5, 2, 60)), ratio, resamples=300, seed=trial)
        covered += interval.low <= 5 <= interval.high
    assert 0.88 <= covered / 200 <= 0.99


def test_intervals_are_the_same_for_the_same_seed_and_wide_for_few_items():
    values = with_count(np.random.default_rng(1).normal(0, 1, 400))
    assert bootstrap(values, ratio, seed=3) == bootstrap(values, ratio, seed=3)
    many, few = bootstrap(values, ratio), bootstrap(values[:20], ratio)
    assert few.high - few.low > many.high - many.low
    alone = bootstrap(values, ratio, resamples=0)
    assert (alone.value, alone.n) == (many.value, 400)
    assert math.isnan(alone.low)


def test_speakers_widen_the_interval_where_their_clips_are_alike():
    random = np.random.default_rng(2)
    speakers = np.repeat(np.arange(10), 40)
    values = with_count(random.normal(0, 1, 10)[speakers] + random.normal(0, 0.1, 400))
    alone, grouped = bootstrap(values, ratio), bootstrap(values, ratio, groups=speakers.tolist())
    assert grouped.value == alone.value
    assert grouped.high - grouped.low > 3 * (alone.high - alone.low)
    with pytest.raises(InputError, match="each item needs its group"):
        bootstrap(values, ratio, groups=[1])


def test_pairing_sees_a_small_but_steady_difference():
    random = np.random.default_rng(4)
    hard = random.normal(0, 5, 200)
    a, b = with_count(hard), with_count(hard - 0.2 + random.normal(0, 0.1, 200))
    difference = paired_bootstrap(a, b, ratio)
    assert 0.1 < difference.low < 0.2 < difference.high < 0.3
    with pytest.raises(InputError, match="the same items"):
        paired_bootstrap(a, b[:5], ratio)
