from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import det_curve

from trichord.decoding import Decoded
from trichord.errors import InputError
from trichord.metrics import alarm_rate, detection_curve, equal_error_rate, evaluate_head, min_dcf, miss_rate

HEAD = {"kind": "contrastive", "size": 2}


def trials(seed, size=200, apart=1.0):
    random = np.random.default_rng(seed)
    same = random.random(size) < 0.3
    same[:2] = [False, True]
    return random.normal(0, 1, size) + apart * same, same


def test_the_equal_error_rate_by_hand():
    assert equal_error_rate([0.1, 0.2, 0.8, 0.9], [False, False, True, True]).rate == 0
    found = equal_error_rate([0.1, 0.6, 0.4, 0.9], [False, False, True, True])
    assert found.rate == 0.5
    assert 0.4 <= found.threshold <= 0.6
    assert equal_error_rate([0.9, 0.1], [False, True]).rate == 1


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 10_000))
def test_the_curve_is_scikit_learns(seed):
    scores, same = trials(seed)
    alarms, misses, thresholds = det_curve(same, scores)
    curve = detection_curve(scores, same)
    rows = np.searchsorted(curve.thresholds, thresholds[np.isfinite(thresholds)])
    np.testing.assert_allclose(curve.misses[rows], misses[np.isfinite(thresholds)])
    np.testing.assert_allclose(curve.alarms[rows], alarms[np.isfinite(thresholds)])
    rate, threshold = equal_error_rate(scores, same)
    assert (scores[same] < threshold).mean() == pytest.approx(rate, abs=2 / same.sum())
    assert (scores[~same] >= threshold).mean() == pytest.approx(rate, abs=2 / same.sum())


def test_normal_scores_have_the_error_rate_of_their_distance():
    scores, same = trials(1, size=200_000, apart=2.0)
    assert equal_error_rate(scores, same).rate == pytest.approx(0.1587, abs=0.003)  # 1 - Phi(1)


def test_the_least_cost_is_at_most_that_of_a_constant_answer():
    assert min_dcf([0, 1], [False, True]).rate == 0
    assert min_dcf([1, 0], [False, True]).rate == 1
    scores, same = trials(2)
    assert min_dcf(scores, same, prior=0.5).rate < 1
    found = min_dcf(scores, same, prior=0.01)
    misses, alarms = (scores[same] < found.threshold).mean(), (scores[~same] >= found.threshold).mean()
    assert found.rate == pytest.approx((0.01 * misses + 0.99 * alarms) / 0.01)


def test_misses_at_so_many_false_alarms():
    hits, alarms = [0.9, 0.5, 0.2, -math.inf], [0.6, 0.3, 0.1]
    assert miss_rate(hits, alarms, hours=10, alarms_per_hour=0).rate == 0.75
    assert miss_rate(hits, alarms, hours=10, alarms_per_hour=0.1).rate == 0.5
    assert miss_rate(hits, alarms, hours=10, alarms_per_hour=0.3) == (0.25, -math.inf)
    assert math.isnan(miss_rate([], [], hours=1, alarms_per_hour=1).rate)
    with pytest.raises(InputError, match="hours"):
        miss_rate(hits, alarms, hours=0, alarms_per_hour=1)


@pytest.mark.parametrize(
    ("scores", "same", "says"),
    [([1.0], [True, False], "as many"), ([np.nan, 1], [True, False], "finite"), ([1, 2], [True, True], "no")],
)
def test_what_are_no_trials_is_refused(scores, same, says):
    with pytest.raises(InputError, match=says):
        equal_error_rate(scores, same)


def embedded(labels, seed=0, noise=0.5):
    """Points on a circle, near to their labels' places."""
    random = np.random.default_rng(seed)
    angles = np.array([ord(label) for label in labels]) + random.normal(0, noise, len(labels))
    return [Decoded((math.cos(angle), math.sin(angle)), None, 0.0) for angle in angles]


def test_embeddings_are_evaluated_in_pairs():
    labels = ["abc"[i % 3] for i in range(90)]
    decoded = embedded(labels)
    scores = evaluate_head(HEAD, labels, decoded, resamples=50)
    vectors = np.array([d.value for d in decoded])
    upper = np.triu_indices(90, 1)
    same = np.array(labels)[upper[0]] == np.array(labels)[upper[1]]
    expected = equal_error_rate((vectors @ vectors.T)[upper], same).rate
    assert scores["eer"].value == pytest.approx(expected, abs=0.01)
    assert scores["eer"].low <= scores["eer"].value <= scores["eer"].high
    assert 1 / 3 < scores["precision_at_1"].value <= 1


def test_embeddings_apart_have_no_errors_and_one_label_has_no_rate():
    perfect = evaluate_head(HEAD, list("aabb"), embedded("aabb", noise=0.0))
    assert (perfect["eer"].value, perfect["precision_at_1"].value) == (0, 1)
    assert math.isnan(evaluate_head(HEAD, ["a", "a"], embedded("aa"))["eer"].value)
    alone = evaluate_head(HEAD, ["a", "b"], embedded("ab"))
    assert math.isnan(alone["precision_at_1"].value)


def test_of_many_embeddings_some_are_compared():
    labels = ["ab"[i % 2] for i in range(4001)]
    scores = evaluate_head(HEAD, labels, embedded(labels, noise=0.1), resamples=0)
    assert scores["eer"].value < 0.01
    assert scores["eer"].n == 4001


def test_alarms_that_were_not_seen_are_foretold_by_the_tail_of_those_that_were() -> None:
    alarms = np.random.default_rng(0).exponential(2.0, 1000)  # ten hours of a hundred an hour
    for threshold in (1.0, 8.0, 16.0):
        expected = 100 * math.exp(-threshold / 2)
        assert alarm_rate(alarms, threshold, hours=10, tail=100) == pytest.approx(expected, rel=0.6)
    assert alarm_rate(alarms, 1.0, hours=10) == pytest.approx((alarms >= 1).sum() / 10)
    rates = [alarm_rate(alarms, threshold, hours=10) for threshold in np.linspace(0, 30, 100)]
    assert sorted(rates, reverse=True) == rates and 0 < rates[-1] < 1e-2
    assert alarm_rate([3.0] * 20, 4.0, hours=1) == 0
    assert alarm_rate([1.0, 2.0], 2.0, hours=4) == 0.25  # too few for a tail
    with pytest.raises(InputError, match="above 0"):
        alarm_rate(alarms, 1.0, hours=0)
