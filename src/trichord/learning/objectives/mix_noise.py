"""Learning to hear through noise."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import numpy as np
from pydantic import Field

from trichord.learning.batch import Item
from trichord.learning.objectives.change import Bounds, Probability, StreamChange, has
from trichord.learning.objectives.objective import Surroundings
from trichord.prepare.noise import Samples, mix, power
from trichord.prepare.noise_source import NoiseSource
from trichord.prepare.preparation import Array


class MixNoise(StreamChange):
    """Lays noise under a voice, at a signal-to-noise ratio drawn evenly from `snr_db`.

    stream: the stream of samples to change.
    snr_db: lowest and highest ratio, in dB of the whole utterance's mean power.
    source: `babble` (other training clips talking at once), `babble@FOLDER` (the talkers of its sound files),
        `white`, `pink`, or a folder of sounds; a folder may lie among the corpora.
    probability: how often an item gets noise.
    talkers: voices in the babble.
    ramp: share of training in which the lowest ratio falls from the highest, so that speech is learned first.
    """

    takes = ("samples",)

    def __init__(
        self,
        stream: str,
        snr_db: Bounds = (-5.0, 20.0),
        source: str = "babble",
        probability: Probability = 0.8,
        talkers: Annotated[int, Field(ge=1, le=100)] = 6,
        ramp: Probability = 0.0,
    ) -> None:
        super().__init__()
        self.stream = stream
        self.snr_db = snr_db
        self.source = source
        self.probability = probability
        self.talkers = talkers
        self.ramp = ramp

    def build(self, surroundings: Surroundings) -> None:
        super().build(surroundings)
        self.draw = surroundings.draw
        self.made = NoiseSource(self.source)
        self.pool: list[Samples] = []

    def change(self, items: Sequence[Item], rng: np.random.Generator) -> Sequence[Item]:
        self.pool = self.draw_voices(rng) if self.made.needs_voices else []
        return super().change(items, rng)

    def draw_voices(self, rng: np.random.Generator) -> list[Samples]:
        """Return twice as many voices as talk at once, so that the items of a batch differ in babble."""
        items = [item for item in self.draw(2 * self.talkers, rng) if has(item, self.stream)]
        voices = [item.inputs[self.stream].astype(np.float32, copy=False) for item in items]
        return [voice for voice in voices if power(voice)]

    def alter(self, array: Array, rng: np.random.Generator) -> Array:
        if self.made.needs_voices and not self.pool:
            return array
        noise = self.made.make(
            len(array), rng, rate=round(self.spec.rate or 16_000), voices=self.pool, talkers=self.talkers
        )
        low, high = self.snr_db
        lowest = high - (high - low) * min(1.0, self.progress / self.ramp) if self.ramp else low
        return mix(array.astype(np.float32, copy=False), noise, rng.uniform(lowest, high))
