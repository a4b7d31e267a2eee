"""Standardised outputs -> numbers in their own units."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from trichord.decoding.answer import Decoded, Value
from trichord.decoding.logits import Floats, checked_logits, one_answer
from trichord.decoding.metadata import RegressMetadata
from trichord.errors import InputError


def decode_regress(head: RegressMetadata, logits: ArrayLike) -> Decoded:
    """Return a float, or a tuple for a head with several names or a number for each step.

    A clip's numbers are the training mean where time is 0.
    """
    values = tuple(float(v) for v in standard_of(head, logits) * np.array(head.std) + np.array(head.mean))
    single = head.each == "clip" and len(values) == 1
    return Decoded(values[0] if single else values, None, 0.0)


def regress_log_probability(head: RegressMetadata, logits: ArrayLike, answer: Value) -> float:
    """Return minus the squared distance of `answer` from the logits, in standard deviations.

    It is the log-density of a Gaussian of variance 1/2 up to a constant: 0 for the head's own answer. Steps
    of the answer that the logits lack are at the training mean.
    """
    given = np.atleast_1d(np.asarray(answer, dtype=np.float64))
    said = standard_of(head, logits)
    if head.each == "step" and len(said) < len(given):
        said = np.pad(said, (0, len(given) - len(said)))
    if given.shape != said.shape:
        raise InputError(f"{answer!r:.80} does not answer this head; expected {len(said)} numbers")
    return -float(np.square((given - np.array(head.mean)) / np.array(head.std) - said).sum())


def standard_of(head: RegressMetadata, logits: ArrayLike) -> Floats:
    """Return the numbers `(names,)`, or `(time,)` where each step has one, in standard deviations."""
    if head.each == "step":
        return checked_logits(logits, 1)[:, 0]
    return one_answer(logits, len(head.names))
