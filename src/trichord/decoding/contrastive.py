"""Outputs of an embedding head -> a place on the sphere."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from trichord.decoding.answer import Decoded, Value
from trichord.decoding.logits import Floats, one_answer
from trichord.decoding.metadata import ContrastiveMetadata
from trichord.errors import InputError


def decode_contrastive(head: ContrastiveMetadata, logits: ArrayLike) -> Decoded:
    """Return the embedding, a tuple of length one on the sphere; zeros where time is 0.

    The cosine of two is their scalar product. There is nothing to be confident about.
    """
    return Decoded(tuple(placed(head, logits).tolist()), None, 0.0)


def contrastive_log_probability(head: ContrastiveMetadata, logits: ArrayLike, answer: Value) -> float:
    """Return the scale times the cosine of `answer` to the embedding, less the scale.

    It is the log-density of a von Mises-Fisher distribution up to a constant: 0 for the head's own answer. An
    embedding or an answer of time 0 lies in the midst of the sphere: minus half the scale to any other place.
    """
    try:
        given = np.asarray(answer, dtype=np.float64)
    except ValueError:
        given = np.zeros(0)
    if given.shape != (head.size,):
        raise InputError(f"{answer!r:.80} does not answer this head; expected {head.size} numbers")
    return -head.scale / 2 * float(np.square(given - placed(head, logits)).sum())


def placed(head: ContrastiveMetadata, logits: ArrayLike) -> Floats:
    """Return the outputs brought to length one, which late fusion and int8 may have changed."""
    values = one_answer(logits, head.size)
    length = float(np.linalg.norm(values))
    return values / length if length > 1e-6 else np.zeros(head.size)
