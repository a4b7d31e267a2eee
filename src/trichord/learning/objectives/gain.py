"""Learning from far and near, from weak and strong microphones."""

from __future__ import annotations

import numpy as np

from trichord.learning.objectives.change import Bounds, Probability, StreamChange
from trichord.prepare.preparation import Array


class Gain(StreamChange):
    """Makes a voice louder or quieter as a whole, by decibels drawn evenly from `db`.

    For what is heard as it comes: a recording can be brought to one level instead, by its preparation.

    stream: the stream of samples to change.
    db: least and greatest gain, in dB.
    probability: how often an item is changed.
    """

    takes = ("samples",)

    def __init__(self, stream: str, db: Bounds = (-15.0, 10.0), probability: Probability = 1.0) -> None:
        super().__init__()
        self.stream = stream
        self.db = db
        self.probability = probability

    def alter(self, array: Array, rng: np.random.Generator) -> Array:
        return array.astype(np.float32, copy=False) * np.float32(10 ** (rng.uniform(*self.db) / 20))
