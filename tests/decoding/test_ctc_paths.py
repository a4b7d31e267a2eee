from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trichord.decoding.ctc_paths import MAX_CELLS, align, best_path, ctc_log_probability
from trichord.decoding.logits import log_softmax
from trichord.errors import InputError


def collapse(path):
    return tuple(label for label, _ in itertools.groupby(path) if label)


def enumerated(log_probs):
    """Every answer's log-probability and likeliest path, by trying all paths."""
    totals, likeliest = {}, {}
    for path in itertools.product(range(log_probs.shape[1]), repeat=len(log_probs)):
        score = sum(log_probs[t, label] for t, label in enumerate(path))
        answer = collapse(path)
        totals[answer] = np.logaddexp(totals.get(answer, -np.inf), score)
        likeliest[answer] = max(likeliest.get(answer, (-np.inf, ())), (score, path))
    return totals, likeliest


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10_000), time=st.integers(1, 5), classes=st.integers(2, 4))
def test_probability_is_the_sum_over_all_paths(seed, time, classes):
    logits = np.random.default_rng(seed).normal(0, 2, (time, classes))
    totals, _ = enumerated(log_softmax(logits))
    for answer, expected in totals.items():
        assert ctc_log_probability(logits[None], [time], answer)[0] == pytest.approx(expected)
    assert np.logaddexp.reduce(list(totals.values())) == pytest.approx(0, abs=1e-9)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10_000), time=st.integers(1, 5), classes=st.integers(2, 4))
def test_alignment_is_the_likeliest_path(seed, time, classes):
    log_probs = log_softmax(np.random.default_rng(seed).normal(0, 2, (time, classes)))
    for answer, (score, _) in enumerated(log_probs)[1].items():
        symbols = align(log_probs, answer)
        assert tuple(s.label for s in symbols) == answer
        if not answer:
            continue
        path = np.zeros(time, int)
        for symbol in symbols:
            path[symbol.start : symbol.end] = symbol.label
            assert symbol.log_peak == log_probs[symbol.start : symbol.end, symbol.label].max()
        assert log_probs[np.arange(time), path].sum() == pytest.approx(score)
        assert collapse(path.tolist()) == answer


def test_batch_equals_items_alone_whatever_the_padding():
    logits = np.random.default_rng(0).normal(0, 2, (4, 9, 5))
    lengths = [9, 6, 3, 0]
    together = ctc_log_probability(logits, lengths, [1, 2, 2])
    for item, length in enumerate(lengths[:3]):
        alone = ctc_log_probability(logits[item : item + 1, :length], [length], [1, 2, 2])
        assert together[item] == pytest.approx(alone[0]) or (together[item] == alone[0] == -np.inf)
    assert together[3] == -np.inf
    assert ctc_log_probability(logits, lengths, [])[3] == 0


def test_impossible_answers_have_no_probability():
    logits = np.zeros((1, 3, 3))
    assert ctc_log_probability(logits, [3], [1, 1])[0] > -np.inf
    assert ctc_log_probability(logits[:, :2], [2], [1, 1])[0] == -np.inf  # a repeat needs a blank between
    assert ctc_log_probability(logits, [3], [1, 2, 1, 2])[0] == -np.inf


def test_no_frames():
    assert ctc_log_probability(np.zeros((2, 0, 3)), [0, 0], []).tolist() == [0, 0]
    assert best_path(np.zeros((0, 3))) == []


def test_matches_torch():
    torch = pytest.importorskip("torch")
    logits = np.random.default_rng(1).normal(0, 2, (3, 30, 8))
    lengths, answer = [30, 22, 11], [3, 3, 1, 7, 2]
    losses = torch.nn.functional.ctc_loss(
        torch.tensor(logits).log_softmax(-1).transpose(0, 1), torch.tensor([answer] * 3),
        torch.tensor(lengths), torch.tensor([5] * 3), reduction="none",
    )  # fmt: skip
    assert ctc_log_probability(logits, lengths, answer) == pytest.approx(-losses.numpy())


def test_limits_and_bad_labels_are_refused():
    with pytest.raises(InputError, match="decode shorter pieces"):
        align(np.zeros((MAX_CELLS // 3, 2)), [1, 1])
    for answer in ([0], [3], [-1]):
        with pytest.raises(InputError, match="from 1 to 2"):
            ctc_log_probability(np.zeros((1, 4, 3)), [4], answer)
    with pytest.raises(InputError, match="cannot hold"):
        align(np.zeros((2, 3)), [1, 1])
