"""Scores of yes or no by a threshold: the same speaker or another, the wake word or something else."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from trichord.clip import Target
from trichord.decoding.answer import Decoded
from trichord.errors import InputError
from trichord.metrics.sums import Floats, Scores, divide, ratio

MAX_ITEMS = 1500
"""Of more embeddings, so many evenly spaced ones are compared with each other."""
EDGES = 256
"""How many cosines of pairs of the same label, and as many of others, part the histograms."""


class Rate(NamedTuple):
    """An error rate, and the score from which on the answer is yes."""

    rate: float
    threshold: float


class Curve(NamedTuple):
    """Detection error trade-off (Martin et al., 1997): both error rates where scores >= `thresholds` say yes.

    Thresholds rise; `misses` is the share of true pairs below each, `alarms` that of others not below it.
    """

    thresholds: Floats
    misses: Floats
    alarms: Floats


def detection_curve(scores: ArrayLike, same: ArrayLike) -> Curve:
    """Return the curve of trials: a score for each, and whether the answer is yes.

    Raises InputError unless there are trials of both kinds, with finite scores.
    """
    values, truth = np.asarray(scores, np.float64), np.asarray(same, bool)
    if values.ndim != 1 or values.shape != truth.shape or not np.isfinite(values).all():
        raise InputError(
            f"scores {values.shape} and answers {truth.shape}; expected as many, finite, (trials,)"
        )
    if truth.all() or not truth.any():
        raise InputError("a detection curve needs trials whose answer is yes, and others whose answer is no")
    thresholds = np.unique(values)
    thresholds = np.append(thresholds, np.nextafter(thresholds[-1], np.inf))
    yes, no = np.sort(values[truth]), np.sort(values[~truth])
    misses = np.searchsorted(yes, thresholds) / len(yes)
    return Curve(thresholds, misses, 1 - np.searchsorted(no, thresholds) / len(no))


def equal_error_rate(scores: ArrayLike, same: ArrayLike) -> Rate:
    """Return where misses and false alarms are alike, straight lines being drawn between the thresholds."""
    curve = detection_curve(scores, same)
    place, part = crossing(curve.misses, curve.alarms)
    return Rate(float(between(curve.misses, place, part)), float(between(curve.thresholds, place, part)))


def min_dcf(
    scores: ArrayLike, same: ArrayLike, *, prior: float = 0.01, miss: float = 1.0, alarm: float = 1.0
) -> Rate:
    """Return the least detection cost, over that of the better constant answer (NIST SRE).

    prior: how often the answer is yes. miss, alarm: what each error costs.
    """
    curve = detection_curve(scores, same)
    costs = miss * prior * curve.misses + alarm * (1 - prior) * curve.alarms
    best = int(costs.argmin())
    return Rate(float(costs[best] / min(miss * prior, alarm * (1 - prior))), float(curve.thresholds[best]))


def miss_rate(hits: ArrayLike, alarms: ArrayLike, *, hours: float, alarms_per_hour: float) -> Rate:
    """Return the share of misses at the lowest threshold that allows no more false alarms than that.

    hits: the best score in each clip that holds what is looked for; -inf where nothing was found.
    alarms: the score of every detection in `hours` of other sound.
    """
    if not hours > 0 or alarms_per_hour < 0:
        raise InputError(f"hours must be above 0, alarms an hour at least 0; got {hours}, {alarms_per_hour}")
    found, false = np.asarray(hits, np.float64), np.sort(np.asarray(alarms, np.float64))[::-1]
    allowed = math.floor(hours * alarms_per_hour + 1e-9)
    threshold = -math.inf if len(false) <= allowed else float(np.nextafter(false[allowed], np.inf))
    missed = (found < threshold) | (found == -math.inf)
    return Rate(float(missed.mean()) if len(found) else math.nan, threshold)


def alarm_rate(alarms: ArrayLike, threshold: float, *, hours: float, tail: int = 10) -> float:
    """Return how many false alarms an hour are to be expected at a threshold, also where none was seen.

    alarms: the score of every detection in `hours` of other sound. The `tail` highest are taken to be as
    those of an exponential distribution above the next one (peaks over threshold; J. Pickands, 1975).
    """
    false = np.sort(np.asarray(alarms, np.float64))[::-1]
    if not hours > 0 or tail < 1:
        raise InputError(f"hours must be above 0 and a tail hold a score at least; got {hours} and {tail}")
    if len(false) <= tail or threshold <= false[tail]:
        return float((false >= threshold).sum() / hours)
    scale = float(np.mean(false[:tail] - false[tail]))
    return tail / hours * math.exp(-(threshold - false[tail]) / scale) if scale else 0.0


def crossing(misses: Floats, alarms: Floats) -> tuple[NDArray[np.intp], Floats]:
    """Return where rising misses meet falling alarms, `(...)`: after which point, and how far to the next."""
    gap = alarms - misses
    after = np.clip((gap <= 0).argmax(-1), 1, None)
    before = after - 1
    first, second = (np.take_along_axis(gap, place[..., None], -1)[..., 0] for place in (before, after))
    return before, np.clip(divide(first, first - second), 0.0, 1.0)


def between(values: Floats, place: NDArray[np.intp], part: Floats) -> Floats:
    """Return values `(..., points)` part of the way from one point to the next."""
    first, second = (np.take_along_axis(values, at[..., None], -1)[..., 0] for at in (place, place + 1))
    return np.asarray(first + part * (second - first))


# Embeddings


def contrastive_scores(
    head: Mapping[str, Any], targets: Sequence[Target], decoded: Sequence[Decoded]
) -> Scores:
    """Return the scores of embeddings, of all pairs of items: are they of the same label?

    `eer`: the equal error rate of their cosines; `precision_at_1`: how often the nearest other item has an
    item's label, where any other has it. An item's own sums are of its pairs with all others.
    """
    chosen = compared(len(targets))
    labels = np.array([str(targets[row]) for row in chosen])
    vectors = np.array([decoded[row].value for row in chosen], np.float64).reshape(len(labels), head["size"])
    cosines, same = vectors @ vectors.T, labels[:, None] == labels
    other = ~np.eye(len(labels), dtype=bool)
    edges = edges_of(cosines[same & other], cosines[~same])
    pairs = np.zeros((len(targets), 2, len(edges) + 1))
    nearest = np.zeros((len(targets), 2))
    bins = np.searchsorted(edges, cosines, "right")
    for row, place in enumerate(chosen):
        for kind, mask in enumerate((same[row] & other[row], ~same[row])):
            pairs[place, kind] = np.bincount(bins[row, mask], minlength=len(edges) + 1)
        if (same[row] & other[row]).any():
            found = np.where(other[row], cosines[row], -np.inf).argmax()
            nearest[place] = same[row, found], 1
    rows = pairs.reshape(len(targets), 2 * (len(edges) + 1))
    return {"eer": (rows, equal_error_of), "precision_at_1": (nearest, ratio)}


def compared(items: int) -> NDArray[np.intp]:
    """Return the numbers of the items whose pairs are compared: all, or `MAX_ITEMS` evenly from many."""
    chosen = np.unique(np.linspace(0, max(items - 1, 0), MAX_ITEMS).round().astype(np.intp))
    return chosen[:items]  # none of none


def edges_of(same: Floats, others: Floats) -> Floats:
    """Return thresholds, quantiles of either kind of cosine: as fine where few pairs of one kind lie."""
    shares = np.linspace(0, 1, EDGES)
    found = [np.quantile(values, shares, method="nearest") for values in (same, others) if len(values)]
    return np.unique(np.concatenate([*found, np.zeros(0)]))


def equal_error_of(sums: Floats) -> Floats:
    """Return the equal error rate, from histograms of same and of other pairs; NaN where one is empty."""
    same, others = np.split(sums, 2, axis=-1)  # (..., bins)
    misses = share_below(same)
    place, part = crossing(misses, 1 - share_below(others))
    rate = between(misses, place, part)
    return np.where((same.sum(-1) > 0) & (others.sum(-1) > 0), rate, np.nan)


def share_below(counts: Floats) -> Floats:
    """Return what share of `counts (..., bins)` lies below each bin, and below the end of all."""
    cumulated = np.concatenate([np.zeros_like(counts[..., :1]), np.cumsum(counts, -1)], -1)
    return divide(cumulated, cumulated[..., -1:])
