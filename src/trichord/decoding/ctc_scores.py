"""How sure a transcript is, and how likely its labels are."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from trichord.decoding.ctc_paths import MAX_CELLS, ctc_log_probability
from trichord.decoding.logits import Floats

BEST_PATH_SCORE = MAX_CELLS // 8
"""Cells beyond which a transcript's log-score is its best path's alone, a lower bound: the sum over all
paths would take longer than the rest of the work."""


def confidence_of(log_peaks: Sequence[float]) -> float:
    return math.exp(min(0.0, float(np.mean(log_peaks))))


def log_score(log_probs: Floats, labels: Sequence[int]) -> float:
    """Return ln P(labels), of all paths or, for very long ones, a lower bound: of the best."""
    if len(log_probs) * (2 * len(labels) + 1) > BEST_PATH_SCORE:
        return float(log_probs.max(axis=1).sum())
    return float(ctc_log_probability(log_probs[None], [len(log_probs)], labels)[0])
