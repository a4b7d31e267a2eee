"""How well a model file does on labelled clips: metrics by head, with intervals."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from time import perf_counter
from typing import Any, NamedTuple, TypeAlias, cast
from zlib import crc32

import numpy as np

from trichord.clip import Clip
from trichord.decoding import Decoded
from trichord.errors import InputError
from trichord.metrics import Interval, evaluate_head
from trichord.prepare.noise import Noise, Samples
from trichord.prepare.preparation import Array
from trichord.running.runtime.model import Beam, Model

WINDOW = 8
"""Clips are prepared this many batches at a time, and sorted by length within."""
BABBLE_CLIPS = 64


@dataclass(frozen=True, slots=True)
class Report:
    """How well a model answered.

    `heads`: metrics by head, then by name. `seconds`: how much was heard and seen. `real_time_factor`:
    seconds of computing, decoding of files included, for each of those; None where nothing had a clock.
    """

    model: str
    clips: int
    seconds: float
    real_time_factor: float | None
    heads: Mapping[str, Mapping[str, Interval]]
    without: tuple[str, ...] = ()
    noise: str | None = None
    seed: int = 0

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        values: dict[str, Any] = {name: getattr(self, name) for name in self.__slots__ if name != "heads"}
        values["without"] = list(self.without)
        values["heads"] = {
            head: {name: plain(interval) for name, interval in found.items()}
            for head, found in self.heads.items()
        }
        return values


def plain(interval: Interval) -> dict[str, float | None]:
    """Return plain JSON values, which have no NaN."""
    values = {"value": interval.value, "low": interval.low, "high": interval.high, "n": interval.n}
    return {name: value if math.isfinite(value) else None for name, value in values.items()}


Pair: TypeAlias = tuple[Clip, Mapping[str, Decoded]]


@dataclass(frozen=True, slots=True)
class Answers:
    """What a model said of clips, in no particular order, and how long it took; see `Report`."""

    pairs: Sequence[Pair]
    seconds: float
    computed: float


class Ready(NamedTuple):
    """A clip whose inputs are prepared."""

    clip: Clip
    inputs: dict[str, Array]


def evaluate(
    model: Model,
    clips: Iterable[Clip],
    *,
    without: Collection[str] = (),
    noise: str | None = None,
    batch: int = 8,
    seed: int = 0,
    beam: Beam = 0,
) -> Report:
    """Answer about every clip, and compare with its targets; see `answer_all` for the arguments.

    Intervals resample speakers where every clip has `about["speaker"]`, else clips.
    """
    answers = answer_all(model, clips, without=without, noise=noise, batch=batch, seed=seed, beam=beam)
    return replace(report_on(model, answers), without=tuple(without), noise=noise, seed=seed)


def report_on(model: Model, answers: Answers) -> Report:
    """Compare answers with the clips' targets."""
    factor = answers.computed / answers.seconds if answers.seconds else None
    heads = scores(model, answers.pairs)
    return Report(model.metadata.name, len(answers.pairs), answers.seconds, factor, heads)


def answer_all(
    model: Model,
    clips: Iterable[Clip],
    *,
    without: Collection[str] = (),
    noise: str | None = None,
    batch: int = 8,
    seed: int = 0,
    beam: Beam = 0,
) -> Answers:
    """Answer about every clip, in bounded memory.

    `without` names streams to withhold; `noise`, such as `babble:0dB`, goes under every stream of samples,
    drawn from `seed` and the clip's id; babble is made of the first clips' voices. Raises InputError where
    there are no clips, or one cannot be used.
    """
    pairs: list[Pair] = []
    heard = computed = 0.0
    disturb = Disturbance(model, Noise.parse(noise), seed) if noise else None
    for window in windows(clips, WINDOW * batch):
        began = perf_counter()
        ready = [Ready(clip, model.preparations(clip, without)) for clip in window]
        computed += perf_counter() - began
        heard += sum(seconds(model, item.inputs) for item in ready)
        if disturb:
            ready = disturb(ready)
        ready.sort(key=lambda item: seconds(model, item.inputs))
        for start in range(0, len(ready), batch):
            began = perf_counter()
            pairs += answered(model, ready[start : start + batch], beam)
            computed += perf_counter() - began
    if not pairs:
        raise InputError("there are no clips to evaluate")
    return Answers(pairs, heard, computed)


def windows(clips: Iterable[Clip], size: int) -> Iterator[list[Clip]]:
    remaining = iter(clips)
    while window := list(islice(remaining, size)):
        yield window


def seconds(model: Model, inputs: Mapping[str, Array]) -> float:
    """Return how long the longest clocked stream lasts; 0 where none has a clock."""
    rates = {name: model.streams[name].input.rate for name in inputs}
    return max((len(inputs[name]) / rate for name, rate in rates.items() if rate is not None), default=0.0)


def answered(model: Model, ready: Sequence[Ready], beam: Beam) -> list[Pair]:
    logits = model.logits([item.inputs for item in ready])
    return [(item.clip, model.decode(given, beam)) for item, given in zip(ready, logits, strict=True)]


def scores(model: Model, done: Sequence[Pair]) -> dict[str, Mapping[str, Interval]]:
    """Return metrics for every head for which some clip has a target."""
    found: dict[str, Mapping[str, Interval]] = {}
    for name, head in model.heads.items():
        known = [(clip, decoded[name]) for clip, decoded in done if clip.targets.get(name) is not None]
        if known:
            speakers = [clip.about.get("speaker") for clip, _ in known]
            groups = cast(list[str], speakers) if all(speakers) and len(set(speakers)) > 1 else None
            targets = [clip.targets[name] for clip, _ in known]
            found[name] = evaluate_head(head, targets, [decoded for _, decoded in known], groups=groups)
    return found


class Disturbance:
    """Lays noise under every stream of samples; babble is made of the voices of the first clips it meets."""

    def __init__(self, model: Model, noise: Noise, seed: int) -> None:
        self.names = [name for name, stream in model.streams.items() if stream.input.kind == "samples"]
        if not self.names:
            raise InputError(f"the model has no stream of samples to lay {noise} under")
        self.noise, self.seed = noise, seed
        self.voices: list[tuple[str, str, Samples]] = []

    def __call__(self, ready: Sequence[Ready]) -> list[Ready]:
        if not self.voices:
            self.voices = [
                (item.clip.id, name, cast(Samples, item.inputs[name]))
                for item in ready[:BABBLE_CLIPS]
                for name in self.names
                if name in item.inputs
            ]
        return [self.one(item) for item in ready]

    def one(self, item: Ready) -> Ready:
        rng = np.random.default_rng([self.seed, crc32(item.clip.id.encode())])
        inputs = dict(item.inputs)
        for name in self.names:
            if name in inputs:
                others = [v for clip, stream, v in self.voices if stream == name and clip != item.clip.id]
                inputs[name] = self.noise.add(cast(Samples, inputs[name]), rng, others)
        return Ready(item.clip, inputs)
