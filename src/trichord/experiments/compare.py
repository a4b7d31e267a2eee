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

from trichord.errors import RecipeError
from trichord.experiments.paired import Runs, chosen_by_fold, difference, score_on_test, score_on_valid
from trichord.experiments.plots import save
from trichord.experiments.train import EVALUATION, train
from trichord.files import write_text
from trichord.learning.recipe import load_recipe
from trichord.learning.training import RunFolder
from trichord.metrics import HIGHER_IS_BETTER, Interval, headline_of
from trichord.progress import console

Variant = Mapping[str, Any]

BY_FOLD = "chosen fold by fold"
"""The row of what validates best in each fold: of a cross-validation, no single variant is the best."""


def compare(
    recipe: str | Path, folder: Path, *, over: Mapping[str, Sequence[Any]], seeds: int = 1,
    folds: int | None = None, changes: Mapping[str, Any] | None = None,
) -> Path:  # fmt: skip
    """Train every combination of `over` with every seed, each in a run folder of its own, and report.

    With `folds`, each is cross-validated: trained once for every part of the corpus (see `Fold`), and scored
    over the clips of all parts together. Finished runs are not repeated, so an interrupted comparison goes
    on. Runs are measured in torch, not exported. The best variant is the one with the best mean validation
    score, in a cross-validation whatever validates best in each fold; differences from it are paired over
    test clips, whose statistics are summed over seeds. Writes `comparison.json`, `.md` and `.png`. Raises
    RecipeError where there is nothing to vary or to test on, or the folder holds a comparison of another
    recipe.
    """
    if not over or not all(over.values()):
        raise RecipeError("nothing to compare: give --over KEY=A,B")
    variants = [dict(zip(over, values, strict=True)) for values in product(*over.values())]
    if not load_recipe(recipe, {**(changes or {}), **variants[0]}).clips("test"):
        raise RecipeError(f"{recipe}: its corpus has no test clips, so nothing can be compared")
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
        wanted, folded = dict(runs), any(len(folds) > 1 for folds in next(iter(runs.values())))
        if folded:
            wanted[BY_FOLD] = chosen_by_fold(runs, head, metric)[1]
        scores = {name: {"valid": [score_on_valid(folds, head, metric) for folds in by_seed],
                         "test": [score_on_test(folds, head, metric) for folds in by_seed]}
                  for name, by_seed in wanted.items()}  # fmt: skip
        best = BY_FOLD if folded else best_of(scores, metric)
        for name, by_split in scores.items():
            row = {"variant": name, "head": head, "metric": metric, "best": name == best}
            row |= {split: over_seeds(values) for split, values in by_split.items()}
            if best is not None and name != best:
                row["minus_best"] = vars_of(difference(wanted[name], wanted[best], head, metric))
            rows.append(row)
    return rows


def best_of(scores: Mapping[str, Mapping[str, Sequence[float]]], metric: str) -> str | None:
    """Return the variant with the best mean validation score; None where nothing validated."""
    sign = 1 if metric in HIGHER_IS_BETTER else -1
    means = {name: sign * float(np.mean(by_split["valid"])) for name, by_split in scores.items()}
    known = [name for name, mean in means.items() if not math.isnan(mean)]
    return max(known, key=means.__getitem__, default=None)


def over_seeds(values: list[float]) -> dict[str, Any]:
    deviation = float(np.std(values, ddof=1)) if len(values) > 1 else 0.0
    return {"mean": float(np.mean(values)), "std": deviation, "values": values}


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
