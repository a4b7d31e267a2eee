"""Noise in features and pictures at a stated level, and values that no sensor should give in any input."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from trichord.errors import InputError
from trichord.prepare.preparation import Array, InputSpec, Preparation

WILD_DEVIATIONS = 10.0
WHITE = 255

Columns = NDArray[np.float64]


def scale_of(preparation: Preparation) -> tuple[Columns, Columns]:
    """Return the training data's mean and deviation in prepared arrays, `(dim,)`, or `(1,)` for all columns.

    0 and 1 where the preparation has standardised them, or has measured nothing.
    """
    state = preparation.state()
    if getattr(preparation, "normalise", True) or not {"mean", "deviation"} <= state.keys():
        return np.zeros(1), np.ones(1)
    return np.array(state["mean"], np.float64), np.array(state["deviation"], np.float64)


def add_white(
    array: Array, spec: InputSpec, snr_db: float, deviation: Columns, rng: np.random.Generator
) -> Array:
    """Return features or frames `(time, ...)` with white Gaussian noise at `snr_db`.

    The ratio is of variances. A feature's is the training data's, `deviation (dim,)`, so that a clip of one
    step has it too; a picture's is that of all the clip's pixels, which stay within 0 to 255.
    """
    loudness = 10 ** (-snr_db / 20)
    if spec.kind == "array":
        noise = rng.standard_normal(array.shape, np.float32)
        return np.add(array, noise * (deviation * loudness)).astype(np.float32)
    noisy = array.copy()
    strength = np.float32(array.std(dtype=np.float64) * loudness) if array.size else np.float32(0)
    for step, frame in enumerate(array):  # one at a time, for noise is four times a film's size
        changed = frame + strength * rng.standard_normal(frame.shape, np.float32)
        noisy[step] = np.rint(changed).clip(0, WHITE)
    return noisy


def outliers(
    array: Array, spec: InputSpec, share: float, scale: tuple[Columns, Columns], rng: np.random.Generator
) -> Array:
    """Return `array (time, ...)` with a random `share` of it replaced by wild values.

    Of samples, by clicks at full scale; of pixels, by black or white (salt and pepper); of a features' steps,
    by values 10 deviations off the mean of `scale`; of tokens, by others. What a smaller share replaces, a
    larger one does too. Raises InputError for a share outside 0 to 1.
    """
    if not 0 <= share <= 1:
        raise InputError(f"the share of outliers must be from 0 to 1; got {share}")
    units = array.shape[:3] if spec.kind == "frames" else array.shape[:1]
    hit = rng.random(units, np.float32) < share
    wild = array.copy()
    wild[hit] = wild_values((int(hit.sum()), *array.shape[hit.ndim :]), spec, scale, rng)
    return wild


def wild_values(
    shape: tuple[int, ...], spec: InputSpec, scale: tuple[Columns, Columns], rng: np.random.Generator
) -> Array:
    """Return so many replacements; the colours of a pixel change together."""
    if spec.kind == "tokens":
        return rng.integers(min(1, spec.vocabulary - 1), spec.vocabulary, shape)
    if spec.kind == "frames":
        salt = rng.integers(2, size=shape[0]) * WHITE
        return np.broadcast_to(salt.reshape(-1, *(1,) * (len(shape) - 1)), shape).astype(np.uint8)
    signs = rng.choice((-1.0, 1.0), shape)
    if spec.kind == "samples":
        return signs.astype(np.float32)
    mean, deviation = scale
    return np.asarray(mean + WILD_DEVIATIONS * deviation * signs, np.float32)
