"""Which items go into which batch, as a function of seed and epoch alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from trichord.learning.batch import Item
from trichord.prepare.preparation import InputSpec

LENGTH_JITTER = 0.1  # how far, relative to its length, an item may stray from its length's neighbours


def seconds_of(item: Item, specs: Mapping[str, InputSpec], clock: float) -> float:
    """Return how long an item is: its longest stream, where a token or unclocked step lasts one tick."""
    return max((len(array) / (specs[name].rate or clock) for name, array in item.inputs.items()), default=0.0)


def plan_batches(seconds: Sequence[float], batch_seconds: float, *, seed: int, epoch: int) -> list[list[int]]:
    """Group item numbers into batches of like length, at most `batch_seconds` long once padded.

    An item longer than `batch_seconds` is a batch of its own. The grouping and the order of batches change
    with every epoch.
    """
    rng = np.random.default_rng([seed, 0, epoch])
    lengths = np.asarray(seconds)
    order = np.argsort(lengths * (1 + LENGTH_JITTER * rng.uniform(-1, 1, len(lengths))), kind="stable")
    batches: list[list[int]] = []
    longest = 0.0
    for index in order.tolist():
        longest = max(longest, lengths[index])
        if not batches or longest * (len(batches[-1]) + 1) > batch_seconds:
            batches.append([])
            longest = lengths[index]
        batches[-1].append(index)
    return [batches[number] for number in rng.permutation(len(batches))]


def batches_to_measure(
    items: Sequence[Item], specs: Mapping[str, InputSpec], clock: float, batch_seconds: float
) -> list[list[int]]:
    """Return the numbers of items that are measured, not learned from, in batches: the same at every call."""
    seconds = [seconds_of(item, specs, clock) for item in items]
    return plan_batches(seconds, batch_seconds, seed=0, epoch=0)
