"""Learning to do without a sense."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from trichord.learning.batch import Item
from trichord.learning.objectives.change import Probability, has, spec_of
from trichord.learning.objectives.objective import Objective, Surroundings


class StreamDropout(Objective):
    """Takes whole streams away from items, so that the model works with whatever is there.

    With `probability`, each item on its own keeps only a random subset of its present streams: every
    non-empty proper subset is equally likely, so at least one stream stays (ModDrop, Neverova et al. 2016).

    probability: how often an item loses something.
    keep: streams that are never taken away.
    """

    def __init__(self, probability: Probability = 0.3, keep: tuple[str, ...] = ()) -> None:
        super().__init__()
        self.probability = probability
        self.keep = keep

    def build(self, surroundings: Surroundings) -> None:
        for stream in self.keep:
            spec_of(stream, surroundings.specs, "StreamDropout.keep", ())

    def change(self, items: Sequence[Item], rng: np.random.Generator) -> Sequence[Item]:
        chosen = rng.random(len(items)) < self.probability
        return [self.thin(item, rng) if take else item for item, take in zip(items, chosen, strict=True)]

    def thin(self, item: Item, rng: np.random.Generator) -> Item:
        """Return the item with a random proper subset of its streams."""
        present = [name for name in item.inputs if has(item, name)]
        loose = [name for name in present if name not in self.keep]
        subsets = 2 ** len(loose) - 1  # as bits of a number; the full set, the last number, is left out
        fewest = 0 if len(loose) < len(present) else 1
        if subsets <= fewest:
            return item
        kept = int(rng.integers(fewest, subsets))
        dropped = {name for bit, name in enumerate(loose) if not kept >> bit & 1}
        return replace(
            item, inputs={name: array for name, array in item.inputs.items() if name not in dropped}
        )
