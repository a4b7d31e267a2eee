"""What noise is made of, written as a word or a folder; one language in recipes and in commands."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from trichord.errors import InputError, MissingError
from trichord.files import SOUND, data_root
from trichord.media import read_audio
from trichord.prepare.noise import Samples, babble, pink, power, stretch_from, white

WRITTEN = re.compile(r"(?P<source>.+):(?P<snr>[+-]?\d+(\.\d+)?)(dB)?")
SNR_LIMIT_DB = 120.0
MADE = {"white": white, "pink": pink}
LONGEST_SOUND_SECONDS = 10.0
KEPT_SOUNDS = 600
"""Sounds that stay in memory once read, for decoding them anew costs more than training: 0.4 GB at 16 kHz."""


@dataclass(frozen=True, slots=True)
class Noise:
    """A source of noise, as `NoiseSource` reads it, and the signal-to-noise ratio it is mixed at, in dB."""

    source: str
    snr_db: float

    @classmethod
    def parse(cls, text: str) -> Noise:
        """Read `babble:0dB`, `white:-5` or `FOLDER:10dB`. Raises `InputError` for anything else."""
        if not (match := WRITTEN.fullmatch(text.strip())):
            raise InputError(f"noise must be written as SOURCE:dB, such as 'babble:0dB'; got {text!r}")
        snr_db = float(match["snr"])
        if abs(snr_db) > SNR_LIMIT_DB:
            raise InputError(f"noise must be within ±{SNR_LIMIT_DB:g} dB of the speech; got {text!r}")
        return cls(match["source"], snr_db)

    def __str__(self) -> str:
        return f"{self.source}:{self.snr_db:g}dB"


class NoiseSource:
    """Makes noise from what is `written`.

    `white`, `pink`; `babble`, the voices of other clips at once; `babble@FOLDER`, the voices of a folder's
    sound files at once; or `FOLDER`, a random stretch of one of its sounds. A folder that is not there is
    looked for among the corpora. Raises `InputError` for another word, `MissingError` for a folder without
    sounds.
    """

    def __init__(self, written: str) -> None:
        kind, _, folder = written.partition("@")
        if folder and kind != "babble":
            raise InputError(f"{written!r}: only babble is made of a folder's voices, as babble@FOLDER")
        self.babbles = kind == "babble"
        self.makes = MADE.get(kind)
        named = folder if self.babbles else "" if self.makes else kind
        self.files = sound_files(named) if named else []

    @property
    def needs_voices(self) -> bool:
        """Whether the voices must come from elsewhere: plain `babble`."""
        return self.babbles and not self.files

    def make(
        self, n: int, rng: np.random.Generator, *, rate: int = 16_000, voices: Sequence[Samples] = (),
        talkers: int = 6,
    ) -> Samples:  # fmt: skip
        """Return n samples at `rate` Hz; `voices` are those to babble with where `needs_voices`."""
        if self.makes:
            return self.makes(n, rng)
        if not self.babbles:
            return stretch_from(self.draw(rng, rate), n, rng)
        if self.files:
            voices = [self.draw(rng, rate) for _ in range(talkers)]
        return babble(voices, n, rng, talkers)

    def draw(self, rng: np.random.Generator, rate: int) -> Samples:
        """Return one of the folder's sounds."""
        return read_sound(self.files[int(rng.integers(len(self.files)))], rate)


def sound_files(written: str) -> list[Path]:
    """Return the sound files below a folder, sorted. Raises `MissingError` where there are none."""
    places = [Path(written), data_root() / written]
    folder = next((place for place in places if place.is_dir()), places[0])
    files = sorted(path for path in folder.rglob("*") if path.suffix.lower() in SOUND)
    if not files:
        raise MissingError(
            f"noise is {', '.join(MADE)}, babble, a folder of sound files or babble@FOLDER; "
            f"{written!r} holds no sounds, here or in {data_root()} ({' '.join(SOUND)})"
        )
    return files


@lru_cache(maxsize=KEPT_SOUNDS)
def read_sound(path: Path, rate: int) -> Samples:
    """Return the beginning of a sound file at `rate` Hz, one sample of silence where it holds nothing."""
    samples = read_audio(path, rate=rate, end=LONGEST_SOUND_SECONDS).samples
    return samples if power(samples) else np.zeros(1, np.float32)
