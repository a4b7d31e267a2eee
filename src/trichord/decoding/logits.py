"""What a model's numbers must look like before anybody reads them."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from trichord.errors import InputError

Floats: TypeAlias = NDArray[np.float64]


def checked_logits(logits: ArrayLike, outputs: int) -> Floats:
    """Return logits `(time, outputs)` in double precision; `(outputs,)` is taken as one step.

    Raises InputError where the shape differs or a value is not finite.
    """
    values = np.asarray(logits, dtype=np.float64)
    if values.ndim == 1 and values.size == outputs:
        values = values[None, :]
    if values.ndim != 2 or values.shape[1] != outputs:
        raise InputError(f"logits have shape {values.shape}; expected (time, {outputs}), one per label")
    if not (np.abs(values) <= np.finfo(np.float32).max).all():
        raise InputError("logits hold NaN or infinite values; the input or the model is broken")
    return values


def one_answer(logits: ArrayLike, outputs: int) -> Floats:
    """Return the logits `(outputs,)` of a head that answers once a clip.

    An absent answer (time 0) reads as zeros: every class alike, or the training mean.
    """
    values = checked_logits(logits, outputs)
    if len(values) > 1:
        raise InputError(f"logits have {len(values)} steps; a head that answers once a clip has one")
    return values[0] if len(values) else np.zeros(outputs)


def log_softmax(logits: Floats) -> Floats:
    """Return log-probabilities over the last axis."""
    shifted = logits - logits.max(axis=-1, keepdims=True)
    normaliser = np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
    result: Floats = shifted - normaliser
    return result
