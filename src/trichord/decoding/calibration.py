"""Confidences that mean what they say (C. Guo et al., On Calibration of Modern Neural Networks, 2017)."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from trichord.decoding.logits import Floats, log_softmax
from trichord.errors import InputError

LOG_LIMIT = math.log(100.0)
GOLDEN = (math.sqrt(5) - 1) / 2


class ReliabilityBin(NamedTuple):
    """Answers whose confidence lies in `(low, high]`: how many, how confident, how often right."""

    low: float
    high: float
    answers: int
    confidence: float
    accuracy: float


def fit_temperature(logits: ArrayLike, labels: ArrayLike) -> float:
    """Return the temperature, 0.01 to 100, that minimises the negative log-likelihood.

    `logits (items, classes)`, `labels (items,)` class indices. The likelihood has one minimum in the
    inverse temperature, so golden-section search finds it. Raises InputError for other shapes.
    """
    values, classes = np.asarray(logits, np.float64), np.asarray(labels)
    if values.ndim != 2 or not len(values) or classes.shape != values.shape[:1]:
        raise InputError(f"logits {values.shape} and labels {classes.shape}; expected (items, classes) and "
                         "(items,), at least one item")  # fmt: skip
    if not np.isfinite(values).all() or classes.min() < 0 or classes.max() >= values.shape[1]:
        raise InputError("logits must be finite and labels be class indices; clean them first")
    low, high = -LOG_LIMIT, LOG_LIMIT
    while high - low > 1e-5:
        left, right = high - GOLDEN * (high - low), low + GOLDEN * (high - low)
        if negative_log_likelihood(values, classes, left) <= negative_log_likelihood(values, classes, right):
            high = right
        else:
            low = left
    return math.exp((low + high) / 2)


def negative_log_likelihood(logits: Floats, labels: NDArray[np.generic], log_temperature: float) -> float:
    log_probs = log_softmax(logits / math.exp(log_temperature))
    return -float(np.take_along_axis(log_probs, labels[:, None].astype(np.intp), axis=1).mean())


def bin_of(confidences: ArrayLike, bins: int) -> NDArray[np.intp]:
    """Return each confidence's bin of `bins` equally wide ones, `(low, high]`."""
    values = np.asarray(confidences, np.float64)
    if bins < 1 or not ((values >= 0) & (values <= 1)).all():
        raise InputError("confidences must be from 0 to 1, in at least one bin")
    return np.clip(np.ceil(values * bins).astype(np.intp) - 1, 0, bins - 1)


def reliability(confidences: ArrayLike, correct: ArrayLike, bins: int = 15) -> list[ReliabilityBin]:
    """Return the bins that hold answers, in order: the points of a reliability diagram."""
    values, hits, places = np.asarray(confidences, np.float64), np.asarray(correct), bin_of(confidences, bins)
    points = []
    for place in np.unique(places).tolist():
        inside = places == place
        points.append(
            ReliabilityBin(
                place / bins, (place + 1) / bins, int(inside.sum()),
                float(values[inside].mean()), float(hits[inside].mean()),
            )
        )  # fmt: skip
    return points


def expected_calibration_error(confidences: ArrayLike, correct: ArrayLike, bins: int = 15) -> float:
    """Return the mean over answers of their bin's |confidence - accuracy|, from 0 to 1; NaN of none."""
    points = reliability(confidences, correct, bins)
    total = sum(point.answers for point in points)
    error = sum(point.answers * abs(point.confidence - point.accuracy) for point in points)
    return error / total if total else math.nan
