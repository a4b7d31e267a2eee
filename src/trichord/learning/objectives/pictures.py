"""Learning from pictures that are mirrored or moved."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from pydantic import Field

from trichord.learning.objectives.change import Probability, StreamChange
from trichord.prepare.preparation import Array


class Mirror(StreamChange):
    """Flips all frames of an item left to right.

    stream: the stream of frames to change.
    probability: how often an item is mirrored.
    """

    takes = ("frames",)

    def __init__(self, stream: str, probability: Probability = 0.5) -> None:
        super().__init__()
        self.stream = stream
        self.probability = probability

    def alter(self, array: Array, rng: np.random.Generator) -> Array:
        return np.ascontiguousarray(array[:, :, ::-1])


class Shift(StreamChange):
    """Moves all frames of an item by the same random offset; the border repeats into the gap.

    stream: the stream of frames to change.
    pixels: farthest move, up or down and left or right.
    probability: how often an item is moved.
    """

    takes = ("frames",)

    def __init__(
        self, stream: str, pixels: Annotated[int, Field(ge=0, le=1000)] = 4, probability: Probability = 1.0
    ) -> None:
        super().__init__()
        self.stream = stream
        self.pixels = pixels
        self.probability = probability

    def alter(self, array: Array, rng: np.random.Generator) -> Array:
        down, right = rng.integers(-self.pixels, self.pixels + 1, 2)
        rows = np.clip(np.arange(array.shape[1]) - down, 0, array.shape[1] - 1)
        columns = np.clip(np.arange(array.shape[2]) - right, 0, array.shape[2] - 1)
        return array[:, rows[:, None], columns]
