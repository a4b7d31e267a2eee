"""Pictures of a run: learning curves, what each stream gives, confusions, calibration."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from trichord.files import atomic
from trichord.learning.training import RunFolder
from trichord.metrics import HEADLINE, headline_of

MAX_CLASSES = 40


def plot_run(run: RunFolder, results: Mapping[str, Any]) -> None:
    """Draw a finished run's pictures into its folder; `results` is its evaluation by split and subset."""
    if history := run.read_history():
        plot_curves(history, run.path / "curves.png")
    split = "test" if "test" in results else "valid"
    if split not in results:
        return
    plot_subsets(results[split], run.path / "streams.png")
    for name, head in results[split]["all"]["classifiers"].items():
        if len(head["labels"]) <= MAX_CLASSES:
            plot_confusion(head, run.path / f"confusion-{name}.png")
        plot_calibration(head, run.path / f"calibration-{name}.png")


def plot_curves(history: Sequence[Mapping[str, float]], path: Path) -> None:
    """Draw losses on the left and validation metrics on the right, over epochs."""
    figure = Figure(figsize=(9, 3.5), layout="constrained")
    left, right = figure.subplots(1, 2)
    epochs = [row["epoch"] for row in history]
    for key in ("train_loss", "valid_loss"):
        if key in history[0]:
            left.plot(epochs, [row[key] for row in history], label=key.replace("_", " "))
    heads = {key.rpartition(".")[0] for key in history[0] if key.rpartition(".")[2] in HEADLINE}
    for head in sorted(heads):
        own = [key.rpartition(".")[2] for key in history[0] if key.rpartition(".")[0] == head]
        key = f"{head}.{headline_of(dict.fromkeys(own))}"
        right.plot(epochs, [row[key] for row in history], label=key)
    left.set(xlabel="epoch", ylabel="loss")
    right.set(xlabel="epoch", title="validation", ylim=(0, None))
    for axis in (left, right):
        if axis.has_data():
            axis.legend(frameon=False)
    save(figure, path)


def plot_subsets(by_subset: Mapping[str, Any], path: Path) -> None:
    """Draw each head's headline metric, with its interval, for every subset of streams."""
    heads = {name: metric for name, metrics in by_subset["all"]["heads"].items()
             if (metric := headline_of(metrics))}  # fmt: skip
    if not heads:
        return
    figure = Figure(figsize=(3.2 * len(heads), 0.5 + 0.4 * len(by_subset)), layout="constrained")
    for axis, (name, metric) in zip(
        np.atleast_1d(figure.subplots(1, len(heads), sharey=True)), heads.items(), strict=True
    ):
        rows = [of_subset["heads"][name][metric] for of_subset in by_subset.values()]
        values, low, high = (np.array([number(row[key]) for row in rows]) for key in ("value", "low", "high"))
        spread = np.nan_to_num([values - low, high - values])
        axis.barh(list(by_subset), values, xerr=np.clip(spread, 0, None), color="#7a9cc6", ecolor="#333333")
        axis.set(title=name, xlabel=metric, xlim=(min(0, np.nanmin(values, initial=0)), None))
        axis.invert_yaxis() if axis is figure.axes[0] else None
    save(figure, path)


def number(value: float | None) -> float:
    """Return a score as read from JSON, which has no NaN."""
    return float("nan") if value is None else value


def plot_confusion(head: Mapping[str, Any], path: Path) -> None:
    """Draw how often each class (rows) was answered as each class (columns), as shares of its row."""
    counts = np.asarray(head["confusion"], float)
    labels = head["labels"]
    figure = Figure(figsize=(1.6 + 0.3 * len(labels),) * 2, layout="constrained")
    axis = figure.subplots()
    axis.imshow(counts / np.maximum(counts.sum(1, keepdims=True), 1), cmap="Blues", vmin=0, vmax=1)
    axis.set_xticks(range(len(labels)), labels, rotation=90)
    axis.set_yticks(range(len(labels)), labels)
    axis.set(xlabel="answered", ylabel="true")
    save(figure, path)


def plot_calibration(head: Mapping[str, Any], path: Path) -> None:
    """Draw how often answers were right against how sure the model was."""
    figure = Figure(figsize=(3.5, 3.5), layout="constrained")
    axis = figure.subplots()
    axis.plot([0, 1], [0, 1], color="#bbbbbb", linewidth=1)
    bins = [row for row in head["reliability"] if row["count"]]
    axis.plot([row["confidence"] for row in bins], [row["accuracy"] for row in bins], marker="o")
    axis.set(xlabel="confidence", ylabel="accuracy", xlim=(0, 1), ylim=(0, 1.02))
    save(figure, path)


def save(figure: Figure, path: Path) -> None:
    FigureCanvasAgg(figure)
    with atomic(path) as temporary:
        figure.savefig(temporary, dpi=130)
