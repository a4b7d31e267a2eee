"""Learning from a stream that is missing for a moment."""

from __future__ import annotations

import numpy as np

from trichord.learning.objectives.change import Probability, Seconds, StreamChange
from trichord.prepare.gaps import hide
from trichord.prepare.preparation import Array


class TimeMasking(StreamChange):
    """Hides a stretch of every second or so: frames behind the mean frame (Ma et al. 2022), sound in silence.

    stream: the clocked stream to change.
    seconds: longest stretch.
    every_seconds: one stretch is hidden for each so many seconds of an item.
    probability: how often an item is changed.
    """

    takes = ("array", "frames", "samples")

    def __init__(
        self,
        stream: str,
        seconds: Seconds = 0.4,
        every_seconds: Seconds = 1.0,
        probability: Probability = 1.0,
    ) -> None:
        super().__init__()
        self.stream = stream
        self.seconds = seconds
        self.every_seconds = every_seconds
        self.probability = probability

    def alter(self, array: Array, rng: np.random.Generator) -> Array:
        rate = self.spec.rate or 25.0
        count = int(len(array) / rate / self.every_seconds)
        longest = min(len(array) - 1, round(self.seconds * rate))
        widths = rng.integers(0, longest + 1, (count, 1))
        starts = rng.integers(0, len(array) - widths + 1)
        steps = np.arange(len(array))
        inside = (steps >= starts) & (steps < starts + widths)  # (stretches, time)
        return hide(array, np.logical_or.reduce(inside, axis=0), self.spec)
