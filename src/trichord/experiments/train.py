"""From a recipe to a finished run: trained, calibrated, exported, measured, drawn and described."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from trichord.clip import Clip
from trichord.errors import RecipeError
from trichord.experiments.card import write_card
from trichord.experiments.plots import plot_run
from trichord.experiments.predictions import classifier_pictures, write_predictions
from trichord.experiments.unexported import measure_unexported
from trichord.files import write_text
from trichord.learning.export import export_run, set_metadata
from trichord.learning.model import parameters
from trichord.learning.recipe import Recipe, load_recipe
from trichord.learning.training import Learner, RunFolder, calibrate, load_data
from trichord.metrics import HEADLINE
from trichord.prepare.cache import Cache
from trichord.progress import console, track
from trichord.running.conditions import Conditions
from trichord.running.evaluate import answer_all, report_on
from trichord.running.robustness import subset_name, subsets, withheld
from trichord.running.runtime import Model, load

EVALUATION = "evaluation.json"
PREDICTIONS = "predictions.jsonl"


def train(
    source: str | Path | Mapping[str, Any], folder: Path, *, changes: Mapping[str, Any] | None = None,
    accelerator: str = "cpu", export: bool = True,
) -> Path:  # fmt: skip
    """Train a recipe in a run folder, resuming what is there, and finish the run; return the folder.

    Without `export`, the run is measured in torch, and has no model file, pictures or card. A recipe without
    heads gives weights for other trainings to start from, curves and a card: there is nothing to export or
    measure. Raises RecipeError where the folder holds a run of another recipe.
    """
    recipe = load_recipe(source, changes)
    run = RunFolder(folder)
    run.write_recipe(recipe)
    data = load_data(recipe, Cache(), track)
    learner = Learner(recipe, data, run, accelerator=accelerator)
    resumed = learner.resume()
    exported = (folder / "model.onnx").exists() or not export or not recipe.heads
    finished = (folder / EVALUATION).exists() and exported
    if resumed and learner.done and finished:
        console.print(f"{folder}: finished already; choose another folder with --run to train anew")
        return folder
    run.write_parts(recipe)
    console.print(
        f"{folder}: {len(data.train)} training and {len(data.valid)} validation clips, "
        f"{parameters(learner.raw):,} parameters"
        + (f", resumed at epoch {learner.epoch + 1}" if resumed else "")
    )
    with EpochBar(recipe) as bar:
        learner.learn(bar)
    if not recipe.heads:
        return describe(run, recipe, {})
    calibrate(run, data)
    if export:
        return finish(run, recipe)
    measure_unexported(run, EVALUATION, PREDICTIONS)
    return folder


def finish(run: RunFolder, recipe: Recipe) -> Path:
    """Export a trained run, measure the exported file, draw and describe.

    On validation clips it is measured with all streams, on test clips with its subsets of streams as well.
    """
    return describe(
        run, recipe, publish(run, recipe, run.path / "model.onnx", predictions=run.path / PREDICTIONS)
    )


def describe(run: RunFolder, recipe: Recipe, results: Mapping[str, Any]) -> Path:
    """Draw and describe a run of this evaluation, by split and subset of streams; return its folder."""
    plot_run(run, results)
    more = ", `streams.png`, `confusion-*.png`, `calibration-*.png`" if results else ""
    pictures = f"`curves.png`{more}"
    about = run.learned_from(recipe)
    write_card(run.path / "card.md", run.path.name, recipe, about, results, pictures)
    write_text(run.path / EVALUATION, json.dumps(results, indent=1))  # last: it says that the run is finished
    return run.path


def publish(
    run: RunFolder,
    recipe: Recipe,
    target: Path,
    *,
    int8: bool = False,
    streaming: bool = False,
    heads: Collection[str] = (),
    predictions: Path | None = None,
) -> dict[str, Any]:
    """Export a run's best model, measure the very file, and write its scores into it; return them.

    What it said of the test clips, given all its streams, goes to `predictions`.
    """
    console.print(f"writing {target}")
    export_run(run, target, int8=int8, streaming=streaming, heads=heads)
    model = load(target)
    model.preparations.cache = Cache()
    everything = tuple(model.streams)
    wanted = {"valid": [everything], "test": subsets(list(everything))}
    results: dict[str, Any] = {}
    for split in (split for split in wanted if split in recipe.splits()):
        kept = predictions if split == "test" else None
        results[split] = measure(model, recipe.clips(split), split, wanted[split], kept)
    set_metadata(target, model.metadata.model_copy(update={"scores": headline(results)}))
    return results


def publish_with_card(
    folder: Path, target: Path, *, int8: bool, streaming: bool = False, heads: Collection[str] = ()
) -> None:
    """Export a finished run as a file that is measured itself, with its card beside it."""
    run = RunFolder(folder)
    recipe, _ = run.load(heads)
    results = publish(run, recipe, target, int8=int8, streaming=streaming, heads=heads)
    write_card(target.with_suffix(".md"), target.stem, recipe, run.learned_from(recipe), results)


def measure(
    model: Model,
    clips: Sequence[Clip],
    split: str,
    wanted: Sequence[tuple[str, ...]],
    predictions: Path | None,
) -> dict[str, Any]:
    """Evaluate a model file with each of the `wanted` subsets of its streams, the first being all."""
    results: dict[str, Any] = {}
    for kept in wanted:
        without = withheld(kept, model)
        conditions = Conditions(without)
        answered = answer_all(model, track(clips, f"{split}: {' '.join(kept)}"), conditions, pool=clips)
        name = subset_name(kept, model.streams)
        results[name] = report_on(model, answered).to_dict()
        if not without:
            results[name]["classifiers"] = {
                head: classifier_pictures(described, head, answered.pairs)
                for head, described in model.heads.items()
                if described["kind"] == "classify"
            }
            if predictions is not None:
                write_predictions(predictions, answered.pairs, model.heads)
    return results


def headline(results: Mapping[str, Any]) -> dict[str, Any]:
    """Return the scores that a model file carries: all streams, by split."""
    return {split: of_split["all"]["heads"] for split, of_split in results.items()}


class EpochBar(Progress):
    """A bar over the batches of an epoch, and a line an epoch."""

    def __init__(self, recipe: Recipe) -> None:
        columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
        super().__init__(*columns, console=console, transient=True, disable=not console.is_terminal)
        self.epochs = recipe.training.epochs
        self.bar = self.add_task("epoch 1")

    def batch_done(self, epoch: int, batch: int, batches: int, loss: float) -> None:
        what = f"epoch {epoch + 1}/{self.epochs}, loss {loss:.3f}"
        self.update(self.bar, total=self.epochs, completed=epoch + batch / batches, description=what)

    def epoch_done(self, row: dict[str, Any]) -> None:
        shown = {key: value for key, value in row.items() if key.endswith(("_loss", *HEADLINE))}
        numbers = [f"{key} {value:.3f}" for key, value in shown.items()]
        self.console.print(
            f"epoch {row['epoch']}/{self.epochs}: {', '.join(numbers)} ({row['seconds']:.1f} s)"
        )


def read_headline(folder: Path) -> dict[str, Any]:
    """Return the scores of a finished run, none where it was not measured."""
    file = folder / EVALUATION
    return headline(json.loads(file.read_text("utf-8"))) if file.exists() else {}


def run_folder_for(source: str | Path, runs: Path = Path("runs")) -> Path:
    """Return where a recipe's run goes unless the user says otherwise."""
    name = Path(source).stem
    if not name:
        raise RecipeError(f"{source} has no name to call its run by; give --run")
    return runs / name
