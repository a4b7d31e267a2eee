"""The same recipe in several variants, told apart: mean, deviation, paired intervals, a picture."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from trichord.decoding import Decoded
from trichord.errors import RecipeError
from trichord.experiments.plots import number, save
from trichord.experiments.predictions import read_predictions
from trichord.experiments.train import EVALUATION, PREDICTIONS, train
from trichord.files import write_text
from trichord.learning.recipe import load_recipe
from trichord.learning.training import RunFolder
from trichord.metrics import (
    HEAD_SCORES,
    HIGHER_IS_BETTER,
    Floats,
    Interval,
    Score,
    headline_of,
    paired_bootstrap,
)
from trichord.progress import console

Variant = Mapping[str, Any]
Runs = dict[str, list[list[Path]]]
"""By variant, for every seed, its run folders: one, or one a fold."""


def compare(
    recipe: str | Path, folder: Path, *, over: Mapping[str, Sequence[Any]], seeds: int = 1,
    folds: int | None = None, changes: Mapping[str, Any] | None = None,
) -> Path:  # fmt: skip
    """Train every combination of `over` with every seed, each in a run folder of its own, and report.

    With `folds`, each is cross-validated: trained once for every part of the corpus (see `Fold`), and scored
    over the clips of all parts together. Finished runs are not repeated, so an interrupted comparison goes
    on. Runs are measured in torch, not exported. The best variant is the one with the best mean validation
    score; differences from it are paired over test clips, whose statistics are summed over seeds. Writes
    `comparison.json`, `.md` and `.png`. Raises RecipeError where there is nothing to vary, or the folder
    holds a comparison of another recipe.
    """
    if not over or not all(over.values()):
        raise RecipeError("nothing to compare: give --over KEY=A,B")
    variants = [dict(zip(over, values, strict=True)) for values in product(*over.values())]
    divisions: list[Variant] = [{"fold.of": folds, "fold.number": n} for n in range(folds)] if folds else [{}]
    runs: Runs = {}
    for variant in variants:
        runs[name_of(variant)] = [
            [run_variant(recipe, folder, variant, seed, {**(changes or {}), **part}) for part in divisions]
            for seed in range(seeds)
        ]
    rows = tabulate(runs)
    write_text(folder / "comparison.json", json.dumps(rows, indent=1))
    write_text(folder / "comparison.md", markdown(rows, seeds))
    plot(rows, folder / "comparison.png")
    return folder


def run_variant(
    recipe: str | Path, folder: Path, variant: Variant, seed: int, changes: Mapping[str, Any]
) -> Path:
    run = folder / name_of(variant).replace("/", "_") / f"seed-{seed}"
    told = f"{name_of(variant)}, seed {seed}"
    if "fold.number" in changes:
        run, told = run / f"fold-{changes['fold.number']}", f"{told}, fold {changes['fold.number']}"
    RunFolder(run).write_recipe(load_recipe(recipe, {**changes, **variant, "training.seed": seed}))
    if not (run / EVALUATION).exists():
        console.rule(told)
        train(recipe, run, changes={**changes, **variant, "training.seed": seed}, export=False)
    return run


def name_of(variant: Variant) -> str:
    return ",".join(f"{key}={value}" for key, value in variant.items())


def tabulate(runs: Runs) -> list[dict[str, Any]]:
    """Return a row for every variant and head: scores over seeds, and the difference from the best."""
    first = json.loads((next(iter(runs.values()))[0][0] / EVALUATION).read_text("utf-8"))
    rows = []
    for head, metrics in first["test"]["all"]["heads"].items():
        metric = headline_of(metrics)
        if metric is None:
            continue
        scores = {name: {"valid": [score_on_valid(folds, head, metric) for folds in by_seed],
                         "test": [score_on_test(folds, head, metric) for folds in by_seed]}
                  for name, by_seed in runs.items()}  # fmt: skip
        sign = -1 if metric in HIGHER_IS_BETTER else 1
        ranked = {name: sign * float(np.mean(by_split["valid"])) for name, by_split in scores.items()}
        best = min(ranked, key=lambda name: math.inf if math.isnan(ranked[name]) else ranked[name])
        for name, by_split in scores.items():
            row = {"variant": name, "head": head, "metric": metric, "best": name == best}
            row |= {split: over_seeds(values) for split, values in by_split.items()}
            if name != best:
                row["minus_best"] = vars_of(difference(runs[name], runs[best], head, metric))
            rows.append(row)
    return rows


def over_seeds(values: list[float]) -> dict[str, Any]:
    deviation = float(np.std(values, ddof=1)) if len(values) > 1 else 0.0
    return {"mean": float(np.mean(values)), "std": deviation, "values": values}


def score_on_valid(folds: Sequence[Path], head: str, metric: str) -> float:
    """Return the mean validation score of a seed's runs, NaN where nothing validated."""
    found = [json.loads((run / EVALUATION).read_text("utf-8")) for run in folds]
    values = [number(one["valid"]["all"]["heads"][head][metric]["value"]) for one in found if "valid" in one]
    return float(np.mean(values)) if values else math.nan


def score_on_test(folds: Sequence[Path], head: str, metric: str) -> float:
    """Return the test score of a seed, over the clips of all its folds."""
    rows, statistic = item_scores([folds], head, metric)
    return float(statistic(rows.sum(axis=0)))


def difference(a: Sequence[Sequence[Path]], b: Sequence[Sequence[Path]], head: str, metric: str) -> Interval:
    """Return the score of runs `a` less that of runs `b`, paired by test clip, summed over seeds."""
    (first, statistic), (second, _) = item_scores(a, head, metric), item_scores(b, head, metric)
    return paired_bootstrap(first, second, statistic)


def item_scores(runs: Sequence[Sequence[Path]], head: str, metric: str) -> Score:
    """Return per-clip statistics `(clips, k)` of a metric, summed over seeds, and the score of their sums.

    `runs` holds the run folders of each seed: one, or one a fold.
    """
    found = []
    for folds in runs:
        described = json.loads((folds[0] / "parts.json").read_text("utf-8"))["heads"][head]
        rows = [row[head] for run in folds for row in read_predictions(run / PREDICTIONS) if head in row]
        said = [Decoded(as_value(row["value"]), row["confidence"], 0.0) for row in rows]
        targets = [as_value(row["target"]) for row in rows]
        found.append(HEAD_SCORES[described["kind"]](described, targets, said)[metric])
    total: Floats = np.sum([rows for rows, _ in found], axis=0)
    return total, found[0][1]


def as_value(value: Any) -> Any:
    """Return an answer as it was before it became JSON, which has no tuples."""
    return tuple(value) if isinstance(value, list) else value


def vars_of(interval: Interval) -> dict[str, float]:
    return {"value": interval.value, "low": interval.low, "high": interval.high}


def markdown(rows: Sequence[Mapping[str, Any]], seeds: int) -> str:
    """Return the comparison as a Markdown table."""
    lines = [
        f"Mean ± standard deviation over {seeds} seed(s); the best by validation is marked; the last column "
        "is the test difference from it with its 95 % paired interval over clips.",
        "",
        "| variant | head | metric | valid | test | minus best |",
        "|---|---|---|---|---|---|",
    ]
    for row in rows:
        mark = " **best**" if row["best"] else ""
        scores = [f"{row[split]['mean']:.4f} ± {row[split]['std']:.4f}" for split in ("valid", "test")]
        less = row.get("minus_best")
        told = f"{less['value']:+.4f} [{less['low']:+.4f}, {less['high']:+.4f}]" if less else ""
        lines.append(
            f"| {row['variant']}{mark} | {row['head']} | {row['metric']} | {' | '.join(scores)} | {told} |"
        )
    return "\n".join(lines) + "\n"


def plot(rows: Sequence[Mapping[str, Any]], path: Path) -> None:
    """Draw each head's test scores by variant, a dot a seed."""
    heads = list(dict.fromkeys(row["head"] for row in rows))
    variants = list(dict.fromkeys(row["variant"] for row in rows))
    figure = Figure(figsize=(1.5 + 3 * len(heads), 1 + 0.4 * len(variants)), layout="constrained")
    for axis, head in zip(figure.subplots(1, len(heads), sharey=True, squeeze=False)[0], heads, strict=True):
        for row in (row for row in rows if row["head"] == head):
            axis.plot(row["test"]["values"], [row["variant"]] * len(row["test"]["values"]), "o", alpha=0.5)
            axis.plot(row["test"]["mean"], row["variant"], "|", color="black", markersize=14)
            axis.set(title=head, xlabel=row["metric"])
    save(figure, path)
