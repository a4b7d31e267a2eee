"""Tests of phrases spotted step by step."""

from __future__ import annotations

from itertools import pairwise, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trichord.decoding.logits import log_softmax
from trichord.decoding.spotting import Spotting, Trigger, peaks, spot
from trichord.errors import InputError

CLASSES = 4
phrases = st.lists(st.integers(1, CLASSES - 1), min_size=1, max_size=3)


def drawn(seed: int, steps: int) -> np.ndarray:
    return log_softmax(np.random.default_rng(seed).normal(size=(steps, CLASSES)) * 2)


def written(path: tuple[int, ...]) -> list[int]:
    return [label for before, label in pairwise((0, *path)) if label not in (0, before)]


def holds(path: tuple[int, ...], phrase: list[int]) -> bool:
    said = written(path)
    return any(said[start : start + len(phrase)] == phrase for start in range(len(said)))


@settings(max_examples=40, deadline=None)
@given(phrase=phrases, seed=st.integers(0, 99), steps=st.integers(1, 5))
def test_the_score_is_that_of_all_paths_that_hold_the_phrase(
    phrase: list[int], seed: int, steps: int
) -> None:
    log_probs = drawn(seed, steps)
    weights = {
        path: np.exp(sum(row[label] for row, label in zip(log_probs, path, strict=True)))
        for path in product(range(CLASSES), repeat=steps)
    }
    share = sum(weight for path, weight in weights.items() if holds(path, phrase))
    scores = spot(log_probs, phrase, window=8)
    if steps < len(phrase):
        assert scores[-1] < -600
    elif share:
        assert scores[-1] == pytest.approx(np.log(share / (1 - share)), abs=1e-6)


@settings(max_examples=40, deadline=None)
@given(phrase=phrases, seed=st.integers(0, 99), cuts=st.lists(st.integers(0, 30)), window=st.integers(1, 12))
def test_any_pieces_score_as_the_whole(phrase: list[int], seed: int, cuts: list[int], window: int) -> None:
    log_probs = drawn(seed, 30)
    spotting = Spotting(phrase, window)
    parts = [spotting.feed(part) for part in np.split(log_probs, sorted(cuts))]
    np.testing.assert_array_equal(np.concatenate(parts), spot(log_probs, phrase, window))


def spoken(*labels: int) -> np.ndarray:
    """Log-probabilities of a path that is nearly sure."""
    return np.log(np.eye(CLASSES)[list(labels)] * 0.96 + 0.01)


def test_a_phrase_counts_in_its_window_in_order_and_unbroken() -> None:
    scores = spot(spoken(0, 0, 1, 1, 0, 2, 0, 0, 0, 0, 0, 0), [1, 2], window=5)
    assert (scores > 0).tolist() == [False] * 5 + [True] * 3 + [False] * 4
    for others in ([2, 0, 1, 0], [1, 0, 3, 0, 2, 0], [3, 0, 0, 3]):
        assert (spot(spoken(*others), [1, 2], window=6) < 0).all()
    assert spot(spoken(1, 1, 1), [1, 1], window=3)[-1] < 0 < spot(spoken(1, 0, 1), [1, 1], window=3)[-1]


def test_what_is_sure_stays_finite() -> None:
    sure = np.where(np.eye(CLASSES)[[0] * 40 + [1] * 60] > 0, 0.0, -np.inf)
    assert np.isfinite(spot(sure, [1], window=50)).all()
    assert np.isfinite(spot(sure[:, :2], [1], window=500)).all()
    assert spot(sure[:0], [1], window=5).shape == (0,)


@pytest.mark.parametrize(("phrase", "window"), [([], 5), ([0], 5), ([1], 0)])
def test_what_is_no_phrase_is_refused(phrase: list[int], window: int) -> None:
    with pytest.raises(InputError, match="labels above 0"):
        Spotting(phrase, window)


def test_a_trigger_waits_for_the_score_to_fall_and_for_time_to_pass() -> None:
    scores = np.array([0, 3, 3, 0, 3, 0, 0, 3, 3, 3.0])
    assert Trigger(2.0, apart=4).feed(scores) == [1, 7]
    assert Trigger(2.0, apart=1).feed(scores) == [1, 4, 7]
    trigger = Trigger(2.0, apart=4)
    assert [trigger.feed(part) for part in np.split(scores, [2, 5])] == [[1], [], [2]]


def test_peaks_are_the_highest_scores_apart_from_each_other() -> None:
    assert peaks(np.array([0, 5, 4, 1, 6.0]), apart=2).tolist() == [4, 1]
    assert peaks(np.zeros(0), apart=2).tolist() == []
