"""Measuring a run without exporting it, for comparisons of many: seconds in place of a minute."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from trichord.clip import Clip
from trichord.decoding import Decoded
from trichord.experiments.predictions import write_predictions
from trichord.files import write_text
from trichord.learning.batch import Item
from trichord.learning.model import Model
from trichord.learning.recipe import Recipe
from trichord.learning.training import RunFolder
from trichord.learning.training.data import prepare_clips
from trichord.learning.training.sampling import batches_to_measure
from trichord.learning.training.validate import answered, predict, rate_of
from trichord.metrics import evaluate_head, groups_of
from trichord.prepare.cache import Cache
from trichord.running.evaluate import by_name
from trichord.running.robustness import subset_name, subsets

Pairs = list[tuple[Clip, Mapping[str, Decoded]]]


def measure_unexported(run: RunFolder, evaluation: str, predictions: str) -> None:
    """Write a trained run's scores on validation and test clips, and what it said of the latter.

    As `trichord.experiments.train.finish` does with the exported file, which agrees to rounding: validation
    with all streams, test with the subsets of streams as well. Paths are names within the run's folder.
    """
    recipe, model = run.load()
    names = tuple(recipe.streams)
    results: dict[str, Any] = {}
    for split in (split for split in ("valid", "test") if recipe.clips(split)):
        clips = recipe.clips(split)
        items = prepare_clips(clips, recipe.streams, Cache())
        results[split] = {}
        for kept in subsets(list(names)) if split == "test" else [names]:
            pairs = answers(recipe, model, clips, [only(item, kept) for item in items])
            results[split][subset_name(kept, names)] = {"heads": scores(recipe, pairs)}
            if split == "test" and kept == names:
                write_predictions(run.path / predictions, pairs, recipe.heads)
    write_text(run.path / evaluation, json.dumps(results, indent=1))


def only(item: Item, kept: Sequence[str]) -> Item:
    return replace(item, inputs={name: item.inputs[name] for name in kept if name in item.inputs})


def answers(recipe: Recipe, model: Model, clips: Sequence[Clip], items: Sequence[Item]) -> Pairs:
    """Return what the model says of each clip, by head."""
    specs = {name: stream.prepare.spec for name, stream in recipe.streams.items()}
    batches = batches_to_measure(items, specs, recipe.clock, recipe.training.batch_seconds)
    logits, _ = predict(model, recipe.heads, items, batches, specs)
    rate = rate_of(specs, recipe.clock)
    said = ({name: rows[row] for name, rows in logits.items()} for row in range(len(clips)))
    return [(clip, answered(recipe.heads, one, rate, model)) for clip, one in zip(clips, said, strict=True)]


def scores(recipe: Recipe, pairs: Pairs) -> dict[str, Any]:
    found = {}
    for name, head in recipe.heads.items():
        targets = [clip.targets.get(name) for clip, _ in pairs]
        if not any(target is not None for target in targets):
            continue
        groups = groups_of([clip.about for clip, _ in pairs])
        metrics = evaluate_head(head.metadata(), targets, [said[name] for _, said in pairs], groups=groups)
        found[name] = by_name(metrics)
    return found
