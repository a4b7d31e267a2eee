"""Learning what does not depend on whose voice or face it is."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from trichord.errors import RecipeError
from trichord.kinds import nearest
from trichord.learning.batch import Item
from trichord.learning.objectives.change import Probability, has, spec_of, with_inputs
from trichord.learning.objectives.objective import Objective, Surroundings
from trichord.prepare.preparation import Array

Vector = NDArray[np.float64]


class SwapMeans(Objective):
    """Gives items another group's mean in place of their own: the same smile on another actor's face.

    A feature-space style transfer, as in domain generalisation (MixStyle, Zhou et al., 2021), with the mean
    of all steps of all training clips of a group as its style. Nothing is asked of new groups.

    by: what groups the clips, a key of their `about` such as speaker.
    streams: ready arrays to change, all of an item together; by default every one.
    probability: how often an item is changed.
    """

    def __init__(self, by: str, streams: tuple[str, ...] = (), probability: Probability = 0.5) -> None:
        super().__init__()
        self.by, self.streams, self.probability = by, streams, probability

    def build(self, surroundings: Surroundings) -> None:
        specs = surroundings.specs
        named = self.streams or tuple(name for name, spec in specs.items() if spec.kind == "array")
        if not named:
            kinds = sorted({spec.kind for spec in specs.values()})
            raise RecipeError(f"SwapMeans changes ready arrays, but the streams give {' and '.join(kinds)}")
        self.changed = [name for name in named if spec_of(name, specs, "SwapMeans", ("array",))]
        keys = {key for item in surroundings.items for key in item.about}
        if self.by not in keys:
            raise RecipeError(f"SwapMeans: no training clip has {self.by!r}{nearest(self.by, keys)}")
        self.means = {name: group_means(surroundings.items, name, self.by) for name in self.changed}

    def change(self, items: Sequence[Item], rng: np.random.Generator) -> Sequence[Item]:
        chosen = rng.random(len(items)) < self.probability
        return [self.moved(item, rng) if take else item for item, take in zip(items, chosen, strict=True)]

    def moved(self, item: Item, rng: np.random.Generator) -> Item:
        """Return the item with the means of one random group, which may be its own."""
        own = item.about.get(self.by, "")
        able = [name for name in self.changed if has(item, name) and own in self.means[name]]
        groups = sorted(set.intersection(*(set(self.means[name]) for name in able))) if able else []
        if not groups:
            return item
        other = groups[int(rng.integers(len(groups)))]
        shift = {name: self.means[name][other] - self.means[name][own] for name in able}
        return with_inputs(item, {name: np.add(item.inputs[name], shift[name]).astype(np.float32)
                                  for name in able})  # fmt: skip


def group_means(items: Sequence[Item], stream: str, by: str) -> dict[str, Vector]:
    """Return the mean step of a stream, `(dim,)`, by group."""
    arrays: dict[str, list[Array]] = {}
    for item in items:
        if has(item, stream) and by in item.about:
            arrays.setdefault(item.about[by], []).append(item.inputs[stream])
    return {group: np.concatenate(own).mean(0, dtype=np.float64) for group, own in arrays.items()}
