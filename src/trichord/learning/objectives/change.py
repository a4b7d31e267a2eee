"""What objectives that change one stream of the items share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Annotated, ClassVar

import numpy as np
from pydantic import AfterValidator, Field

from trichord.errors import RecipeError
from trichord.kinds import nearest
from trichord.learning.batch import Item
from trichord.learning.objectives.objective import Objective, Surroundings
from trichord.prepare.preparation import Array, InputSpec


def ordered(bounds: tuple[float, float]) -> tuple[float, float]:
    if bounds[0] > bounds[1]:
        raise ValueError(f"the lower bound must come first; got {bounds}")
    return bounds


Probability = Annotated[float, Field(ge=0, le=1)]
Bounds = Annotated[tuple[float, float], AfterValidator(ordered)]
Seconds = Annotated[float, Field(gt=0, le=10)]


class StreamChange(Objective):
    """Changes the array of one stream, each item independently; items without it stay as they are.

    Subclasses take `stream` and `probability` among their arguments, name the kinds of `InputSpec` that
    they can change in `takes`, and define `alter`.
    """

    takes: ClassVar[tuple[str, ...]] = ()
    stream: str
    probability: float
    spec: InputSpec

    def build(self, surroundings: Surroundings) -> None:
        self.spec = spec_of(self.stream, surroundings.specs, type(self).__name__, self.takes)

    def change(self, items: Sequence[Item], rng: np.random.Generator) -> Sequence[Item]:
        chosen = rng.random(len(items)) < self.probability
        return [
            with_inputs(item, {self.stream: self.alter(item.inputs[self.stream], rng)})
            if take and has(item, self.stream) else item
            for item, take in zip(items, chosen, strict=True)
        ]  # fmt: skip

    def alter(self, array: Array, rng: np.random.Generator) -> Array:
        """Return what takes the place of one item's array, which itself stays as it is."""
        raise NotImplementedError


def spec_of(stream: str, specs: Mapping[str, InputSpec], who: str, takes: Sequence[str]) -> InputSpec:
    """Return the spec of `stream`. Raises `RecipeError` where it does not exist or is of another kind."""
    if stream not in specs:
        raise RecipeError(f"{who}: there is no stream {stream!r}{nearest(stream, specs)}")
    if takes and specs[stream].kind not in takes:
        raise RecipeError(f"{who} changes {' or '.join(takes)}, but {stream!r} gives {specs[stream].kind}")
    return specs[stream]


def clocked(streams: Sequence[str], specs: Mapping[str, InputSpec], who: str) -> dict[str, InputSpec]:
    """Return the specs of the `streams` that have a clock, by default of all that have one.

    Raises `RecipeError` where a stream does not exist.
    """
    named = {name: spec_of(name, specs, who, ()) for name in streams or specs}
    return {name: spec for name, spec in named.items() if spec.rate is not None}


def has(item: Item, stream: str) -> bool:
    """Tell whether the stream is present: prepared, and longer than zero."""
    return len(item.inputs.get(stream, ())) > 0


def with_inputs(item: Item, changed: Mapping[str, Array]) -> Item:
    """Return a copy of the item with these arrays in place of its own."""
    return replace(item, inputs={**item.inputs, **changed})
