"""A classical method on a recipe's own clips, measured and written down as a trained run is."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from time import perf_counter
from typing import Any

from trichord.errors import RecipeError
from trichord.experiments.baseline.choose import KINDS, Recogniser, answers, calibrate, choose, metric_of
from trichord.experiments.baseline.task import Memory, Task, read_task
from trichord.experiments.plots import plot_run
from trichord.experiments.predictions import classifier_pictures, write_predictions
from trichord.experiments.train import EVALUATION, PREDICTIONS
from trichord.files import write_text
from trichord.kinds import nearest
from trichord.learning.recipe import load_recipe
from trichord.learning.training import RunFolder
from trichord.metrics import evaluate_head, groups_of
from trichord.running.evaluate import by_name

CHOICE = "baseline.json"


def baseline(
    source: str | Path | Mapping[str, Any], kind: str, folder: Path, *, head: str | None = None,
    stream: str | None = None, changes: Mapping[str, Any] | None = None, memory: Memory | None = None,
    speeds: Sequence[float] = (),
) -> dict[str, Any]:  # fmt: skip
    """Learn one of `KINDS` from a recipe's training clips, measure it, and return its evaluation by split.

    Settings are chosen from a small grid on the validation clips, by the recipe's `training.monitor` where
    that is a score of the head, else by accuracy; what is chosen has learned from the training clips alone.
    The folder gets what comparisons read of a trained run, its pictures, and `baseline.json`: what was
    tried, and how long it took. The model itself is not kept. `memory` keeps features from call to call. It
    learns from the training clips played at each of the `speeds` as well.
    Raises RecipeError where the recipe has no such head or stream, or the folder holds another run.
    """
    if kind not in KINDS:
        raise RecipeError(f"unknown kind {kind!r}{nearest(kind, KINDS)}")
    recipe, run = load_recipe(source, changes), RunFolder(folder)
    if run.weights_file.exists():
        raise RecipeError(f"{folder} holds a trained run; choose another folder with --run")
    began = perf_counter()
    task = read_task(
        recipe, head, stream, in_time=kind == "hmm", memory={} if memory is None else memory, speeds=speeds
    )
    run.write_recipe(recipe)
    ready = perf_counter()
    choice = choose(task, kind)
    learned = perf_counter()
    calibrate(task, choice.recogniser)
    results = measure(run, task, choice.recogniser)
    told = {
        "kind": kind, "head": task.head, "stream": task.stream, "metric": metric_of(task),
        "speeds": list(speeds),
        "chosen": choice.settings,
        "tried": [{"settings": settings, "valid": score} for settings, score in choice.tried],
        "seconds": {"features": ready - began, "learning": learned - ready},
    }  # fmt: skip
    write_text(run.path / CHOICE, json.dumps(told, indent=1))
    plot_run(run, results)
    write_text(run.path / EVALUATION, json.dumps(results, indent=1))
    return results


def measure(run: RunFolder, task: Task, recogniser: Recogniser) -> dict[str, Any]:
    """Return scores by split, and keep what was said of the test clips."""
    described = {task.head: task.metadata()}
    write_text(run.path / "parts.json", json.dumps({"streams": {}, "heads": described}, ensure_ascii=False))
    results: dict[str, Any] = {}
    for split in (split for split in ("valid", "test") if split in task.parts):
        pairs = answers(task, split, recogniser)
        if split == "test":
            write_predictions(run.path / PREDICTIONS, pairs, described)
        targets = [clip.targets[task.head] for clip, _ in pairs]
        said = [decoded[task.head] for _, decoded in pairs]
        scores = evaluate_head(
            described[task.head], targets, said, groups=groups_of([c.about for c, _ in pairs])
        )
        results[split] = {"all": {
            "clips": len(pairs),
            "heads": {task.head: by_name(scores)},
            "classifiers": {task.head: classifier_pictures(described[task.head], task.head, pairs)},
        }}  # fmt: skip
    return results
