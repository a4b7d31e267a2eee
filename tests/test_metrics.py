from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trichord import metrics
from trichord.decoding import UNSURE, Decoded, decode
from trichord.decoding.calibration import expected_calibration_error
from trichord.errors import InputError
from trichord.metrics import bootstrap, evaluate_head, normalise_text, paired_bootstrap, ratio, with_count


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("  Hello,   WORLD! ", "hello world"),
        ("Don't 'quote' it — it’s the dogs'", "don't quote it it's the dogs"),
        ("ﬁne １２ Straße", "fine 12 straße"),
        ("well-known", "well known"),
        ("soft\u00adhyphen zero\u200bwidth", "softhyphen zerowidth"),
        ("हिन्दी नमस्ते", "हिन्दी नमस्ते"),
        ("你好，世界。", "你好 世界"),
        ("", ""),
        ("...", ""),
    ],
)
def test_text_is_normalised_by_rule_one(text, expected):
    assert normalise_text(text) == expected


@settings(max_examples=300, deadline=None)
@given(st.text())
def test_normalising_twice_changes_nothing(text):
    once = normalise_text(text)
    assert normalise_text(once) == once


def test_unknown_rules_are_refused():
    with pytest.raises(InputError, match="version 2"):
        normalise_text("a", version=2)


def test_word_and_character_errors_by_hand():
    assert metrics.word_errors("the cat sat", "The bat, sat down") == (2, 3)
    assert metrics.word_errors("a b c", "") == (3, 3)
    assert metrics.word_errors("", "a") == (1, 0)
    assert metrics.character_errors("abc d", "abd d") == (1, 5)
    assert metrics.wer(["a b c", "d"], ["a c", "d e"]) == 0.5
    assert metrics.cer(["abcd"], ["abd"]) == 0.25
    assert math.isnan(metrics.wer([], []))
    assert math.isnan(metrics.wer([""], ["a"]))


REFERENCES = ["a", "a", "a", "b", "b", "c"]
HYPOTHESES = ["a", "a", "b", "b", "c", "b"]


def test_scores_of_classes_by_hand():
    assert metrics.accuracy(REFERENCES, HYPOTHESES) == 0.5
    assert metrics.macro_f1(REFERENCES, HYPOTHESES) == pytest.approx((0.8 + 0.4 + 0) / 3)
    assert metrics.unweighted_average_recall(REFERENCES, HYPOTHESES) == pytest.approx((2 / 3 + 1 / 2 + 0) / 3)
    matrix = metrics.confusion_matrix(REFERENCES, HYPOTHESES, ["a", "b", "c"])
    assert matrix.tolist() == [[2, 1, 0], [0, 1, 1], [0, 1, 0]]


def test_not_sure_is_a_miss_and_no_class():
    assert metrics.macro_f1(["a", "b"], ["a", UNSURE]) == 0.5
    assert metrics.unweighted_average_recall(["a", "b"], ["a", UNSURE]) == 0.5
    assert metrics.confusion_matrix(["a", "b"], ["a", UNSURE], ["a", "b"]).sum() == 1


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


CTC = {"kind": "ctc", "units": "character", "labels": ["", "a"]}
CLASSIFY = {"kind": "classify", "labels": ["a", "b", "c"]}
REGRESS = {"kind": "regress", "names": ["x"], "mean": [0.0], "std": [1.0]}


def test_transcripts_are_evaluated_where_their_text_is_known():
    decoded = [Decoded(text, 0.9, -1.0) for text in ("bin blue", "set red", "lay")]
    scores = evaluate_head(CTC, ["Bin blue.", None, "lay it"], decoded, groups=["s1", "s2", "s1"])
    assert {name: score.value for name, score in scores.items()} == pytest.approx(
        {"wer": 0.25, "cer": 3 / 14, "sentence_accuracy": 0.5}
    )
    assert all(score.n == 2 for score in scores.values())


def test_classes_are_evaluated():
    logits = np.random.default_rng(5).normal(0, 2, (50, 1, 3))
    decoded = [decode(CLASSIFY, item) for item in logits]
    targets = [str(t) for t in np.random.default_rng(6).choice(["a", "b", "c"], 50)]
    scores = evaluate_head(CLASSIFY, targets, decoded, resamples=200)
    values = [d.value for d in decoded]
    assert scores["accuracy"].value == metrics.accuracy(targets, values)
    assert scores["macro_f1"].value == metrics.macro_f1(targets, values)
    assert scores["uar"].value == metrics.unweighted_average_recall(targets, values)
    expected = expected_calibration_error([d.confidence for d in decoded], np.array(targets) == values)
    assert scores["ece"].value == pytest.approx(expected)
    assert all(score.low <= score.value <= score.high for name, score in scores.items() if name != "ece")


def test_numbers_are_evaluated_alone_and_several_at_a_time():
    random = np.random.default_rng(7)
    x, y = random.normal(0, 1, (40, 2)), random.normal(0, 1, (40, 2))
    one = evaluate_head(REGRESS, x[:, 0].tolist(), [Decoded(float(v), None, 0.0) for v in y[:, 0]])
    assert one["ccc"].value == pytest.approx(metrics.concordance(x[:, 0], y[:, 0]))
    assert one["mae"].low < one["mae"].value < one["mae"].high
    head = {"kind": "regress", "names": ["x", "y"], "mean": [0, 0], "std": [1, 1]}
    both = evaluate_head(head, x.tolist(), [Decoded(tuple(v), None, 0.0) for v in y.tolist()])
    expected = np.mean([metrics.pearson(x[:, i], y[:, i]) for i in (0, 1)])
    assert both["pearson"].value == pytest.approx(expected)
    with pytest.raises(InputError, match="2 numbers"):
        evaluate_head(head, [1.0], [Decoded((1.0, 2.0), None, 0.0)])


@pytest.mark.parametrize("head", [CTC, CLASSIFY, REGRESS])
def test_nothing_known_scores_nothing(head):
    value = 1.0 if head is REGRESS else "a"
    scores = evaluate_head(head, [None], [Decoded(value, None, 0.0)])
    assert scores
    assert all(math.isnan(score.value) and score.n == 0 for score in scores.values())


def test_every_score_knows_its_direction():
    names = {name for head in (CTC, CLASSIFY, REGRESS) for name in evaluate_head(head, [], [])}
    assert names >= metrics.HIGHER_IS_BETTER
    assert names - metrics.HIGHER_IS_BETTER == {"wer", "cer", "ece", "mae", "rmse"}


def test_heads_of_unknown_kind_are_refused():
    with pytest.raises(InputError, match="cannot evaluate"):
        evaluate_head({"kind": "telepathy"}, [], [])
