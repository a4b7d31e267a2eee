"""The demo: learn, export, run and explain in a few minutes, on scenes that Trichord draws itself."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.table import Table

from trichord.clip import Clip
from trichord.corpora.scenes import Scenes
from trichord.errors import InputError
from trichord.experiments.train import EVALUATION, train
from trichord.media import write_video
from trichord.metrics import headline_of
from trichord.progress import console
from trichord.recipes import shipped
from trichord.running.explain import save_picture
from trichord.running.runtime import Model, load


def demo(folder: Path, *, keep: bool = False) -> None:
    """Train `recipes/scenes.yaml` in a folder, and show what the model gains from every sense.

    An earlier demo there is removed, unless it is to be kept and gone on with. Raises InputError where the
    folder holds anything else.
    """
    if not keep:
        remove_run(folder)
    console.rule("learning")
    train(shipped("recipes") / "scenes.yaml", folder)
    results = json.loads((folder / EVALUATION).read_text("utf-8"))["test"]
    heads = {
        name: metric for name, metrics in results["all"]["heads"].items() if (metric := headline_of(metrics))
    }
    console.rule("all senses, each one removed, and each one alone, on test clips")
    console.print(scores_table(results, heads))
    console.rule("one clip")
    model, clip = load(folder / "model.onnx"), Scenes().clips("test")[0]
    write_video(folder / "clip.mp4", clip.load("video"), clip.load("audio"))  # type: ignore[arg-type]
    console.print(answers_table(model, clip, list(heads)))
    answer = model(clip)
    save_picture(folder / "explanation.png", answer.explain(), answer.occlude(), answer.events, clip.id)
    console.print(
        f"the model: {model.path} ({model.path.stat().st_size / 1e6:.1f} MB, one file)\n"
        f"pictures:  {folder}/explanation.png, streams.png, curves.png\n"
        f"the card:  {folder}/card.md\n"
        f"try:       trichord run {model.path} {folder}/clip.mp4 --text {str(clip.inputs['text'])!r}",
        soft_wrap=True,
    )


def remove_run(folder: Path) -> None:
    """Remove a run's folder; raises InputError where a folder of that name holds something else."""
    if folder.exists() and any(folder.iterdir()):
        if not (folder / "recipe.yaml").exists():
            raise InputError(f"{folder} holds something else than a demo; give another with --folder")
        shutil.rmtree(folder)


def scores_table(results: Mapping[str, Any], heads: Mapping[str, str]) -> Table:
    """Return a row for every subset of streams, with each head's headline metric."""
    table = Table("streams given", *(f"{name} ({metric})" for name, metric in heads.items()))
    for subset, report in results.items():
        row = (shown(report["heads"][name][metric]["value"]) for name, metric in heads.items())
        table.add_row(subset.replace("+", " "), *row)
    return table


def answers_table(model: Model, clip: Clip, heads: list[str]) -> Table:
    """Return what a model answers about one clip, with each stream removed in turn, and the truth."""
    table = Table("streams given", *heads, "share of each stream")
    for removed in [None, *model.streams]:
        answer = model(clip, without=[removed] if removed else [])
        shares = ", ".join(f"{name} {share:+.2f}" for name, share in answer.attribution.items())
        given = f"without {removed}" if removed else "all"
        table.add_row(given, *(shown(answer[name].value) for name in heads), shares)
    table.add_row("[dim]the truth", *(shown(clip.targets[name]) for name in heads), "")
    return table


def shown(value: Any) -> str:
    """Write a score or an answer; a dash for a score that does not exist, as a constant's correlation."""
    return "–" if value is None else f"{value:.3f}" if isinstance(value, float) else str(value)
