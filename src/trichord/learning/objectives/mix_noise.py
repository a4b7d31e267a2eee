"""Learning to hear through noise."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import numpy as np
from pydantic import Field

from trichord.errors import MissingError
from trichord.learning.batch import Item
from trichord.learning.objectives.change import Bounds, Probability, StreamChange, has
from trichord.learning.objectives.objective import Surroundings
from trichord.media import read_audio
from trichord.prepare.noise import Samples, make_noise, mix, power, stretch_from
from trichord.prepare.preparation import Array

MADE = ("babble", "white", "pink")
SOUND_SUFFIXES = {".wav", ".flac", ".mp3", ".ogg", ".opus", ".m4a"}
LONGEST_SOUND_SECONDS = 60.0


class MixNoise(StreamChange):
    """Lays noise under a voice, at a signal-to-noise ratio drawn evenly from `snr_db`.

    stream: the stream of samples to change.
    snr_db: lowest and highest ratio, in dB of the whole utterance's mean power.
    source: `babble` (other training clips talking at once), `white`, `pink`, or a folder of sound files.
    probability: how often an item gets noise.
    talkers: voices in the babble.
    """

    takes = ("samples",)

    def __init__(
        self,
        stream: str,
        snr_db: Bounds = (-5.0, 20.0),
        source: str = "babble",
        probability: Probability = 0.8,
        talkers: Annotated[int, Field(ge=1, le=100)] = 6,
    ) -> None:
        super().__init__()
        self.stream = stream
        self.snr_db = snr_db
        self.source = source
        self.probability = probability
        self.talkers = talkers

    def build(self, surroundings: Surroundings) -> None:
        super().build(surroundings)
        self.draw = surroundings.draw
        self.files = [] if self.source in MADE else sound_files(Path(self.source))
        self.pool: list[Samples] = []

    def change(self, items: Sequence[Item], rng: np.random.Generator) -> Sequence[Item]:
        self.pool = self.draw_voices(rng) if self.source == "babble" else []
        return super().change(items, rng)

    def draw_voices(self, rng: np.random.Generator) -> list[Samples]:
        """Return twice as many voices as talk at once, so that the items of a batch differ in babble."""
        items = [item for item in self.draw(2 * self.talkers, rng) if has(item, self.stream)]
        voices = [item.inputs[self.stream].astype(np.float32, copy=False) for item in items]
        return [voice for voice in voices if power(voice)]

    def alter(self, array: Array, rng: np.random.Generator) -> Array:
        if self.source == "babble" and not self.pool:
            return array
        noise = self.noise(len(array), rng)
        return mix(array.astype(np.float32, copy=False), noise, rng.uniform(*self.snr_db))

    def noise(self, n: int, rng: np.random.Generator) -> Samples:
        """Return n samples of noise."""
        if self.files:
            sound = read_sound(self.files[rng.integers(len(self.files))], round(self.spec.rate or 16_000))
            return stretch_from(sound, n, rng)
        return make_noise(self.source, n, rng, self.pool, self.talkers)


def sound_files(folder: Path) -> list[Path]:
    """Return the sound files below a folder, sorted. Raises `MissingError` where there are none."""
    files = sorted(path for path in folder.rglob("*") if path.suffix.lower() in SOUND_SUFFIXES)
    if not files:
        raise MissingError(
            f"mix_noise: source must be {', '.join(MADE)} or a folder of sound files; "
            f"{str(folder)!r} holds none ({' '.join(sorted(SOUND_SUFFIXES))})"
        )
    return files


def read_sound(path: Path, rate: int) -> Samples:
    """Return the first minute of a sound file at `rate` Hz."""
    return read_audio(path, rate=rate, end=LONGEST_SOUND_SECONDS).samples
