"""How probable an answer remains when the model senses something else."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol

import numpy as np

from trichord.artifact import Metadata
from trichord.decoding import Value, log_probability
from trichord.decoding.generate import Step
from trichord.prepare.preparation import Array

ROWS = 16
"""How many variants of a clip run as one batch: all subsets of four streams."""


class Runs(Protocol):
    """What explaining needs of a model; `trichord.running.runtime.Model` is one."""

    @property
    def metadata(self) -> Metadata: ...

    @property
    def steps(self) -> Mapping[str, Step]: ...

    def logits(self, inputs: Sequence[Mapping[str, Array]]) -> list[dict[str, Array]]: ...


def worths(
    model: Runs,
    variants: Sequence[Mapping[str, Array]],
    answers: Mapping[str, Value],
    full: Mapping[str, Array],
) -> list[float]:
    """Return, for each variant of a clip's inputs, the summed log-probability of `answers`, by head, in nats.

    `full` holds the logits that gave the answers. A variant whose logits say nothing of an answer counts as
    `guess`: so every value is finite.
    """
    return [total(model, by_head, answers, full) for by_head in said(model, variants, answers, full)]


def total(
    model: Runs, by_head: Mapping[str, float], answers: Mapping[str, Value], full: Mapping[str, Array]
) -> float:
    """Return the sum of the answers' log-probabilities; one that is -inf counts as `guess`."""
    heads = model.metadata.heads
    return sum(
        value if math.isfinite(value) else guess(heads[name], answers[name], len(full[name]))
        for name, value in by_head.items()
    )


def said(
    model: Runs,
    variants: Sequence[Mapping[str, Array]],
    answers: Mapping[str, Value],
    full: Mapping[str, Array],
) -> Iterator[dict[str, float]]:
    """Give, for each variant, each answer's log-probability by head; -inf where its logits say nothing of it.

    That is where there are none, or too few steps to spell the answer.
    """
    heads = model.metadata.heads
    for start in range(0, len(variants), ROWS):
        for logits in model.logits(variants[start : start + ROWS]):
            yield {
                name: worth(heads[name], logits[name], answer, len(full[name]), model.steps.get(name))
                for name, answer in answers.items()
            }


def worth(
    head: Mapping[str, Any], logits: Array, answer: Value, steps: int, step: Step | None = None
) -> float:
    """Return an answer's log-probability under logits that may be shorter than those, `steps`, that gave it.

    Any number of steps can spell a transcript, so a shorter one is taken as it is: typed words are no worse
    for having six steps where a voice has 75; so is what a decoder, `step`, attends to. Where each step is an
    answer, those that lack are zeros.
    """
    if not len(logits):
        return -math.inf
    lacking = 0 if head["kind"] in ("ctc", "generate") else max(steps - len(logits), 0)
    return log_probability(head, np.pad(logits, ((0, lacking), (0, 0))), answer, step)


def guess(head: Mapping[str, Any], answer: Value, steps: int, row: Array | None = None) -> float:
    """Return an answer's log-probability by logits that say nothing: the same `row (outputs,)` at each step.

    By default zeros: a uniform distribution, or for numbers the training mean.
    """
    row = np.zeros(outputs_of(head), np.float32) if row is None else row
    return log_probability(head, np.tile(row, (steps, 1)), answer)


def outputs_of(head: Mapping[str, Any]) -> int:
    """Return how many logits a step of a head has."""
    return len(head["labels"] if "labels" in head else head["names"])
