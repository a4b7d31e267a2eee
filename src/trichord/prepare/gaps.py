"""Stretches in which a sense is lost: the microphone mute, the face turned away."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from trichord.errors import InputError
from trichord.prepare.preparation import Array, InputSpec

GAP_SECONDS = 0.8


def hide(array: Array, hidden: NDArray[np.bool_], spec: InputSpec) -> Array:
    """Return `array (time, ...)` where nothing is sensed at the steps `hidden (time,)`.

    Samples and features become zero there; frames become the item's mean frame, which moves nothing.
    """
    masked = array.copy()
    if not hidden.any():
        return masked
    masked[hidden] = array.mean(0, dtype=np.float32).astype(array.dtype) if spec.kind == "frames" else 0
    return masked


def gaps(
    steps: int, rate: float, share: float, rng: np.random.Generator, *, seconds: float = GAP_SECONDS
) -> NDArray[np.bool_]:
    """Return which of `steps` are lost, `(steps,)`: about `share` of them, in stretches of `seconds`.

    Time is cut into stretches from a random start, and a random `share` of them is lost. Raises InputError
    for a share outside 0 to 1.
    """
    if not 0 <= share <= 1:
        raise InputError(f"the share of a stream that is lost must be from 0 to 1; got {share}")
    length = max(1, round(seconds * rate))
    stretches = (np.arange(steps) + rng.integers(length)) // length
    count = int(stretches[-1]) + 1 if steps else 0
    lost = rng.permutation(count) < round(share * count)
    return np.asarray(lost[stretches], np.bool_) if steps else np.zeros(0, np.bool_)
