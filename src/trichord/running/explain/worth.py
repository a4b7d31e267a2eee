"""How probable an answer remains when the model senses something else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np

from trichord.artifact import Metadata
from trichord.decoding import Value, log_probability
from trichord.prepare.preparation import Array

ROWS = 16
"""How many variants of a clip run as one batch."""


class Runs(Protocol):
    """What explaining needs of a model; `trichord.running.runtime.Model` is one."""

    @property
    def metadata(self) -> Metadata: ...

    def logits(self, inputs: Sequence[Mapping[str, Array]]) -> list[dict[str, Array]]: ...


def worths(
    model: Runs,
    variants: Sequence[Mapping[str, Array]],
    answers: Mapping[str, Value],
    full: Mapping[str, Array],
) -> list[float]:
    """Return, for each variant of a clip's inputs, the summed log-probability of `answers`, by head, in nats.

    `full` holds the logits that gave the answers. Frames that a variant lacks count as zero logits, which say
    nothing: a uniform distribution, or for numbers the training mean. So every value is finite.
    """
    heads = model.metadata.heads
    return [
        sum(worth(heads[name], logits[name], answer, full[name]) for name, answer in answers.items())
        for start in range(0, len(variants), ROWS)
        for logits in model.logits(variants[start : start + ROWS])
    ]


def worth(head: Mapping[str, Any], logits: Array, answer: Value, full: Array) -> float:
    lacking = max(len(full) - len(logits), 0)
    return log_probability(head, np.pad(logits, ((0, lacking), (0, 0))), answer)
