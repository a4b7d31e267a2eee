"""Learning from a part of a clip."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from trichord.errors import RecipeError
from trichord.learning.batch import Item
from trichord.learning.objectives.change import Bounds, Probability, clocked, has, with_inputs
from trichord.learning.objectives.objective import Objective, Surroundings

LONGEST = 3600.0  # seconds


class Crop(Objective):
    """Keeps a stretch of a clip, somewhere in it, of a length drawn evenly from `seconds`.

    What is true of the whole clip, who speaks or in which language, shall be heard in any part of it, and no
    clip be known by its length. All clocked streams are cut in step; what is shorter stays whole. For heads
    that answer once a clip: a transcript or timed events would no longer fit.

    seconds: shortest and longest stretch.
    streams: what to cut; by default every clocked stream.
    probability: how often a clip is cut.
    """

    def __init__(
        self, seconds: Bounds = (1.0, 3.0), streams: tuple[str, ...] = (), probability: Probability = 1.0
    ) -> None:
        super().__init__()
        if not 0 < seconds[0] <= seconds[1] <= LONGEST:
            raise ValueError(f"a stretch lasts more than 0 and at most {LONGEST:g} s; got {list(seconds)}")
        self.seconds, self.streams, self.probability = seconds, streams, probability

    def build(self, surroundings: Surroundings) -> None:
        """Know the clocks; raises RecipeError beside a head that answers step by step."""
        specs = clocked(self.streams, surroundings.specs, "Crop")
        self.rates = {name: spec.rate or 1.0 for name, spec in specs.items()}
        timed = [name for name, head in surroundings.heads.items() if head.rate_of(1.0) is not None]
        if timed:
            raise RecipeError(f"Crop: what head {timed[0]!r} should say would no longer fit a part of a clip")

    def change(self, items: Sequence[Item], rng: np.random.Generator) -> Sequence[Item]:
        lengths, places = rng.uniform(*self.seconds, len(items)), rng.random(len(items))
        chosen = rng.random(len(items)) < self.probability
        return [
            self.cut(item, float(length), float(place)) if take else item
            for item, length, place, take in zip(items, lengths, places, chosen, strict=True)
        ]

    def lasting(self, seconds: float) -> float:
        return min(seconds, self.seconds[1]) if self.probability == 1 and not self.streams else seconds

    def cut(self, item: Item, seconds: float, place: float) -> Item:
        """Return the item with `seconds` of it alone, the share `place` of what is cut away before them."""
        there = {name: rate for name, rate in self.rates.items() if has(item, name)}
        whole = max((len(item.inputs[name]) / rate for name, rate in there.items()), default=0.0)
        start = place * max(0.0, whole - seconds)
        changed = {}
        for name, rate in there.items():
            array = item.inputs[name]
            first = min(round(start * rate), len(array) - 1)
            changed[name] = array[first : max(first + 1, round((start + seconds) * rate))]
        return with_inputs(item, changed)
