"""From a corpus to prepared items: preparations fitted on training clips, heads on training targets."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from trichord.clip import Clip
from trichord.errors import RecipeError
from trichord.learning.batch import Item
from trichord.learning.recipe import Recipe, StreamRecipe
from trichord.prepare import prepare_input
from trichord.prepare.cache import Cache, measure
from trichord.prepare.people import People
from trichord.prepare.preparation import InputSpec

Track = Callable[[Sequence[Clip], str], Iterable[Clip]]
"""Wraps a sequence of clips in a progress bar: `track(clips, "what is being done")`."""


@dataclass(frozen=True, slots=True)
class Data:
    """Prepared training and validation items, and what the arrays of each stream look like."""

    train: Sequence[Item]
    valid: Sequence[Item]
    specs: Mapping[str, InputSpec]


def silent(clips: Sequence[Clip], what: str) -> Iterable[Clip]:
    return clips


def load_data(recipe: Recipe, cache: Cache | None, track: Track = silent) -> Data:
    """Prepare a recipe's corpus; fits its preparations and heads on the training split.

    Raises RecipeError where no training clip has a stream's input or a head's target.
    """
    train = some_of(recipe.clips("train"), recipe.training.share)
    valid = recipe.clips("valid")
    for name, stream in recipe.streams.items():
        fit_preparation(name, stream, train, cache, track)
    for name, head in recipe.heads.items():
        targets = [clip.targets[name] for clip in train if name in clip.targets]
        if not targets:
            known = sorted({target for clip in train for target in clip.targets})
            raise RecipeError(
                f"heads.{name}: no training clip has this target; they have: {', '.join(known)}"
            )
        head.fit(targets)
    data = Data(
        train=prepare_clips(train, recipe.streams, cache, track, "preparing training clips"),
        valid=prepare_clips(valid, recipe.streams, cache, track, "preparing validation clips"),
        specs={name: stream.prepare.spec for name, stream in recipe.streams.items()},
    )
    check_lengths(data, recipe.max_seconds)
    return data


def some_of(clips: Sequence[Clip], share: float) -> Sequence[Clip]:
    """Return a share of the clips, one at the least: the first of an order that never changes."""
    if share == 1:
        return clips
    order = np.random.default_rng(0).permutation(len(clips))
    return [clips[index] for index in order[: max(1, round(share * len(clips)))]]


def check_lengths(data: Data, max_seconds: float) -> None:
    """Raise RecipeError for an item that the exported file would refuse."""
    for item in (*data.train, *data.valid):
        for name, array in item.inputs.items():
            rate = data.specs[name].rate
            if rate is not None and len(array) > max_seconds * rate + 1:
                raise RecipeError(
                    f"max_seconds: {item.id} lasts {len(array) / rate:.1f} s, beyond {max_seconds:g} s; "
                    "raise max_seconds, or cut the clip"
                )


def fit_preparation(
    name: str,
    stream: StreamRecipe,
    clips: Sequence[Clip],
    cache: Cache | None = None,
    track: Track = silent,
) -> None:
    watched = track(clips, f"measuring {name}") if stream.prepare.measures else clips
    having = (clip.inputs[stream.source] for clip in watched if stream.source in clip.inputs)
    inputs = [measure(stream.prepare, value, cache) for value in having]
    if not inputs:
        known = sorted({source for clip in clips for source in clip.inputs})
        raise RecipeError(
            f"streams.{name}: no training clip has the input {stream.source!r}; they have: {', '.join(known)}"
        )
    stream.prepare.fit(inputs)


def prepare_clips(
    clips: Sequence[Clip],
    streams: Mapping[str, StreamRecipe],
    cache: Cache | None,
    track: Track = silent,
    what: str = "",
) -> list[Item]:
    """Prepare every input of every clip that a stream reads, accustomed to these clips' own groups."""
    people = {name: People(stream.prepare, stream.source, clips, cache) for name, stream in streams.items()}
    return [
        Item(
            clip.id,
            {
                name: prepare_input(people[name].of(clip), clip.inputs[stream.source], cache)
                for name, stream in streams.items()
                if stream.source in clip.inputs
            },
            clip.targets,
            clip.about,
        )
        for clip in track(clips, what)
    ]
