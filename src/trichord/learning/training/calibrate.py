"""What is chosen on validation clips once the weights are learned."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from trichord.decoding import decode
from trichord.decoding.calibration import fit_temperature
from trichord.decoding.options import beam_from_metadata
from trichord.learning.batch import Item
from trichord.learning.heads.classify import Classify
from trichord.learning.heads.ctc import Ctc
from trichord.learning.heads.head import Head
from trichord.learning.training.data import Data
from trichord.learning.training.loop import validation_batches
from trichord.learning.training.run import RunFolder
from trichord.learning.training.validate import predict
from trichord.metrics import wer

Logits: TypeAlias = Sequence[NDArray[np.float32]]

LANGUAGE_WEIGHTS = (0.0, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0)


def calibrate(run: RunFolder, data: Data) -> None:
    """Choose how a run's heads decode, on validation clips, and write it into the run.

    Classifiers get the temperature that makes their confidences honest (Guo et al., 2017); CTC heads with a
    language model the weight of it that gives the lowest word error rate, unless the recipe sets one.
    """
    recipe, model = run.load()
    wanted = {name: head for name, head in recipe.heads.items() if chooses(head)}
    if not wanted or not data.valid:
        return
    logits, _ = predict(model, recipe.heads, data.valid, validation_batches(recipe, data), data.specs)
    for name, head in wanted.items():
        if isinstance(head, Classify):
            choose_temperature(head, name, data.valid, logits[name])
        elif isinstance(head, Ctc):
            choose_language_weight(head, name, data.valid, logits[name])
    run.write_parts(recipe)


def chooses(head: Head) -> bool:
    """Whether a head leaves anything for validation clips to choose."""
    return isinstance(head, Classify) or (
        isinstance(head, Ctc) and head.search is not None and head.language_weight is None
    )


def choose_temperature(head: Classify, name: str, items: Sequence[Item], logits: Logits) -> None:
    known = [(row, head.labels.index(str(item.targets[name])))
             for row, item in zip(logits, items, strict=True)
             if len(row) and str(item.targets.get(name)) in head.labels]  # fmt: skip
    if known:
        rows, labels = zip(*known, strict=True)
        head.temperature = fit_temperature(np.concatenate(rows), np.asarray(labels))


def choose_language_weight(head: Ctc, name: str, items: Sequence[Item], logits: Logits) -> None:
    known = [(row, str(item.targets[name])) for row, item in zip(logits, items, strict=True)
             if name in item.targets]  # fmt: skip
    described = head.metadata()
    written = beam_from_metadata(described)
    if not known or written is None or head.search is None:
        return

    def error(weight: float) -> float:
        beam = replace(written, alpha=weight)
        said = [str(decode(described, row, beam=beam).value) for row, _ in known]
        return wer([target for _, target in known], said)

    head.search |= {"alpha": min(LANGUAGE_WEIGHTS, key=error)}  # the smallest of the best
