"""Scores of classes, and of the confidence in them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from trichord.clip import Target
from trichord.decoding.answer import UNSURE, Decoded
from trichord.decoding.calibration import bin_of
from trichord.metrics.sums import Counts, Floats, Scores, divide, nanmean, ratio, with_count

CALIBRATION_BINS = 15


def confusion_matrix(references: Sequence[str], hypotheses: Sequence[str], labels: Sequence[str]) -> Counts:
    """Return how often each label (row) was called each label (column), `(labels, labels)`.

    Hypotheses that are no label, such as "not sure", are left out.
    """
    index = {label: i for i, label in enumerate(labels)}
    matrix = np.zeros((len(labels), len(labels)), np.int64)
    for reference, hypothesis in zip(references, hypotheses, strict=True):
        if reference in index and hypothesis in index:
            matrix[index[reference], index[hypothesis]] += 1
    return matrix


def accuracy(references: Sequence[str], hypotheses: Sequence[str]) -> float:
    """Return the share of hypotheses that equal their references."""
    return float(ratio(with_count(matches(references, hypotheses)).sum(axis=0)))


def macro_f1(references: Sequence[str], hypotheses: Sequence[str]) -> float:
    """Return the unweighted mean F1 of the classes that occur; "not sure" is a miss, not a class."""
    return float(macro_f1_of(found_and_missed(references, hypotheses).sum(axis=0)))


def unweighted_average_recall(references: Sequence[str], hypotheses: Sequence[str]) -> float:
    """Return the mean recall of the references' classes (UAR)."""
    return float(recall_of(found_and_missed(references, hypotheses).sum(axis=0)))


def macro_f1_of(sums: Floats) -> Floats:
    """Return the mean F1 of the classes that occur, from true positives, false positives, false negatives."""
    hits, false, missed = np.split(sums, 3, axis=-1)
    return nanmean(divide(2 * hits, 2 * hits + false + missed))


def recall_of(sums: Floats) -> Floats:
    """Return the mean recall of the classes that were to be found, from the same sums."""
    hits, _, missed = np.split(sums, 3, axis=-1)
    return nanmean(divide(hits, hits + missed))


def calibration_error_of(sums: Floats) -> Floats:
    """Return the expected calibration error, from each bin's confidence minus hits, and the count."""
    return divide(np.abs(sums[..., :-1]).sum(axis=-1), sums[..., -1])


def matches(references: Sequence[str], hypotheses: Sequence[str]) -> Floats:
    return np.array([r == h for r, h in zip(references, hypotheses, strict=True)], np.float64)


def found_and_missed(references: Sequence[str], hypotheses: Sequence[str]) -> Floats:
    """Return `(items, 3 * classes)`: true positives, false positives and false negatives by class."""
    occurring = dict.fromkeys([*references, *(h for h in hypotheses if h != UNSURE)])
    index = {label: i for i, label in enumerate(occurring)}
    rows = np.zeros((len(references), 3, len(index)))
    for row, reference, hypothesis in zip(rows, references, hypotheses, strict=True):
        row[0 if reference == hypothesis else 2, index[reference]] = 1
        if hypothesis != reference and hypothesis in index:
            row[1, index[hypothesis]] = 1
    return rows.reshape(len(references), 3 * len(index))


def calibration_rows(confidences: Sequence[float], hits: Floats) -> Floats:
    """Return `(items, bins + 1)`: confidence minus hit in the confidence's bin, and 1."""
    rows = np.zeros((len(confidences), CALIBRATION_BINS + 1))
    rows[np.arange(len(rows)), bin_of(confidences, CALIBRATION_BINS)] = np.asarray(confidences) - hits
    rows[:, -1] = 1
    return rows


def classify_scores(head: Mapping[str, Any], targets: Sequence[Target], decoded: Sequence[Decoded]) -> Scores:
    references, hypotheses = [str(t) for t in targets], [str(d.value) for d in decoded]
    confidences = [d.confidence or 0.0 for d in decoded]
    hits = matches(references, [str(d.best) for d in decoded])
    classes = found_and_missed(references, hypotheses)
    return {
        "accuracy": (with_count(matches(references, hypotheses)), ratio),
        "macro_f1": (classes, macro_f1_of),
        "uar": (classes, recall_of),
        "ece": (calibration_rows(confidences, hits), calibration_error_of),
    }
