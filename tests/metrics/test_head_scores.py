from __future__ import annotations

import math

import numpy as np
import pytest

from trichord import metrics
from trichord.decoding import Decoded, decode
from trichord.decoding.calibration import expected_calibration_error
from trichord.errors import InputError
from trichord.metrics import evaluate_head

CTC = {"kind": "ctc", "units": "character", "labels": ["", " ", "a"]}
CLASSIFY = {"kind": "classify", "labels": ["a", "b", "c"]}
REGRESS = {"kind": "regress", "names": ["x"], "mean": [0.0], "std": [1.0]}
CONTRASTIVE = {"kind": "contrastive", "size": 2}


def test_transcripts_are_evaluated_where_their_text_is_known():
    decoded = [Decoded(text, 0.9, -1.0) for text in ("bin blue", "set red", "lay")]
    scores = evaluate_head(CTC, ["Bin blue.", None, "lay it"], decoded, groups=["s1", "s2", "s1"])
    assert {name: score.value for name, score in scores.items()} == pytest.approx(
        {"wer": 0.25, "cer": 3 / 14, "sentence_accuracy": 0.5}
    )
    assert all(score.n == 2 for score in scores.values())


@pytest.mark.parametrize(
    "head",
    [
        {"kind": "ctc", "units": "character", "labels": ["", "天", "气"]},
        {
            "kind": "ctc",
            "units": "phone",
            "labels": ["", "t"],
            "beam": {"pronounced": {"words": {}, "joiner": ""}},
        },
    ],
)
def test_writing_without_blanks_between_words_has_no_word_error_rate(head):
    scores = evaluate_head(head, ["今天天气好"], [Decoded("今天天汽好", 0.9, -1.0)])
    assert set(scores) == {"cer", "sentence_accuracy"}
    assert scores["cer"].value == pytest.approx(0.2)
    assert metrics.headline_of(scores) == "cer"


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


@pytest.mark.parametrize("head", [CTC, CLASSIFY, REGRESS, CONTRASTIVE])
def test_nothing_known_scores_nothing(head):
    value = 1.0 if head is REGRESS else "a"
    scores = evaluate_head(head, [None], [Decoded(value, None, 0.0)])
    assert scores
    assert all(math.isnan(score.value) and score.n == 0 for score in scores.values())


def test_every_score_knows_its_direction():
    names = {name for head in (CTC, CLASSIFY, REGRESS, CONTRASTIVE) for name in evaluate_head(head, [], [])}
    assert names >= metrics.HIGHER_IS_BETTER
    assert names - metrics.HIGHER_IS_BETTER == {"wer", "cer", "ece", "mae", "rmse", "eer"}


def test_heads_of_unknown_kind_are_refused():
    with pytest.raises(InputError, match="cannot evaluate"):
        evaluate_head({"kind": "telepathy"}, [], [])
