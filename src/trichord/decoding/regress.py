"""Standardised outputs -> numbers in their own units."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from trichord.decoding.answer import Decoded, Value
from trichord.decoding.logits import one_answer
from trichord.decoding.metadata import RegressMetadata
from trichord.errors import InputError


def decode_regress(head: RegressMetadata, logits: ArrayLike) -> Decoded:
    """Return a float, or a tuple for a head with several names; the training mean where time is 0."""
    standard = one_answer(logits, len(head.names))
    values = tuple(float(v) for v in standard * np.array(head.std) + np.array(head.mean))
    return Decoded(values[0] if len(values) == 1 else values, None, 0.0)


def regress_log_probability(head: RegressMetadata, logits: ArrayLike, answer: Value) -> float:
    """Return minus the squared distance of `answer` from the logits, in standard deviations.

    It is the log-density of a Gaussian of variance 1/2 up to a constant: 0 for the head's own answer.
    """
    given = np.atleast_1d(np.asarray(answer, dtype=np.float64))
    if given.shape != (len(head.names),):
        raise InputError(f"{answer!r:.80} does not answer this head; expected {len(head.names)} numbers")
    standard = (given - np.array(head.mean)) / np.array(head.std)
    return -float(np.square(standard - one_answer(logits, len(head.names))).sum())
