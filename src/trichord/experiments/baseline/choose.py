"""Which settings of a classical method are best on validation clips."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np

from trichord.clip import Clip
from trichord.decoding import Decoded, decode
from trichord.decoding.calibration import fit_temperature
from trichord.experiments.baseline.classifiers import GRIDS, Classifier
from trichord.experiments.baseline.features import Floats
from trichord.experiments.baseline.task import Task
from trichord.experiments.baseline.words import GRID, learn_words
from trichord.metrics import HEAD_SCORES
from trichord.prepare.text import Characters, Tokens
from trichord.progress import track

KINDS = ("hmm", *GRIDS)
CHOOSABLE = ("accuracy", "macro_f1", "uar")
CHARACTERS, WORDS = 4, 2
"""How many characters, or words, a feature of text spans at most."""

Settings = Mapping[str, Any]


class Recogniser(Protocol):
    def logits(self, given: Sequence[Any], /) -> Floats: ...


class Choice(NamedTuple):
    """The best recogniser, its settings, and the validation scores of all that were tried, if any are."""

    recogniser: Recogniser
    settings: Settings
    tried: Sequence[tuple[Settings, float | None]]


def choose(task: Task, kind: str) -> Choice:
    """Learn from the training clips with each of the kind's settings; return what validates best.

    The first of equals is taken; where nothing validates, the first of all, and no other is learned.
    """
    validates = "valid" in task.parts and bool(task.parts["valid"].places())
    grid = GRID if kind == "hmm" else GRIDS[kind]
    tried: list[tuple[Settings, float | None]] = []
    best, best_score = None, -np.inf
    for settings in track(grid if validates else grid[:1], f"learning {kind}"):
        for found, recogniser in learned(task, kind, settings):
            score = score_of(task, recogniser) if validates else None
            tried.append((found, score))
            if best is None or (score is not None and score > best_score):
                best, best_score = (recogniser, found), -np.inf if score is None else score
    assert best is not None
    return Choice(*best, tried)


def learned(task: Task, kind: str, settings: Settings) -> Iterator[tuple[Settings, Recogniser]]:
    given, labels = task.parts["train"].present(), task.labels("train")
    balanced, seed = task.classify.class_weights == "balanced", task.recipe.training.seed
    if kind == "hmm":
        yield from learn_words(given, labels, settings, balanced=balanced)
        return
    prepare = task.recipe.streams[task.stream].prepare
    split = prepare.split if isinstance(prepare, Tokens) else None
    longest = CHARACTERS if isinstance(prepare, Characters) else WORDS
    yield settings, Classifier(
        kind, settings, split=split, longest=longest, balanced=balanced, seed=seed
    ).fit(given, labels)  # fmt: skip


def metric_of(task: Task) -> str:
    """Return the score to choose by: the recipe's monitor where it is one of the head's, else accuracy."""
    head, _, metric = task.recipe.training.monitor.partition(".")
    return metric if head == task.head and metric in CHOOSABLE else "accuracy"


def score_of(task: Task, recogniser: Recogniser) -> float:
    pairs = answers(task, "valid", recogniser)
    targets = [clip.targets[task.head] for clip, _ in pairs]
    said = [decoded[task.head] for _, decoded in pairs]
    rows, statistic = HEAD_SCORES["classify"](task.metadata(), targets, said)[metric_of(task)]
    return float(statistic(rows.sum(0)))


def answers(task: Task, split: str, recogniser: Recogniser) -> list[tuple[Clip, Mapping[str, Decoded]]]:
    """Return what is said of each clip of a split; of one whose stream is absent, "not sure"."""
    part, described = task.parts[split], task.metadata()
    logits = np.zeros((len(part.clips), 1, len(described["labels"])))
    if places := part.places():
        logits[places, 0] = recogniser.logits(part.present())
    return [
        (clip, {task.head: decode(described, row[: int(given is not None)])})
        for clip, given, row in zip(part.clips, part.features, logits, strict=True)
    ]


def calibrate(task: Task, recogniser: Recogniser) -> None:
    """Fit the head's temperature on the validation clips, so that confidences mean what they say."""
    if "valid" not in task.parts:
        return
    labels = task.labels("valid")
    if (labels >= 0).any():
        logits = recogniser.logits(task.parts["valid"].present())
        task.classify.temperature = fit_temperature(logits[labels >= 0], labels[labels >= 0])
