"""Learning not to believe one sense at one moment."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from trichord.errors import RecipeError
from trichord.learning.batch import Item
from trichord.learning.objectives.change import Probability, has, spec_of, with_inputs
from trichord.learning.objectives.objective import Objective, Surroundings
from trichord.prepare.preparation import Array


class SwapSteps(Objective):
    """Takes steps of a stream from anywhere in the training clips, so that they say nothing of this one.

    For features that know more in training than they will in use, such as those of a network that was taught
    with the training labels: swapped steps bring their worth down to what is known of it elsewhere, and teach
    to lean on the other streams and on the steps around. With classes of two, a stream that is right in a
    share `a` of new steps wants `share: 2 * (1 - a)`.

    stream: a stream of ready arrays.
    share: of its steps, how many are swapped.
    """

    def __init__(self, stream: str, share: Probability = 0.2) -> None:
        super().__init__()
        self.stream, self.share = stream, share

    def build(self, surroundings: Surroundings) -> None:
        spec_of(self.stream, surroundings.specs, "SwapSteps", ("array",))
        arrays = [item.inputs[self.stream] for item in surroundings.items if has(item, self.stream)]
        if not arrays:
            raise RecipeError(f"SwapSteps: no training clip has a step of {self.stream!r} to swap")
        self.steps = np.concatenate(arrays)

    def change(self, items: Sequence[Item], rng: np.random.Generator) -> Sequence[Item]:
        return [
            with_inputs(item, {self.stream: self.swapped(item.inputs[self.stream], rng)})
            if has(item, self.stream) else item
            for item in items
        ]  # fmt: skip

    def swapped(self, array: Array, rng: np.random.Generator) -> Array:
        taken = rng.random(len(array)) < self.share
        return np.where(taken[:, None], self.steps[rng.integers(len(self.steps), size=len(array))], array)
