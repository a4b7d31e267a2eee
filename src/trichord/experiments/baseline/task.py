"""What a baseline has to do: one head and one stream of a recipe, and the features of its clips."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trichord.clip import Audio, Clip, Features
from trichord.errors import RecipeError
from trichord.experiments.baseline.features import READERS, Given, Reader
from trichord.kinds import nearest
from trichord.learning.heads.classify import Classify
from trichord.learning.recipe import Recipe
from trichord.learning.training.data import fit_preparation, some_of
from trichord.media import AudioFile, Played, faster
from trichord.prepare.array import ReadyArray
from trichord.prepare.people import People
from trichord.progress import track

READ = "read"
"""The name of what was read of a clip, among its inputs."""
Memory = dict[tuple[str, str], Given | None]
"""Features by how they are made and clip, so that baselines of one corpus make them once."""


@dataclass(frozen=True, slots=True)
class Part:
    """A split's clips that have the head's target, and their features, None where the stream is absent."""

    clips: Sequence[Clip]
    features: Sequence[Given | None]

    def places(self) -> list[int]:
        """Return where the stream is present."""
        return [place for place, given in enumerate(self.features) if given is not None]

    def present(self) -> list[Any]:
        return [given for given in self.features if given is not None]


@dataclass(frozen=True, slots=True)
class Task:
    """A head, fitted on the training clips, the stream that is to answer it, and the features by split."""

    recipe: Recipe
    head: str
    stream: str
    parts: Mapping[str, Part]

    @property
    def classify(self) -> Classify:
        head = self.recipe.heads[self.head]
        assert isinstance(head, Classify)
        return head

    def metadata(self) -> dict[str, Any]:
        return self.classify.metadata()

    def learn_classes(self) -> None:
        """Fit the head on what can be learned from; raises RecipeError where that is one class."""
        training = self.parts["train"]
        self.classify.fit([training.clips[place].targets[self.head] for place in training.places()])
        if len(self.classify.labels) < 2:
            raise RecipeError(f"heads.{self.head}: all training clips are {self.classify.labels[0]!r:.60}")

    def labels(self, split: str) -> NDArray[np.intp]:
        """Return the number of each class of the clips whose stream is present; -1 of one never trained."""
        part, numbers = self.parts[split], {label: n for n, label in enumerate(self.classify.labels)}
        targets = (part.clips[place].targets[self.head] for place in part.places())
        return np.array([numbers.get(str(target), -1) for target in targets], np.intp)


def read_task(
    recipe: Recipe, head: str | None, stream: str | None, *, in_time: bool, memory: Memory,
    speeds: Sequence[float] = (),
) -> Task:  # fmt: skip
    """Read a recipe's clips as training does, and make their features: frames if `in_time`, else rows.

    At each of the `speeds` as well the training clips are heard, their people being other people then.
    `head` and `stream` need not be named where there is one. Raises RecipeError for one that there is not.
    """
    head = named("head", head, [name for name, part in recipe.heads.items() if isinstance(part, Classify)],
                 recipe.heads)  # fmt: skip
    stream = named("stream", stream, list(recipe.streams), recipe.streams)
    training = some_of(recipe.clips("train"), recipe.training.share)
    reader = read_with(recipe, stream, training)

    def read(split: str, clips: Sequence[Clip]) -> Part:
        known = [clip for clip in clips if head in clip.targets]
        bar = track(known, f"features of {split} clips") if known else known
        return Part(known, [features(reader, clip, source, in_time, memory) for clip in bar])

    source, by = recipe.streams[stream].source, recipe.streams[stream].prepare.by
    heard = [clip for clip in training if source in clip.inputs]
    training = [*training, *(played(clip, source, speed, by) for speed in speeds for clip in heard)]
    measured = {split: read(split, recipe.clips(split)) for split in ("valid", "test")}
    parts = {"train": read("train", training)} | {name: part for name, part in measured.items() if part.clips}
    parts = by_person(parts, by)
    task = Task(recipe, head, stream, parts)
    task.learn_classes()
    return task


def played(clip: Clip, source: str, speed: float, by: str | None) -> Clip:
    """Return the clip at another speed, said by somebody else; RecipeError where it has no sound."""
    value = clip.inputs[source]
    if not isinstance(value, Audio | AudioFile):
        raise RecipeError(f"speeds are of sound, which {source!r} of {clip.id} is not")
    sound = faster(value, speed) if isinstance(value, Audio) else Played(value, speed)
    told = {key: f"{said} x{speed:g}" if key == by else said for key, said in clip.about.items()}
    return replace(clip, id=f"{clip.id} x{speed:g}", inputs={**clip.inputs, source: sound}, about=told)


def by_person(parts: Mapping[str, Part], by: str | None) -> dict[str, Part]:
    """Return the parts, numbers set against the mean and deviation of each person's own clips of the split.

    It is what `ReadyArray` does by speaker; of speech's cepstra, normalisation as in Kaldi's recipes.
    """
    if by is None:
        return dict(parts)
    clips = {name: [as_input(*pair) for pair in zip(part.clips, part.features, strict=True)]
             for name, part in parts.items()}  # fmt: skip
    training = [clip.inputs[READ] for clip in clips["train"] if READ in clip.inputs]
    if not training:
        return dict(parts)
    normal = ReadyArray(by=by)
    normal.fit(training)
    return {name: accustomed(part, clips[name], normal) for name, part in parts.items()}


def as_input(clip: Clip, given: Given | None) -> Clip:
    """Return the clip with the numbers that were read of it as its only input, if there are any."""
    numbers = {READ: Features(np.atleast_2d(given))} if isinstance(given, np.ndarray) else {}
    return replace(clip, inputs=numbers)


def accustomed(part: Part, clips: Sequence[Clip], normal: ReadyArray) -> Part:
    """Return the part, the numbers of `clips` normalised by each person's own."""
    people = People(normal, READ, clips)
    return Part(part.clips, [
        people.of(clip)(clip.inputs[READ]).reshape(given.shape).astype(np.float64)
        if isinstance(given, np.ndarray) else given
        for clip, given in zip(clips, part.features, strict=True)
    ])  # fmt: skip


def named(what: str, wanted: str | None, possible: Sequence[str], all_of: Mapping[str, Any]) -> str:
    """Return the head or stream that is wanted, or the only one there is."""
    if wanted is None:
        if len(possible) == 1:
            return possible[0]
        if possible:
            raise RecipeError(f"say which {what} with --{what}: {', '.join(possible)}")
        raise RecipeError("the recipe has no head of kind classify, the only kind that baselines answer")
    if wanted not in all_of:
        raise RecipeError(f"the recipe has no {what} {wanted!r}{nearest(wanted, all_of)}")
    if wanted not in possible:
        raise RecipeError(f"heads.{wanted}: baselines answer heads of kind classify alone")
    return wanted


def read_with(recipe: Recipe, stream: str, training: Sequence[Clip]) -> Reader:
    described = recipe.streams[stream]
    fit_preparation(stream, described, training)
    inputs = [clip.inputs[described.source] for clip in training if described.source in clip.inputs]
    return READERS[described.prepare.spec.kind](described.prepare, inputs)


def features(reader: Reader, clip: Clip, source: str, in_time: bool, memory: Memory) -> Given | None:
    value = clip.inputs.get(source)
    if value is None:
        return None
    read = reader.frames if in_time else reader.row
    if reader.key is None:
        return read(value)
    key = (f"{reader.key}, {source}, {'frames' if in_time else 'row'}", clip.id)
    if key not in memory:
        memory[key] = read(value)
    return memory[key]
