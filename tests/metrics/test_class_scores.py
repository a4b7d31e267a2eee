from __future__ import annotations

import pytest

from trichord import metrics
from trichord.decoding import UNSURE

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
