from __future__ import annotations

import itertools
import logging

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trichord.experiments.baseline import baum_welch
from trichord.experiments.baseline.baum_welch import cut_evenly, estimated, expected, learn, split
from trichord.experiments.baseline.markov import BATCH_FRAMES, LeftToRight, batched, log_sum
from trichord.experiments.baseline.words import learn_words


def model_of(states: int, mixtures: int, dim: int, seed: int = 0) -> LeftToRight:
    rng = np.random.default_rng(seed)
    weights = rng.dirichlet(np.ones(mixtures), states)
    stay = rng.uniform(0.2, 0.9, states)
    stay[-1] = 1.0
    shape = (states, mixtures, dim)
    return LeftToRight(rng.normal(size=shape), rng.uniform(0.3, 2, shape), weights, stay)


def sequences_of(lengths: list[int], dim: int, seed: int = 0) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    return [rng.normal(size=(length, dim)) for length in lengths]


def test_a_likelihood_is_the_sum_over_all_ways_through_the_states() -> None:
    model, [frames] = model_of(3, 2, 2), sequences_of([4], 2)
    densities = log_sum(model.log_densities(frames))
    total = 0.0
    for path in itertools.product(range(3), repeat=4):
        steps = [b - a for a, b in itertools.pairwise(path)]
        if path[0] == 0 and set(steps) <= {0, 1}:
            ways = [model.stay[a] if b == a else 1 - model.stay[a] for a, b in itertools.pairwise(path)]
            total += np.prod(ways) * np.exp(sum(densities[time, state] for time, state in enumerate(path)))
    assert model.score(batched([frames]))[0] == pytest.approx(np.log(total))


@given(st.lists(st.integers(1, 12), min_size=1, max_size=6), st.integers(1, 4), st.integers(1, 3))
@settings(deadline=None, max_examples=25)
def test_likelihoods_are_hmmlearns(lengths: list[int], states: int, mixtures: int) -> None:
    hmm = pytest.importorskip("hmmlearn.hmm", reason="hmmlearn is not installed")
    model, sequences = model_of(states, mixtures, 3), sequences_of(lengths, 3)
    peer = hmm.GMMHMM(states, mixtures)
    peer.startprob_ = np.eye(states)[0]
    peer.transmat_ = np.diag(model.stay) + np.diag(1 - model.stay[:-1], 1)
    peer.means_, peer.covars_, peer.weights_ = model.means, model.variances, model.weights
    assert model.score(batched(sequences)) == pytest.approx([peer.score(one) for one in sequences])


@given(st.lists(st.integers(1, 15), min_size=2, max_size=8))
@settings(deadline=None, max_examples=25)
def test_a_clip_among_others_has_the_likelihood_it_has_alone(lengths: list[int]) -> None:
    model, sequences = model_of(4, 2, 3), sequences_of(lengths, 3)
    together = model.score(batched(sequences))
    assert together == pytest.approx([model.score(batched([one]))[0] for one in sequences])


def test_batches_are_bounded_and_keep_every_clip() -> None:
    lengths = [10, BATCH_FRAMES + 5, 30, BATCH_FRAMES // 2, 7]
    batches = batched([np.zeros((length, 1)) for length in lengths])
    assert [length for batch in batches for length in batch.lengths] == lengths
    padded = [len(batch.lengths) * max(batch.lengths) for batch in batches if len(batch.lengths) > 1]
    assert all(size <= BATCH_FRAMES for size in padded)


def test_what_is_expected_counts_every_frame_once() -> None:
    lengths = [1, 2, 9, 14]
    [batch] = batched(sequences_of(lengths, 3))
    counts = expected(model_of(3, 2, 3), batch)
    assert counts.frames.sum() == pytest.approx(sum(lengths))
    assert (counts.stayed + counts.left).sum() == pytest.approx(sum(lengths) - len(lengths))
    assert counts.total.sum((0, 1)) == pytest.approx(batch.frames.sum(0))
    assert counts.square.sum((0, 1)) == pytest.approx((batch.frames**2).sum(0))
    evenly = cut_evenly(batch, 3)
    assert evenly.frames.sum() == sum(lengths)
    assert (evenly.left <= len(lengths)).all()


def test_learning_makes_the_clips_likelier(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(baum_welch, "PRIOR_FRAMES", 0.05)  # smoothing is no part of what EM promises
    batches = batched(sequences_of([20, 25, 30, 22] * 5, 3))
    model = split(estimated([cut_evenly(batch, 3) for batch in batches]))
    scores = []
    for _ in range(8):
        scores.append(model.score(batches).sum())
        model = estimated([expected(model, batch) for batch in batches])
    assert (np.diff(scores) > -0.5).all()
    assert scores[-1] > scores[0] + 5


def test_states_are_found_where_the_frames_change() -> None:
    rng = np.random.default_rng(0)
    levels = [-2.0, 1.0, 4.0]
    clips = [np.concatenate([level + 0.1 * rng.normal(size=(rng.integers(3, 12), 1)) for level in levels])
             for _ in range(30)]  # fmt: skip
    model = learn(clips, 3, 1, rounds=8)[1]
    assert model.means[:, 0, 0] == pytest.approx(levels, abs=0.1)
    assert model.stay[:2] == pytest.approx([6 / 7] * 2, abs=0.05)  # 7 frames on average


def test_few_and_equal_frames_are_survived(caplog: pytest.LogCaptureFixture) -> None:
    clips = [np.zeros((1, 2)), np.zeros((2, 2)), np.ones((3, 2))]
    with caplog.at_level(logging.WARNING):
        found = learn(clips, 9, 8)
    assert set(found) == {1, 2, 4, 8}
    assert all(np.isfinite(model.score(batched(clips))).all() for model in found.values())
    assert not caplog.records


@pytest.mark.parametrize("mean", ["kept", "removed"])
def test_words_are_told_apart_by_their_course_and_always_alike(mean: str) -> None:
    rng = np.random.default_rng(1)

    def said(word: int) -> np.ndarray:
        course = np.linspace(-1, 1, rng.integers(8, 20)) * (1 if word else -1)
        return course[:, None] + 0.2 * rng.normal(size=(len(course), 2))

    labels = np.array([0, 1] * 20)
    clips, others = [said(word) for word in labels], [said(word) for word in labels]
    setting = {"states": 3, "mean": mean}
    runs = [learn_words(clips, labels, setting, balanced=False) for _ in range(2)]
    assert [found["mixtures"] for found, _ in runs[0]] == [8, 4, 2, 1]
    for (_, words), (_, again) in zip(*runs, strict=True):
        logits = words.logits(others)
        assert (logits.argmax(1) == labels).all()
        assert np.array_equal(logits, again.logits(others))


def test_priors_are_the_classes_shares_unless_they_are_balanced() -> None:
    clips = sequences_of([5] * 8, 2)
    labels = np.array([0, 0, 0, 0, 0, 0, 1, 1])
    setting = {"states": 2, "mean": "kept"}
    [(_, shares), *_] = learn_words(clips, labels, setting, balanced=False)
    [(_, even), *_] = learn_words(clips, labels, setting, balanced=True)
    assert shares.priors.tolist() == [0.75, 0.25]
    assert even.priors.tolist() == [0.5, 0.5]
