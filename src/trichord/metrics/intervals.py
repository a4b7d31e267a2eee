"""The bootstrap: how far a score could be off by the luck of its items."""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from trichord.errors import InputError
from trichord.metrics.sums import Floats, Statistic

CHUNK_CELLS = 1 << 22


@dataclass(frozen=True, slots=True)
class Interval:
    """A score and its 95 % percentile bootstrap interval, over `n` items; NaN where it has none."""

    value: float
    low: float
    high: float
    n: int


def bootstrap(
    items: ArrayLike, statistic: Statistic, *, resamples: int = 2000, seed: int = 0,
    groups: Sequence[Hashable] | None = None,
) -> Interval:  # fmt: skip
    """Return a score with its interval (B. Efron, 1979).

    `items (items, k)` are per-item statistics and `statistic` the score of their sums. With `groups`, a
    speaker for each item say, whole groups are drawn. `resamples=0` gives the value alone.
    """
    rows = np.asarray(items, np.float64)
    value = float(statistic(rows.sum(axis=0)))
    units = rows if groups is None else sums_by_group(rows, groups)
    if resamples == 0 or not len(units):
        return Interval(value, math.nan, math.nan, len(rows))
    scores = np.concatenate([statistic(sums) for sums in resampled(units, resamples, seed)])
    scores = scores[np.isfinite(scores)]
    low, high = np.quantile(scores, [0.025, 0.975]) if len(scores) else (math.nan, math.nan)
    return Interval(value, float(low), float(high), len(rows))


def paired_bootstrap(
    a: ArrayLike, b: ArrayLike, statistic: Statistic, *, resamples: int = 2000, seed: int = 0,
    groups: Sequence[Hashable] | None = None,
) -> Interval:  # fmt: skip
    """Return the score of `a` less that of `b`, both over the same items and the same draws of them."""
    first, second = np.asarray(a, np.float64), np.asarray(b, np.float64)
    if len(first) != len(second):
        raise InputError(f"{len(first)} and {len(second)} items; a paired bootstrap needs the same items")
    width = first.shape[1]
    both = np.concatenate([first, second], axis=1)
    return bootstrap(both, lambda sums: statistic(sums[..., :width]) - statistic(sums[..., width:]),
                     resamples=resamples, seed=seed, groups=groups)  # fmt: skip


def sums_by_group(rows: Floats, groups: Sequence[Hashable]) -> Floats:
    if len(groups) != len(rows):
        raise InputError(f"{len(groups)} groups for {len(rows)} items; each item needs its group")
    index = {group: i for i, group in enumerate(dict.fromkeys(groups))}
    sums = np.zeros((len(index), rows.shape[1]))
    np.add.at(sums, [index[group] for group in groups], rows)
    return sums


def resampled(units: Floats, resamples: int, seed: int) -> Iterator[Floats]:
    """Give the sums of units drawn with replacement, `(draws, k)` at a time, in bounded memory."""
    random, size = np.random.default_rng(seed), len(units)
    chunk = max(1, CHUNK_CELLS // size)
    for done in range(0, resamples, chunk):
        draws = min(chunk, resamples - done)
        drawn = random.integers(size, size=(draws, size)) + size * np.arange(draws)[:, None]
        yield np.bincount(drawn.ravel(), minlength=draws * size).reshape(draws, size) @ units


def groups_of(abouts: Sequence[Mapping[str, Any]]) -> list[str] | None:
    """Return what intervals draw together, by what is known of each clip: its group, else its speaker.

    None where some clip has neither, or all have the same: then single clips are drawn.
    """
    groups = [about.get("group") or about.get("speaker") for about in abouts]
    return [str(group) for group in groups] if all(groups) and len(set(groups)) > 1 else None
