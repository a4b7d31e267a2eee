"""Learning to follow fast and slow talkers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated

import numpy as np
import soxr
from pydantic import Field

from trichord.clip import Event, Target
from trichord.learning.batch import Item
from trichord.learning.objectives.change import clocked, has
from trichord.learning.objectives.objective import Objective, Surroundings
from trichord.prepare.preparation import Array

Factor = Annotated[float, Field(ge=0.25, le=4)]


class Speed(Objective):
    """Plays clips faster or slower by a factor drawn from `factors`, all senses in step (Ko et al. 2015).

    Samples are resampled, which moves the pitch as well; frames and clocked arrays are picked anew at the
    same pace; timed events of the targets move along. Unclocked streams stay.

    streams: what to change; by default every clocked stream. Naming only some puts senses out of step.
    factors: speeds to draw from; 1.1 is faster, and shorter.
    """

    def __init__(
        self,
        streams: tuple[str, ...] = (),
        factors: Annotated[tuple[Factor, ...], Field(min_length=1)] = (0.9, 1.0, 1.1),
    ) -> None:
        super().__init__()
        self.streams = streams
        self.factors = factors

    def build(self, surroundings: Surroundings) -> None:
        specs = clocked(self.streams, surroundings.specs, "Speed")
        self.clocked = {name: spec.kind for name, spec in specs.items()}

    def change(self, items: Sequence[Item], rng: np.random.Generator) -> Sequence[Item]:
        factors = rng.choice(self.factors, len(items))
        return [
            self.play(item, float(factor)) if factor != 1 else item
            for item, factor in zip(items, factors, strict=True)
        ]

    def play(self, item: Item, factor: float) -> Item:
        """Return the item at this speed."""
        changed = {
            name: resampled(item.inputs[name], factor) if kind == "samples"
            else picked(item.inputs[name], factor)
            for name, kind in self.clocked.items() if has(item, name)
        }  # fmt: skip
        targets = {head: moved(target, factor) for head, target in item.targets.items()}
        return replace(item, inputs={**item.inputs, **changed}, targets=targets)


def resampled(samples: Array, factor: float) -> Array:
    """Return `samples (time,)` played `factor` times as fast."""
    faster: Array = soxr.resample(samples.astype(np.float32, copy=False), factor, 1.0)
    return faster if len(faster) else samples


def picked(array: Array, factor: float) -> Array:
    """Return the steps of `array (time, ...)` met at `factor` times the pace."""
    steps = (np.arange(max(1, round(len(array) / factor))) * factor).astype(np.int64)
    return array[np.minimum(steps, len(array) - 1)]


def moved(target: Target, factor: float) -> Target:
    """Return a target whose timed events, if it has any, happen at the new speed."""
    if isinstance(target, str | float | int):
        return target
    return tuple(at_speed(part, factor) if isinstance(part, Event) else part for part in target)  # type: ignore[return-value]


def at_speed(event: Event, factor: float) -> Event:
    end = None if event.end is None else event.end / factor
    return replace(event, start=event.start / factor, end=end)
