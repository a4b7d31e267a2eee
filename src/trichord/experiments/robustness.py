"""Attacks on a finished run: its gradients find them, its model file is measured under them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from trichord.clip import Clip
from trichord.learning.attack import METHODS, attack
from trichord.learning.batch import Item
from trichord.learning.training import RunFolder
from trichord.learning.training.data import prepare_clips
from trichord.prepare.cache import Cache
from trichord.running.evaluate import Answers, Pair, report_on
from trichord.running.robustness import Level, Sweep
from trichord.running.runtime import Model, load
from trichord.running.runtime.model import Beam

STRENGTHS = {
    "samples": (0.0003, 0.001, 0.003, 0.01),
    "frames": (1.0, 2.0, 4.0, 8.0),
    "array": (0.05, 0.1, 0.2, 0.4),
}
UNITS = {"samples": "of full scale", "frames": "of 255 levels", "array": "deviations"}
BATCH = 8

Progress = Callable[[Sequence[Clip], str], Iterable[Clip]]


def attack_sweeps(
    folder: Path, clips: Sequence[Clip], clean: Level, *, beam: Beam | None = None,
    progress: Progress = lambda clips, what: clips,
) -> list[Sweep]:  # fmt: skip
    """Measure a run's exported file under attacks on each stream but tokens, all other streams being clean.

    Every attack is made with all streams given, by the gradient of the run's own weights.
    """
    recipe, network = RunFolder(folder).load()
    model = load(folder / "model.onnx")
    items = prepare_clips(clips, recipe.streams, Cache())
    sweeps = []
    for stream, part in recipe.streams.items():
        kind = part.prepare.spec.kind
        for method in METHODS if kind in STRENGTHS else ():
            sweep = Sweep("attack", stream, [clean], method, UNITS[kind])
            levels = [clean]
            for strength in STRENGTHS[kind]:
                watched = list(progress(clips, sweep.condition(Level(strength, {}))))
                attacked = attack(network, recipe, items, {stream: strength}, method=method)
                pairs = answers_about(model, watched, attacked, beam)
                levels.append(Level(strength, {"all": report_on(model, Answers(pairs, 0.0, 0.0)).heads}))
            sweeps.append(replace(sweep, levels=levels))
    return sweeps


def answers_about(
    model: Model, clips: Sequence[Clip], items: Sequence[Item], beam: Beam | None
) -> list[Pair]:
    """Return what a model file says of prepared items."""
    pairs: list[Pair] = []
    for start in range(0, len(items), BATCH):
        some = clips[start : start + BATCH]
        said = model.answers(some, [item.inputs for item in items[start : start + BATCH]], beam=beam)
        pairs += [(clip, answer.heads) for clip, answer in zip(some, said, strict=True)]
    return pairs
