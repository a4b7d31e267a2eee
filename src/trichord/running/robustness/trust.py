"""Streams at odds: whether a model notices that one is another clip's, and which of them it believes."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from operator import ne
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from trichord.clip import Clip, Target
from trichord.decoding import Decoded
from trichord.metrics import Interval, bootstrap, ratio, steps_of, with_count, word_errors
from trichord.running.evaluate import Answers, by_name, plain

RESAMPLES = 500

Floats: TypeAlias = NDArray[np.float64]
Head: TypeAlias = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class HeadTrust:
    """One head's behaviour where a stream was taken from a clip with another target.

    `detection`: how often the streams of such a clip disagree more than those of a clip left as it is, the
    area under the ROC curve: 0.5 is chance. `follows`: by stream, the share of answers that are nearer to
    the target of that stream's clip than to the other's.
    """

    detection: Interval
    follows: Mapping[str, Interval]


@dataclass(frozen=True, slots=True)
class Trust:
    """What became of the answers when `stream` came from other clips.

    `scores`: metrics by head against the targets of the clips that kept their other streams. `shares`: each
    stream's mean signed share in these answers.
    """

    stream: str
    scores: Mapping[str, Mapping[str, Interval]]
    shares: Mapping[str, Interval]
    heads: Mapping[str, HeadTrust]

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {
            "stream": self.stream,
            "scores": {head: by_name(metrics) for head, metrics in self.scores.items()},
            "shares": by_name(self.shares),
            "heads": {
                head: {"detection": plain(found.detection), "follows": by_name(found.follows)}
                for head, found in self.heads.items()
            },
        }


def head_trust(
    head: str,
    described: Head,
    stream: str,
    streams: Sequence[str],
    answers: Answers,
    clean: Mapping[str, Mapping[str, float]],
) -> HeadTrust:
    """Return one head's behaviour in `answers`, where `stream` was swapped.

    `clean` holds the disagreements by clip and head of the same clips left as they are.
    """
    swapped, left, nearer = [], [], []
    distance = DISTANCES[described["kind"]]
    told = zip(answers.pairs, answers.lent, answers.disagreements, strict=True)
    for (clip, decoded), lent, disagreements in told:
        targets = stream in lent and differing(head, clip, lent[stream])
        if not targets:
            continue
        if head in disagreements:
            swapped.append(disagreements[head])
            left.append(clean[clip.id][head])
        own, other = (distance(described, target, decoded[head]) for target in targets)
        if not math.isnan(own + other):
            nearer.append([own < other, other < own])
    own_share, lent_share = (
        bootstrap(with_count(column), ratio) for column in np.array(nearer, np.float64).reshape(-1, 2).T
    )
    follows = {name: lent_share if name == stream else own_share for name in streams}
    return HeadTrust(detection(swapped, left), follows)


def differing(head: str, clip: Clip, lent: Clip) -> tuple[Target, Target] | None:
    """Return both clips' targets, None unless they are known and differ."""
    own, other = clip.targets.get(head), lent.targets.get(head)
    return None if own is None or other is None or own == other else (own, other)


def detection(swapped: ArrayLike, left: ArrayLike) -> Interval:
    """Return the area under the ROC curve, with an interval that draws the clips of both anew."""
    positive, negative = np.asarray(swapped, np.float64), np.asarray(left, np.float64)
    n, rng = len(positive), np.random.default_rng(0)
    if not n:
        return Interval(np.nan, np.nan, np.nan, 0)
    draws = [rng.integers(n, size=n) for _ in range(RESAMPLES)]
    low, high = np.quantile([roc_area(positive[draw], negative[draw]) for draw in draws], [0.025, 0.975])
    return Interval(roc_area(positive, negative), float(low), float(high), n)


def roc_area(positive: Floats, negative: Floats) -> float:
    """Return how often a positive exceeds a negative, half of the ties included (Mann and Whitney, 1947)."""
    ordered = np.sort(negative)
    below = np.searchsorted(ordered, positive, "left") + np.searchsorted(ordered, positive, "right")
    return float(below.mean() / (2 * len(ordered)))


def classes_apart(head: Head, target: Target, decoded: Decoded) -> float:
    return float(decoded.value != target)


def words_apart(head: Head, target: Target, decoded: Decoded) -> float:
    errors, words = word_errors(str(target), str(decoded.value))
    return errors / max(words, 1)


def numbers_apart(head: Head, target: Target, decoded: Decoded) -> float:
    """Return the mean distance over the head's names, each in its training deviations."""
    off = np.subtract(np.array(target, np.float64), np.array(decoded.value, np.float64))
    return float(np.abs(off / np.array(head["std"], np.float64)).mean())


def steps_apart(head: Head, target: Target, decoded: Decoded) -> float:
    """Return the share of labelled steps that were called otherwise; NaN where none is labelled."""
    truth, said = steps_of(head, target, decoded)
    return sum(map(ne, truth, said)) / len(truth) if truth else math.nan


def places_apart(head: Head, target: Target, decoded: Decoded) -> float:
    """Return NaN: a label is no place, so that one embedding alone is neither near nor far."""
    return math.nan


DISTANCES: dict[str, Callable[[Head, Target, Decoded], float]] = {
    "classify": classes_apart,
    "ctc": words_apart,
    "generate": words_apart,
    "regress": numbers_apart,
    "tag": steps_apart,
    "contrastive": places_apart,
}
