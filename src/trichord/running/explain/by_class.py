"""How much each stream matters over a corpus: its mean share in each head's answers, by true class.

A clip's own shares are measured from a guess that takes every label as equally likely. Of a transcript that
guess is so improbable that any stream, noise included, is a great step up from it. Over many clips there is a
better one: what the model says on average. A stream that tells nothing of its clip then has a share near 0.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from trichord.clip import Clip
from trichord.decoding import Value
from trichord.decoding.logits import log_softmax
from trichord.errors import InputError
from trichord.metrics import Interval, bootstrap, ratio, with_count
from trichord.prepare.preparation import Array
from trichord.running.explain.shapley import Attribution
from trichord.running.explain.streams import attribution_of, said_by_coalitions
from trichord.running.explain.worth import guess
from trichord.running.figures import new_figure, save_figure
from trichord.running.runtime.model import Model

EVERY = "all"
"""The group of all of a head's clips."""
NUMBERS = ("contrastive", "regress")
"""Kinds of heads whose logits are the answer itself, not scores of answers."""

Against: TypeAlias = Literal["average", "uniform"]
Shares: TypeAlias = dict[str, dict[str, dict[str, Interval]]]


class Told(NamedTuple):
    """One head's answer about one clip: what each coalition gives it, and how many steps it has."""

    target: str | None
    answer: Value
    steps: int
    values: Mapping[frozenset[str], float]


@dataclass
class Gathered:
    """What a head said of all clips, and the sum of its outputs: probabilities, or numbers."""

    told: list[Told]
    total: NDArray[np.float64] | float = 0.0
    steps: int = 0


def shares_by_class(
    model: Model,
    clips: Iterable[tuple[Clip, Mapping[str, Array]]],
    heads: Sequence[str] = (),
    *,
    against: Against = "average",
) -> Shares:
    """Return each stream's mean signed share, by head, then by group of clips, then by stream.

    `clips` come with their prepared inputs. A head's first group is `all`; those of a classifier follow by
    true class. Shares are of that head's answer alone, measured against the model's average output on these
    clips, or `uniform`, against labels that are all alike. A stream's mean is over the clips that have it.
    Raises InputError where there are no clips or no such head.
    """
    return {
        name: grouped(model.heads[name], found, attributions(model, name, found, against))
        for name, found in gather(model, clips, heads).items()
    }


def gather(
    model: Model, clips: Iterable[tuple[Clip, Mapping[str, Array]]], heads: Sequence[str] = ()
) -> dict[str, Gathered]:
    """Run the model on every coalition of every clip's streams; keep numbers, not inputs."""
    if unknown := [name for name in heads if name not in model.heads]:
        raise InputError(f"no head {unknown[0]!r}; the model has: {', '.join(model.heads)}")
    found = {name: Gathered([]) for name in heads or model.heads}
    for clip, inputs in clips:
        full = model.logits([inputs])[0]
        decoded = model.decode(full)
        answers = {name: decoded[name].best for name in found if len(full[name])}
        values = said_by_coalitions(model, inputs, answers, full)
        for name, answer in answers.items():
            add(found[name], clip.targets.get(name), answer, full[name], model.heads[name],
                {group: by_head[name] for group, by_head in values.items()})  # fmt: skip
    found = {name: head for name, head in found.items() if head.told}
    if not found:
        raise InputError("there are no clips to explain")
    return found


def add(
    found: Gathered, target: Any, answer: Value, full: Array, head: Mapping[str, Any],
    values: Mapping[frozenset[str], float],
) -> None:  # fmt: skip
    named = target if head["kind"] == "classify" and isinstance(target, str) else None
    found.told.append(Told(named, answer, len(full), values))
    scaled = full.astype(np.float64) / head.get("temperature", 1.0)
    found.total = found.total + (scaled if head["kind"] in NUMBERS else np.exp(log_softmax(scaled))).sum(0)
    found.steps += len(full)


def average(head: Mapping[str, Any], found: Gathered) -> Array:
    """Return the logits `(outputs,)` of a head's mean output: of its mean probabilities, or mean numbers."""
    mean = np.asarray(found.total) / found.steps
    if head["kind"] in NUMBERS:
        return mean
    smallest: float = np.finfo(np.float64).tiny
    logits: Array = np.log(np.maximum(mean, smallest)) * head.get("temperature", 1.0)
    return logits


def attributions(model: Model, name: str, found: Gathered, against: Against) -> list[Attribution]:
    """Return what each stream contributed to one head's answer about each clip."""
    head = model.heads[name]
    row = average(head, found) if against == "average" else None
    learned = model.metadata.stream_dropout
    explained = []
    for told in found.told:
        least = guess(head, told.answer, told.steps, row)
        values = {g: value if math.isfinite(value) else least for g, value in told.values.items()}
        explained.append(attribution_of(values, learned=learned))
    return explained


def grouped(
    head: Mapping[str, Any], found: Gathered, explained: Sequence[Attribution]
) -> dict[str, dict[str, Interval]]:
    shares = [attribution.shares for attribution in explained]
    told = {told.target for told in found.told}
    classes = [label for label in head.get("labels", ()) if label in told]
    groups = {EVERY: shares}
    for label in classes:
        groups[label] = [s for s, told in zip(shares, found.told, strict=True) if told.target == label]
    return {group: mean_shares(of_group) for group, of_group in groups.items()}


def mean_shares(shares: Sequence[Mapping[str, float]]) -> dict[str, Interval]:
    """Return each stream's mean share with its 95 % interval, over the clips that have it."""
    names = dict.fromkeys(name for of_clip in shares for name in of_clip)
    found = {name: np.array([s[name] for s in shares if name in s]) for name in names}
    return {name: bootstrap(with_count(values), ratio) for name, values in found.items()}


def save_class_picture(path: str | Path, shares: Shares, title: str = "") -> None:
    """Write a picture (.png, .svg or .pdf): for each head, bars by class and stream, with their intervals.

    Raises MissingError without matplotlib.
    """
    streams = list(
        dict.fromkeys(name for groups in shares.values() for row in groups.values() for name in row)
    )
    tall = max(len(groups) for groups in shares.values())
    figure = new_figure(1.0 + 3.2 * len(shares), 1.4 + 0.16 * tall * (len(streams) + 1))
    axes = figure.subplots(1, len(shares), squeeze=False)[0]
    for axis, (head, groups) in zip(axes, shares.items(), strict=True):
        draw_groups(axis, groups, streams)
        axis.set_title(head)
    axes[0].legend(frameon=False, fontsize=8)
    figure.suptitle(title)
    save_figure(figure, path)


def draw_groups(axis: Any, groups: Mapping[str, Mapping[str, Interval]], streams: Sequence[str]) -> None:
    """Draw a bar for each stream in each group, to the left of zero where it spoke against the answers."""
    height = 0.8 / len(streams)
    for number, stream in enumerate(streams):
        rows = [(place, row[stream]) for place, row in enumerate(groups.values()) if stream in row]
        places = [place + (number - (len(streams) - 1) / 2) * height for place, _ in rows]
        values = [share.value for _, share in rows]
        errors = np.array([[s.value - s.low, s.high - s.value] for _, s in rows]).clip(0).T
        axis.barh(places, values, height, xerr=np.nan_to_num(errors), color=f"C{number}", label=stream,
                  error_kw={"elinewidth": 0.8})  # fmt: skip
    axis.axvline(0, color="black", linewidth=0.8)
    axis.set_yticks(range(len(groups)), list(groups))
    axis.set_xlabel("mean signed share")
    axis.invert_yaxis()
