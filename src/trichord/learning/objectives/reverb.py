"""Learning to hear in rooms."""

from __future__ import annotations

import numpy as np

from trichord.learning.objectives.change import Bounds, Probability, StreamChange
from trichord.prepare.preparation import Array
from trichord.prepare.reverberation import impulse_response, reverberate


class Reverb(StreamChange):
    """Puts a voice into a room: synthetic reverberation with a decay time drawn evenly from `t60_seconds`.

    stream: the stream of samples to change.
    t60_seconds: shortest and longest time to decay by 60 dB.
    probability: how often an item is reverberated.
    """

    takes = ("samples",)

    def __init__(self, stream: str, t60_seconds: Bounds = (0.1, 0.6), probability: Probability = 0.3) -> None:
        super().__init__()
        self.stream = stream
        self.t60_seconds = t60_seconds
        self.probability = probability

    def alter(self, array: Array, rng: np.random.Generator) -> Array:
        response = impulse_response(rng.uniform(*self.t60_seconds), self.spec.rate or 16_000, rng)
        return reverberate(array.astype(np.float32, copy=False), response)
