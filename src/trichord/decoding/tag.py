"""Logits of a tagger -> a label for every step, and the spans that equal neighbours make."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import groupby

import numpy as np
from numpy.typing import ArrayLike

from trichord.clip import Event
from trichord.decoding.answer import Decoded, Value
from trichord.decoding.logits import Floats, checked_logits, log_softmax
from trichord.decoding.metadata import TagMetadata
from trichord.errors import InputError


def decode_tag(head: TagMetadata, logits: ArrayLike, rate: float | None = None) -> Decoded:
    """Return the likeliest label of each step of logits `(time, labels)`.

    With a clock, equal neighbours are one event, in seconds; without, as for the utterances of a dialogue,
    every step is an event of its own, from its number to the next. Steps labelled `outside` are no event.
    The confidence is the mean probability of the labels given; none where time is 0.
    """
    log_probs = log_softmax(checked_logits(logits, len(head.labels)))
    best = log_probs.argmax(1)
    sure = np.exp(log_probs.max(1))
    value = tuple(head.labels[number] for number in best)
    confidence = float(sure.mean()) if len(sure) else None
    log_score = float(log_probs.max(1).sum())
    return Decoded(value, confidence, log_score, events=spans(value, sure, rate, head.outside), rate=rate)


def spans(
    labels: Sequence[str], sure: Floats, rate: float | None, outside: str | None = None
) -> tuple[Event, ...]:
    """Return what was labelled as events; `sure` holds the labels' probabilities, `(time,)`."""
    numbered = list(enumerate(labels))
    joined = groupby(numbered, key=lambda pair: (pair[0] if rate is None else 0, pair[1]))
    events = []
    for (_, label), pairs in joined:
        steps = [number for number, _ in pairs]
        start, end = steps[0] / (rate or 1.0), (steps[-1] + 1) / (rate or 1.0)
        if label != outside:
            events.append(Event(label, start, end, float(sure[steps].mean())))
    return tuple(events)


def step_labels(events: Sequence[Event], steps: int, rate: float | None) -> list[str | None]:
    """Return the label of each step: the event that its middle lies in, None outside all of them.

    Where events overlap, the later one counts. Events without an end last one step.
    """
    labels: list[str | None] = [None] * steps
    clock = rate or 1.0
    for event in events:
        first = max(0, at_or_after(event.start * clock))
        last = first + 1 if event.end is None else at_or_after(event.end * clock)
        for step in range(first, min(last, steps)):
            labels[step] = event.what
    return labels


def at_or_after(place: float) -> int:
    """Return the first step whose middle lies at or after a place, counted in steps."""
    return math.ceil(place - 0.5 - 1e-6)  # times in seconds are rarely whole steps to the last bit


def tag_log_probability(head: TagMetadata, logits: ArrayLike, answer: Value) -> float:
    """Return the log-probability of a label for every step; InputError where that is no answer."""
    log_probs = log_softmax(checked_logits(logits, len(head.labels)))
    labels = answer if isinstance(answer, tuple) else ()
    if len(labels) != len(log_probs) or not set(labels) <= set(head.labels):
        raise InputError(f"{answer!r:.80} does not answer this head; expected {len(log_probs)} labels")
    numbers = [head.labels.index(str(label)) for label in labels]
    return float(log_probs[np.arange(len(numbers)), numbers].sum())
