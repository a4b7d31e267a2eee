"""How well a model file does on labelled clips: metrics by head, with intervals."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from time import perf_counter
from typing import Any, TypeAlias

from trichord.clip import Clip, with_targets
from trichord.decoding import Decoded
from trichord.errors import InputError
from trichord.metrics import Interval, evaluate_head, groups_of
from trichord.prepare.preparation import Array
from trichord.running.conditions import AS_IT_IS, POOL_CLIPS, Conditions, Disturbance, Ready
from trichord.running.explain.disagreement import disagreement
from trichord.running.runtime.model import Beam, Model

WINDOW = 8
"""Clips are prepared this many batches at a time, a pool at least, and sorted by length within."""


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
    conditions: Conditions = AS_IT_IS

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        told = self.conditions
        return {
            "model": self.model,
            "clips": self.clips,
            "seconds": self.seconds,
            "real_time_factor": self.real_time_factor,
            "without": list(told.without),
            "noise": told.noise if isinstance(told.noise, str | None) else dict(told.noise),
            "room": told.room,
            "gaps": dict(told.gaps),
            "outliers": dict(told.outliers),
            "missing": dict(told.missing),
            "swapped": list(told.swapped),
            "seed": told.seed,
            "heads": {head: by_name(found) for head, found in self.heads.items()},
        }


def plain(interval: Interval) -> dict[str, float | None]:
    """Return plain JSON values, which have no NaN."""
    values = {"value": interval.value, "low": interval.low, "high": interval.high, "n": interval.n}
    return {name: value if math.isfinite(value) else None for name, value in values.items()}


def by_name(intervals: Mapping[str, Interval]) -> dict[str, dict[str, float | None]]:
    """Return plain JSON values of intervals by name."""
    return {name: plain(interval) for name, interval in intervals.items()}


Pair: TypeAlias = tuple[Clip, Mapping[str, Decoded]]


@dataclass(frozen=True, slots=True)
class Answers:
    """What a model said of clips, in no particular order, and how long it took; see `Report`.

    `lent`: by swapped stream, the clip that it was taken from, for each of these answers. Where they were
    asked for, `shares`: each stream's signed share, and `disagreements`: see `disagreement`, by head.
    """

    pairs: Sequence[Pair]
    seconds: float
    computed: float
    lent: Sequence[Mapping[str, Clip]] = ()
    shares: Sequence[Mapping[str, float]] = ()
    disagreements: Sequence[Mapping[str, float]] = ()


def evaluate(
    model: Model,
    clips: Iterable[Clip],
    conditions: Conditions = AS_IT_IS,
    *,
    batch: int = 8,
    beam: Beam | None = None,
    pool: Sequence[Clip] | None = None,
) -> Report:
    """Answer about every clip, under `conditions`, and compare with its targets; see `answer_all`.

    Intervals resample groups or speakers where every clip has one (see `groups_of`), else clips.
    """
    answers = answer_all(model, clips, conditions, batch=batch, beam=beam, pool=pool)
    return replace(report_on(model, answers), conditions=conditions)


def report_on(model: Model, answers: Answers) -> Report:
    """Compare answers with the clips' targets."""
    factor = answers.computed / answers.seconds if answers.seconds else None
    heads = scores(model, answers.pairs)
    return Report(model.metadata.name, len(answers.pairs), answers.seconds, factor, heads)


def answer_all(
    model: Model,
    clips: Iterable[Clip],
    conditions: Conditions = AS_IT_IS,
    *,
    batch: int = 8,
    beam: Beam | None = None,
    explain: bool = False,
    compare: bool = False,
    pool: Sequence[Clip] | None = None,
) -> Answers:
    """Answer about every clip, in bounded memory.

    With `explain`, say what each stream contributed; with `compare`, how far the streams alone disagree.
    `pool`: the clips that lend streams and voices (see `Disturbance`), by default `clips`, where they are a
    sequence; a progress bar around one is none. The model gets used to their speakers, where it does so.
    Raises InputError where there are no clips, one cannot be used, or the model cannot meet the conditions.
    """
    pairs: list[Pair] = []
    lent: list[Mapping[str, Clip]] = []
    shares: list[Mapping[str, float]] = []
    disagreements: list[Mapping[str, float]] = []
    heard = computed = 0.0
    names = {name: str(head["target"]) for name, head in model.heads.items() if head.get("target")}
    lenders = clips if pool is None and isinstance(clips, Sequence) else pool
    lenders = lenders if lenders is None else [with_targets(clip, names) for clip in lenders]
    if lenders is not None:
        model.preparations.accustom(lenders)
    disturb = Disturbance(model, conditions, lenders)
    for window in windows(clips, max(WINDOW * batch, POOL_CLIPS)):
        began = perf_counter()
        named = [with_targets(clip, names) for clip in window]
        ready = [Ready(clip, model.preparations(clip, conditions.without)) for clip in named]
        computed += perf_counter() - began
        heard += sum(seconds(model, item.inputs) for item in ready)
        ready = sorted(disturb(ready), key=lambda item: seconds(model, item.inputs))
        for start in range(0, len(ready), batch):
            began = perf_counter()
            items = ready[start : start + batch]
            answers = model.answers([item.clip for item in items], [item.inputs for item in items], beam=beam)
            computed += perf_counter() - began
            # Only what was said is kept: an answer holds its clip's inputs too.
            pairs += [(item.clip, answer.heads) for item, answer in zip(items, answers, strict=True)]
            lent += [item.lent for item in items]
            shares += [answer.attribution for answer in answers if explain]
            disagreements += [disagreement(model, item.inputs) for item in items if compare]
    if not pairs:
        raise InputError("there are no clips to evaluate")
    return Answers(pairs, heard, computed, lent, shares, disagreements)


def windows(clips: Iterable[Clip], size: int) -> Iterator[list[Clip]]:
    remaining = iter(clips)
    while window := list(islice(remaining, size)):
        yield window


def seconds(model: Model, inputs: Mapping[str, Array]) -> float:
    """Return how long the longest clocked stream lasts; 0 where none has a clock."""
    rates = {name: model.streams[name].input.rate for name in inputs}
    return max((len(inputs[name]) / rate for name, rate in rates.items() if rate is not None), default=0.0)


def scores(model: Model, done: Sequence[Pair]) -> dict[str, Mapping[str, Interval]]:
    """Return metrics for every head for which some clip has a target."""
    found: dict[str, Mapping[str, Interval]] = {}
    for name, head in model.heads.items():
        known = [(clip, decoded[name]) for clip, decoded in done if clip.targets.get(name) is not None]
        if known:
            groups = groups_of([clip.about for clip, _ in known])
            targets = [clip.targets[name] for clip, _ in known]
            found[name] = evaluate_head(head, targets, [decoded for _, decoded in known], groups=groups)
    return found
