"""Scores as functions of sums over items, from `(..., k)` to `(...)`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from trichord.clip import Target
from trichord.decoding.answer import Decoded

Floats: TypeAlias = NDArray[np.float64]
Counts: TypeAlias = NDArray[np.int64]
Statistic: TypeAlias = Callable[[Floats], Floats]
Score: TypeAlias = tuple[Floats, Statistic]
Scores: TypeAlias = dict[str, Score]
HeadScores: TypeAlias = Callable[[Mapping[str, Any], Sequence[Target], Sequence[Decoded]], Scores]


def ratio(sums: Floats) -> Floats:
    """Return the first sum over the second."""
    return divide(sums[..., 0], sums[..., 1])


def root_ratio(sums: Floats) -> Floats:
    return np.sqrt(ratio(sums))


def divide(numerator: Floats, denominator: Floats) -> Floats:
    """Return the quotient, NaN where the denominator is 0."""
    numerator, denominator = np.broadcast_arrays(numerator, denominator)
    undefined = np.full(numerator.shape, np.nan)
    quotient: Floats = np.divide(numerator, denominator, out=undefined, where=denominator != 0)
    return quotient


def nanmean(values: Floats) -> Floats:
    """Return the mean over the last axis of what is not NaN."""
    known = ~np.isnan(values)
    return divide(np.where(known, values, 0.0).sum(axis=-1), known.sum(axis=-1).astype(np.float64))


def with_count(values: Floats) -> Floats:
    """Return `(items, ..., 2)`: a value and 1, whose sums' ratio is the mean."""
    return np.stack([values, np.ones_like(values)], axis=-1)
