"""Scores of labelled steps."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from trichord.clip import Event, Target
from trichord.decoding.answer import UNSURE, Decoded
from trichord.decoding.tag import step_labels
from trichord.metrics.classes import found_and_missed, macro_f1_of, matches, recall_of
from trichord.metrics.sums import Floats, Scores, ratio, with_count


def tag_scores(head: Mapping[str, Any], targets: Sequence[Target], decoded: Sequence[Decoded]) -> Scores:
    """Return scores over labelled steps; a step that was not answered is a miss."""
    rows = [steps_of(head, target, said) for target, said in zip(targets, decoded, strict=True)]
    owners = np.array([row for row, (truth, _) in enumerate(rows) for _ in truth], np.int64)
    truth = [label for labels, _ in rows for label in labels]
    said = [label for _, labels in rows for label in labels]

    def by_clip(steps: Floats) -> Floats:
        sums = np.zeros((len(rows), steps.shape[1]))
        np.add.at(sums, owners, steps)
        return sums

    classes = by_clip(found_and_missed(truth, said))
    hits = by_clip(with_count(matches(truth, said)))
    return {"accuracy": (hits, ratio), "macro_f1": (classes, macro_f1_of), "uar": (classes, recall_of)}


def steps_of(head: Mapping[str, Any], target: Target, said: Decoded) -> tuple[list[str], list[str]]:
    """Return the true and the given labels of the steps that have a true one; events are read as steps."""
    given = list(said.value) if isinstance(said.value, tuple) else []
    parts = list(target) if not isinstance(target, str | float | int) else []
    truth: list[Any] = parts
    if all(isinstance(part, Event) for part in parts):
        events = [part for part in parts if isinstance(part, Event)]
        truth = step_labels(events, steps_in(events, len(given), said.rate), said.rate)
    named = [head.get("outside") if label is None else label for label in truth]
    answers = [str(label) for label in given] + [UNSURE] * (len(named) - len(given))
    known = [(str(t), answer) for t, answer in zip(named, answers, strict=False) if t is not None]
    return [t for t, _ in known], [answer for _, answer in known]


def steps_in(events: Sequence[Event], answered: int, rate: float | None) -> int:
    """Return how many steps are scored: those answered, and those of events that lie beyond them.

    With a clock one step more or less is rounding, not an answer that lacks.
    """
    ends = (event.start + 1 / (rate or 1.0) if event.end is None else event.end for event in events)
    last = math.ceil(max(ends, default=0.0) * (rate or 1.0) - 1e-6)
    return answered if rate is not None and answered >= last - 1 else max(answered, last)
