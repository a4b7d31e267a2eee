"""Scores of numbers: errors and correlations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from trichord.clip import Target
from trichord.decoding.answer import Decoded
from trichord.errors import InputError
from trichord.metrics.sums import Floats, Score, Scores, Statistic, divide, ratio, root_ratio, with_count


def mae(references: ArrayLike, hypotheses: ArrayLike) -> float:
    """Return the mean absolute error."""
    return float(ratio(with_count(np.abs(differences(references, hypotheses))).sum(axis=0)))


def rmse(references: ArrayLike, hypotheses: ArrayLike) -> float:
    """Return the root of the mean squared error."""
    return float(root_ratio(with_count(np.square(differences(references, hypotheses))).sum(axis=0)))


def pearson(references: ArrayLike, hypotheses: ArrayLike) -> float:
    """Return Pearson's correlation; NaN where either does not vary."""
    return float(pearson_of(moments(references, hypotheses).sum(axis=0)))


def concordance(references: ArrayLike, hypotheses: ArrayLike) -> float:
    """Return the concordance correlation coefficient, CCC (Lin, 1989)."""
    return float(concordance_of(moments(references, hypotheses).sum(axis=0)))


def pearson_of(sums: Floats) -> Floats:
    """Return Pearson's correlation, from the sums of `moments`."""
    _, _, variance_x, variance_y, covariance = central(sums)
    return divide(covariance, np.sqrt(variance_x) * np.sqrt(variance_y))


def concordance_of(sums: Floats) -> Floats:
    """Return the concordance correlation coefficient (Lin, 1989), from the sums of `moments`."""
    mean_x, mean_y, variance_x, variance_y, covariance = central(sums)
    return divide(2 * covariance, variance_x + variance_y + np.square(mean_x - mean_y))


def central(sums: Floats) -> tuple[Floats, ...]:
    """Return means, variances and covariance, `(...)` each, from the sums of `moments`."""
    x, y, xx, yy, xy = np.moveaxis(divide(sums[..., 1:], sums[..., :1]), -1, 0)
    return x, y, np.maximum(xx - x * x, 0), np.maximum(yy - y * y, 0), xy - x * y


def differences(references: ArrayLike, hypotheses: ArrayLike) -> Floats:
    x, y = np.asarray(references, np.float64), np.asarray(hypotheses, np.float64)
    if x.shape != y.shape:
        raise InputError(f"{x.shape} references and {y.shape} hypotheses; expected as many of each")
    return y - x


def moments(references: ArrayLike, hypotheses: ArrayLike) -> Floats:
    """Return `(items, ..., 6)`: 1, x, y, x², y², xy; both less the references' mean, for precision."""
    y = differences(references, hypotheses)
    x = np.asarray(references, np.float64)
    x = x - (x.mean(axis=0) if len(x) else 0.0)
    y = x + y
    return np.stack([np.ones_like(x), x, y, x * x, y * y, x * y], axis=-1)


def regress_scores(head: Mapping[str, Any], targets: Sequence[Target], decoded: Sequence[Decoded]) -> Scores:
    """Return the scores of numbers: of a clip, the mean over their names; of steps, over all steps known."""
    if head.get("each") == "step":
        return step_scores(targets, decoded)
    shape = (len(targets), len(head["names"]))
    try:
        x = np.array(targets, np.float64).reshape(shape)
        y = np.array([d.value for d in decoded], np.float64).reshape(shape)
    except (TypeError, ValueError):
        raise InputError(f"each target of this head must be {shape[1]} numbers, one per name") from None
    errors = differences(x, y)
    return {
        "mae": mean_over_names(with_count(np.abs(errors)), ratio),
        "rmse": mean_over_names(with_count(np.square(errors)), root_ratio),
        "pearson": mean_over_names(moments(x, y), pearson_of),
        "ccc": mean_over_names(moments(x, y), concordance_of),
    }


def step_scores(targets: Sequence[Target], decoded: Sequence[Decoded]) -> Scores:
    """Return the scores of a number for each step; steps whose target is NaN are not known.

    An item without any step, whose stream of steps is withheld, is asked nothing and does not count.
    """
    pairs = [
        (numbers_of(target), numbers_of(one.value)) for target, one in zip(targets, decoded, strict=True)
    ]
    pairs = [(truth, said) if len(said) else (said, said) for truth, said in pairs]
    for truth, said in pairs:
        if truth.shape != said.shape:
            raise InputError(f"a target has {len(truth)} numbers for {len(said)} steps; each step needs one")
    x, y = (np.concatenate([np.zeros(0), *side]) for side in zip(*pairs, strict=True)) if pairs else ((), ())
    owner = np.repeat(np.arange(len(pairs)), [len(truth) for truth, _ in pairs])
    known = ~np.isnan(np.asarray(x, np.float64))
    x, y, owner = np.asarray(x)[known], np.asarray(y)[known], owner[known]

    def of_items(rows: Floats) -> Floats:
        sums = np.zeros((len(pairs), rows.shape[-1]))
        np.add.at(sums, owner, rows)
        return sums

    errors = differences(x, y)
    return {
        "mae": (of_items(with_count(np.abs(errors))), ratio),
        "rmse": (of_items(with_count(np.square(errors))), root_ratio),
        "pearson": (of_items(moments(x, y)), pearson_of),
        "ccc": (of_items(moments(x, y)), concordance_of),
    }


def numbers_of(value: Any) -> Floats:
    """Return numbers `(steps,)`; raises InputError for anything else."""
    try:
        return np.array(value, np.float64).reshape(-1)
    except (TypeError, ValueError):
        raise InputError(f"a target of this head must be a number for each step; got {value!r:.80}") from None


def mean_over_names(rows: Floats, statistic: Statistic) -> Score:
    """Return a score of statistics `(items, names, k)`: the mean of the names' own."""
    items, names, width = rows.shape

    def mean(sums: Floats) -> Floats:
        each = statistic(sums.reshape(*sums.shape[:-1], names, width))
        return np.asarray(each.mean(axis=-1))

    return rows.reshape(items, names * width), mean
