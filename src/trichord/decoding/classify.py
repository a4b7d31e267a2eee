"""Logits of a classifier -> one class and the probability of each."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from trichord.decoding.answer import UNSURE, Decoded, Value
from trichord.decoding.logits import Floats, checked_logits, log_softmax, one_answer
from trichord.decoding.metadata import ClassifyMetadata
from trichord.errors import InputError


def decode_classify(head: ClassifyMetadata, logits: ArrayLike) -> Decoded:
    """Return the likeliest class of logits `(1, classes)` at the head's temperature.

    The answer is "not sure" where its probability is below `uncertain_below`, or time is 0.
    """
    log_probs = class_log_probs(head, logits)
    best = int(log_probs.argmax())
    scores = {label: float(p) for label, p in zip(head.labels, np.exp(log_probs), strict=True)}
    confidence = scores[head.labels[best]]
    absent = len(checked_logits(logits, len(head.labels))) == 0
    unsure = absent or (head.uncertain_below is not None and confidence < head.uncertain_below)
    value = UNSURE if unsure else head.labels[best]
    return Decoded(value, confidence, float(log_probs[best]), scores)


def classify_log_probability(head: ClassifyMetadata, logits: ArrayLike, answer: Value) -> float:
    """Return the log-probability of a class name; InputError for a name that is none."""
    if answer not in head.labels:
        raise InputError(
            f"{answer!r:.80} is not a class of this head; it has {len(head.labels)}: "
            f"{', '.join(head.labels[:8])}"
        )
    return float(class_log_probs(head, logits)[head.labels.index(str(answer))])


def class_log_probs(head: ClassifyMetadata, logits: ArrayLike) -> Floats:
    """Return calibrated log-probabilities `(classes,)`."""
    return log_softmax(one_answer(logits, len(head.labels)) / head.temperature)
