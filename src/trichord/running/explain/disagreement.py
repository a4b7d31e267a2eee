"""How far a clip's streams disagree: what each says alone, against what the others say.

Lin, J.: Divergence measures based on the Shannon entropy. IEEE Transactions on Information Theory, 1991.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import log
from typing import Any, TypeAlias

import numpy as np

from trichord.decoding.logits import Floats, log_softmax
from trichord.prepare.preparation import Array
from trichord.running.explain.worth import ROWS, Runs

Head: TypeAlias = Mapping[str, Any]

LEAST_COUNT = 1e-6


def disagreement(model: Runs, inputs: Mapping[str, Array]) -> dict[str, float]:
    """Return by head how far the present streams disagree; a head whose kind has no measure is left out.

    `classify`, `tag` and `ctc`: the generalised Jensen-Shannon divergence of what each stream says alone, all
    alike in weight, over its largest value, the logarithm of how many they are: 0 where all say the same, 1
    where each is sure of another answer. For `tag` it is the mean over steps; for `ctc` that of how often
    each unit is written, whenever that is, for streams may write at different times, tokens at no time.
    `regress`: the deviation of the streams' numbers, in those of training. 0 where fewer than two streams
    have something to say.
    """
    present = [{name: array} for name, array in inputs.items() if len(array)]
    alone = [
        logits
        for start in range(0, len(present), ROWS)
        for logits in model.logits(present[start : start + ROWS])
    ]
    found = {}
    for name, head in model.metadata.heads.items():
        if measure := MEASURES.get(str(head.get("kind"))):
            spoken = [logits[name] for logits in alone if len(logits[name])]
            found[name] = measure(head, spoken) if len(spoken) > 1 else 0.0
    return found


def distributions_differ(head: Head, spoken: Sequence[Array]) -> float:
    """Return the divergence of distributions, from logits `(time, classes)`; the shortest counts."""
    steps = min(map(len, spoken))
    logits = np.stack([each[:steps] for each in spoken]).astype(np.float64)  # (streams, time, classes)
    return float(jensen_shannon(log_softmax(logits / head.get("temperature", 1.0))).mean())


def writings_differ(head: Head, spoken: Sequence[Array]) -> float:
    """Return the divergence of the units that are written, from logits `(time, units)`, unit 0 the blank."""
    counts = [np.exp(log_softmax(each.astype(np.float64)))[:, 1:].sum(0) + LEAST_COUNT for each in spoken]
    return float(jensen_shannon(np.log([count / count.sum() for count in counts])))


def jensen_shannon(log_probs: Floats) -> Floats:
    """Return the divergence, 0 to 1, of `log_probs (streams, ..., classes)`, as `(...)`."""
    probs = np.exp(log_probs)
    mixture = probs.mean(0)
    divergence = entropy(mixture, np.log(np.maximum(mixture, np.finfo(np.float64).tiny)))
    divergence = divergence - entropy(probs, log_probs).mean(0)
    limit = log(len(log_probs)) if len(log_probs) > 1 else 1.0
    return np.asarray(np.clip(divergence / limit, 0.0, 1.0))


def entropy(probs: Floats, log_probs: Floats) -> Floats:
    """Return the entropy in nats over the last axis."""
    return np.asarray(-(probs * log_probs).sum(-1))


def numbers_differ(head: Head, spoken: Sequence[Array]) -> float:
    """Return the mean over names of the deviation of the streams' numbers `(1, names)`."""
    return float(np.stack([each[0] for each in spoken]).astype(np.float64).std(0).mean())


MEASURES: dict[str, Callable[[Head, Sequence[Array]], float]] = {
    "classify": distributions_differ,
    "contrastive": numbers_differ,
    "ctc": writings_differ,
    "regress": numbers_differ,
    "tag": distributions_differ,
}
