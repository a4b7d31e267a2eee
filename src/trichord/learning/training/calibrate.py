"""What is chosen on validation clips once the weights are learned."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import product
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from trichord.decoding import decode
from trichord.decoding.calibration import fit_temperature
from trichord.decoding.options import beam_from_metadata
from trichord.learning.batch import Item
from trichord.learning.heads.classify import Classify
from trichord.learning.heads.contrastive import Contrastive
from trichord.learning.heads.ctc import Ctc
from trichord.learning.heads.head import Head
from trichord.learning.training.data import Data
from trichord.learning.training.loop import validation_batches
from trichord.learning.training.run import RunFolder
from trichord.learning.training.validate import predict
from trichord.metrics import cer, equal_error_rate, wer
from trichord.metrics.verification import compared

Logits: TypeAlias = Sequence[NDArray[np.float32]]
Pair: TypeAlias = tuple[float, float]

ALPHAS = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
BETAS = (0.0, 1.0, 2.0, -1.5, -3.0)
"""What a language model's log-probability may count beside the logits', and what a word may add."""
CLIPS, KEPT = (25, 100), 6
"""How many validation clips, evenly from all, choose among all weights, and then among the few kept."""


def calibrate(run: RunFolder, data: Data) -> None:
    """Choose how a run's heads decode, on validation clips, and write it into the run.

    Classifiers get the temperature that makes their confidences honest (Guo et al., 2017); CTC heads with a
    language model its weight, and what a word adds, that give the lowest error rate of words, or, where no
    blank parts words, of characters, unless the recipe sets a weight. Contrastive heads get the cosine from
    which on two clips are of the same label, at which both kinds of error are as frequent.
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
            choose_language_weights(head, name, data.valid, logits[name])
        elif isinstance(head, Contrastive):
            choose_threshold(head, name, data.valid, logits[name])
    run.write_parts(recipe)


def chooses(head: Head) -> bool:
    """Whether a head leaves anything for validation clips to choose."""
    return isinstance(head, Classify | Contrastive) or (
        isinstance(head, Ctc) and head.language_order is not None and head.language_weight is None
    )


def choose_temperature(head: Classify, name: str, items: Sequence[Item], logits: Logits) -> None:
    known = [(row, head.labels.index(str(item.targets[name])))
             for row, item in zip(logits, items, strict=True)
             if len(row) and str(item.targets.get(name)) in head.labels]  # fmt: skip
    if known:
        rows, labels = zip(*known, strict=True)
        head.temperature = fit_temperature(np.concatenate(rows), np.asarray(labels))


def choose_threshold(head: Contrastive, name: str, items: Sequence[Item], logits: Logits) -> None:
    known = [(row[0], str(item.targets[name])) for row, item in zip(logits, items, strict=True)
             if len(row) and name in item.targets]  # fmt: skip
    if not known:
        return
    rows, labels = zip(*(known[place] for place in compared(len(known))), strict=True)
    vectors, names = np.stack(rows).astype(np.float64), np.array(labels)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True).clip(1e-12)  # in late fusion they come as sums
    first, second = np.triu_indices(len(vectors), 1)
    same = names[first] == names[second]
    if same.any() and not same.all():
        cosines = (vectors @ vectors.T)[first, second]
        head.threshold = float(np.clip(equal_error_rate(cosines, same).threshold, -1, 1))


def choose_language_weights(head: Ctc, name: str, items: Sequence[Item], logits: Logits) -> None:
    known = [(row, str(item.targets[name])) for row, item in zip(logits, items, strict=True)
             if name in item.targets]  # fmt: skip
    described = head.metadata()
    written = beam_from_metadata(described)
    if not known or written is None or head.search is None:
        return
    rate = cer if written.level == "character" else wer

    def error(weights: Pair, clips: int) -> float:
        beam = replace(written, alpha=weights[0], beta=weights[1])
        chosen = known[:: -(-len(known) // clips)]
        said = [str(decode(described, row, beam=beam).value) for row, _ in chosen]
        return rate([target for _, target in chosen], said)

    alpha, beta = least(list(product(ALPHAS, BETAS)), error)
    head.search |= {"alpha": alpha, "beta": beta}


def least(choices: list[Pair], error: Callable[[Pair, int], float]) -> Pair:
    """Return the choice with the least error; of equals, the first.

    A few clips leave a few choices for more clips to choose among, as successive halving does (K. Jamieson
    and A. Talwalkar, 2016): a fraction of the work of measuring every choice on all of them.
    """
    for clips in CLIPS:
        choices = sorted(choices, key=lambda choice: error(choice, clips))[:KEPT]
    return choices[0]
