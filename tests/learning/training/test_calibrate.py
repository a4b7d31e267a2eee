from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from trichord.learning.batch import Item
from trichord.learning.heads.classify import Classify
from trichord.learning.heads.contrastive import Contrastive
from trichord.learning.heads.ctc import Ctc
from trichord.learning.training.calibrate import (
    ALPHAS,
    BETAS,
    CLIPS,
    KEPT,
    choose_language_weights,
    choose_threshold,
    chooses,
    least,
)

SAID = ["set red", "lay blue", "set red", "lay blue"]


def head_of(**arguments: object) -> Ctc:
    head = Ctc(units="word", **arguments)  # type: ignore[arg-type]
    head.fit(SAID * 5)
    return head


def heard(head: Ctc, text: str, doubt: float) -> np.ndarray:
    """Return logits in which every second word sounds `doubt` more like that of the other command."""
    first, second = text.split()
    other = {"red": "blue", "blue": "red"}[second]
    logits = np.full((3, len(head.labels)), -9.0, np.float32)
    logits[0, head.labels.index(first)] = 0.0
    logits[1, 0] = 0.0
    logits[2, head.labels.index(second)] = 0.0
    logits[2, head.labels.index(other)] = doubt
    return logits


@pytest.mark.parametrize(("doubt", "chosen"), [(-3.0, 0.0), (0.3, 0.2)])
def test_the_smallest_weight_that_errs_least_is_chosen(doubt: float, chosen: float) -> None:
    head = head_of(language_order=2)
    items = [Item(f"{row}", {}, {"transcript": text}) for row, text in enumerate(SAID)]
    logits = [heard(head, text, doubt) for text in SAID]
    choose_language_weights(head, "transcript", items, logits)
    assert head.search is not None
    assert head.search["alpha"] == chosen
    assert chosen in ALPHAS
    assert head.metadata()["beam"]["alpha"] == chosen
    assert head.search["beta"] == 0.0


def test_few_clips_leave_few_choices_to_many() -> None:
    tried: list[tuple[tuple[float, float], int]] = []

    def error(weights: tuple[float, float], clips: int) -> float:
        tried.append((weights, clips))
        alpha, beta = weights
        return abs(alpha - 0.6) + abs(beta - alpha / 0.6) + 1 / clips

    assert least(list(product(ALPHAS, BETAS)), error) == (0.6, 1.0)
    assert [clips for _, clips in tried] == [CLIPS[0]] * len(ALPHAS) * len(BETAS) + [CLIPS[1]] * KEPT
    assert least([(0.2, 0.0), (0.0, 0.0)], lambda weights, clips: 0.5) == (0.2, 0.0)


def test_unlabelled_clips_choose_nothing() -> None:
    head = head_of(language_order=2)
    choose_language_weights(head, "transcript", [Item("a", {})], [heard(head, SAID[0], 0.0)])
    assert head.search is not None
    assert head.search["alpha"] == 0.5


def test_what_a_recipe_sets_is_not_chosen() -> None:
    assert chooses(Classify())
    assert chooses(head_of(language_order=2))
    assert not chooses(head_of(language_order=2, language_weight=0.7))
    assert not chooses(head_of())


def test_voices_are_the_same_from_where_both_errors_are_as_frequent() -> None:
    head = Contrastive(size=2)
    angles = {"ann": (0.0, 0.2, 0.4), "bob": (1.5, 1.6, 1.8), "": (3.0,)}
    items = [
        Item(f"{who}{angle}", {}, {"who": who} if who else {}) for who in angles for angle in angles[who]
    ]
    logits = [3 * np.array([[np.cos(a), np.sin(a)]], np.float32) for who in angles for a in angles[who]]
    choose_threshold(head, "who", items[:3], logits[:3])
    assert head.threshold is None  # nobody else to be told from
    choose_threshold(head, "who", items, logits)
    assert head.threshold is not None
    assert (
        np.cos(1.1) <= head.threshold <= np.cos(0.4) + 1e-6
    )  # the nearest two of two people, the farthest of one
    assert head.metadata()["threshold"] == head.threshold
    assert chooses(head)
