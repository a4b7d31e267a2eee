"""Scores of run folders over the same clips, so that variants of a system are compared clip by clip."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from trichord.decoding import Decoded
from trichord.errors import InputError
from trichord.experiments.plots import number
from trichord.experiments.predictions import read_predictions
from trichord.experiments.train import EVALUATION, PREDICTIONS
from trichord.metrics import (
    HEAD_SCORES,
    HIGHER_IS_BETTER,
    Floats,
    Interval,
    Statistic,
    groups_of,
    paired_bootstrap,
)

Runs = dict[str, list[list[Path]]]
"""By variant, for every seed, its run folders: one, or one a fold."""


class PerClip(NamedTuple):
    """Statistics of each test clip `(clips, k)`, the score of their sums, the clips' ids and their groups."""

    rows: Floats
    statistic: Statistic
    clips: Sequence[str]
    groups: Sequence[str] | None


def score_on_valid(folds: Sequence[Path], head: str, metric: str) -> float:
    """Return the mean validation score of a seed's runs, NaN where nothing validated."""
    found = [json.loads((run / EVALUATION).read_text("utf-8")) for run in folds]
    values = [number(one["valid"]["all"]["heads"][head][metric]["value"]) for one in found if "valid" in one]
    return float(np.mean(values)) if values else math.nan


def score_on_test(folds: Sequence[Path], head: str, metric: str) -> float:
    """Return the test score of a seed, over the clips of all its folds."""
    found = per_clip([folds], head, metric)
    return float(found.statistic(found.rows.sum(axis=0)))


def chosen_by_fold(runs: Runs, head: str, metric: str) -> tuple[list[list[str]], list[list[Path]]]:
    """Return, for every seed and fold, the variant that validated best there, and its run.

    A variant chosen by its mean over all folds would be chosen by clips that it is then tested on, for what
    validates in one fold is tested in another.
    """
    sign = 1 if metric in HIGHER_IS_BETTER else -1

    def best(seed: int, fold: int) -> str:
        valid = {name: score_on_valid([found[seed][fold]], head, metric) for name, found in runs.items()}
        return max(valid, key=lambda name: -math.inf if math.isnan(valid[name]) else sign * valid[name])

    shape = [range(len(folds)) for folds in next(iter(runs.values()))]
    names = [[best(seed, fold) for fold in folds] for seed, folds in enumerate(shape)]
    return names, [
        [runs[name][seed][fold] for fold, name in enumerate(row)] for seed, row in enumerate(names)
    ]


def difference(a: Sequence[Sequence[Path]], b: Sequence[Sequence[Path]], head: str, metric: str) -> Interval:
    """Return the score of runs `a` less that of runs `b`, paired by test clip, summed over seeds.

    Intervals draw groups of clips (see `groups_of`). Raises InputError where the clips differ.
    """
    first, second = per_clip(a, head, metric), per_clip(b, head, metric)
    check_same(first.clips, second.clips)
    return paired_bootstrap(first.rows, second.rows, first.statistic, groups=first.groups)


def per_clip(runs: Sequence[Sequence[Path]], head: str, metric: str) -> PerClip:
    """Return per-clip statistics of a metric, summed over seeds; `runs` holds each seed's folders."""
    found = [of_seed(folds, head, metric) for folds in runs]
    for other in found[1:]:
        check_same(found[0].clips, other.clips)
    return found[0]._replace(rows=np.sum([one.rows for one in found], axis=0))


def of_seed(folds: Sequence[Path], head: str, metric: str) -> PerClip:
    described = json.loads((folds[0] / "parts.json").read_text("utf-8"))["heads"][head]
    answered = [row for run in folds for row in read_predictions(run / PREDICTIONS) if head in row]
    answered.sort(key=lambda row: str(row["clip"]))
    said = [Decoded(as_value(row[head]["value"]), row[head]["confidence"], 0.0) for row in answered]
    targets = [as_value(row[head]["target"]) for row in answered]
    rows, statistic = HEAD_SCORES[described["kind"]](described, targets, said)[metric]
    abouts: list[Mapping[str, Any]] = [row.get("about", {}) for row in answered]
    return PerClip(rows, statistic, [str(row["clip"]) for row in answered], groups_of(abouts))


def as_value(value: Any) -> Any:
    """Return an answer as it was before it became JSON, which has no tuples."""
    return tuple(value) if isinstance(value, list) else value


def check_same(a: Sequence[str], b: Sequence[str]) -> None:
    if list(a) != list(b):
        raise InputError("these runs were tested on different clips, so they cannot be compared clip by clip")
