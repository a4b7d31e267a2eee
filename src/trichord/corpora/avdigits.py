"""Digits heard and seen at once, both badly."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from trichord.clip import Audio, Clip, Input, Lazy, Video
from trichord.corpora.corpus import SPLITS, About, Corpus, Index
from trichord.corpora.fsdd import Fsdd
from trichord.corpora.mnist import Mnist
from trichord.errors import InputError
from trichord.files import data_root
from trichord.prepare.cache import content_key
from trichord.prepare.noise import mix, white

VERSION = 1
"""Raised when the same seed gives other pairs or other corruption than before."""


class AvDigits(Corpus):
    """Spoken digits of FSDD with pictures of MNIST, both corrupted (after AV-MNIST, Vielzeuf et al. 2018).

    Inputs: `audio`, a recording under white noise; `video`, one picture with noise and a grey patch over part
    of it. Target: `digit`. About: `speaker`. Splits are those of the two corpora: no recording and no
    picture is in two. Which picture a recording gets, and the corruption of both, depend on `seed` alone.

    pairs: how many different pictures each recording of validation and test is paired with, a clip each;
        recordings to learn from get one.
    snr_db: the voice over its noise, in dB.
    noise: standard deviation of the picture's noise, in shares of full brightness.
    patch: the side of the patch, as a share of the picture's.
    folder: where the folders `fsdd` and `mnist` lie; by default among the corpora.
    """

    name = "avdigits"
    about = About(
        title="FSDD voices with MNIST pictures, corrupted",
        licence="CC-BY-SA-4.0 (FSDD); MNIST's not stated",
        commercial=None,
        source="FSDD and MNIST, which are paired when they are read",
        size_mb=8.4,
        hours=0.37,
        tasks=("digit recognition",),
    )

    def __init__(
        self,
        folder: Path | None = None,
        pairs: Annotated[int, Field(ge=1, le=20)] = 4,
        snr_db: Annotated[float, Field(ge=-40, le=60)] = -6.0,
        noise: Annotated[float, Field(ge=0, le=2)] = 0.4,
        patch: Annotated[float, Field(ge=0, le=1)] = 0.4,
        seed: Annotated[int, Field(ge=0)] = 0,
    ) -> None:
        self.folder = folder
        self.pairs = pairs
        self.snr_db, self.noise, self.patch = snr_db, noise, patch
        self.seed = seed

    def read(self) -> Index:
        sounds, pictures = Fsdd(self.root / "fsdd"), Mnist(self.root / "mnist")
        return {
            split: self.paired(
                sounds.clips(split),
                pictures.clips(split),
                [self.seed, VERSION, number],
                1 if split == "train" else self.pairs,
            )
            for number, split in enumerate(SPLITS)
        }

    @property
    def root(self) -> Path:
        return self.folder if self.folder is not None else data_root()

    @classmethod
    def present(cls) -> bool:
        return Fsdd.present() and Mnist.present()

    def paired(
        self, sounds: Sequence[Clip], pictures: Sequence[Clip], seed: list[int], pairs: int
    ) -> list[Clip]:
        """Return each recording with so many pictures of its digit, none of them twice for one recording."""
        rng = np.random.default_rng(seed)
        by_digit: dict[str, list[Clip]] = {}
        for picture in pictures:
            by_digit.setdefault(str(picture.targets["digit"]), []).append(picture)
        clips: list[Clip] = []
        for sound in sounds:
            digit = str(sound.targets["digit"])
            alike = by_digit.get(digit, [])
            if len(alike) < pairs:
                raise InputError(f"avdigits: {len(alike)} pictures of {digit!r}, where pairs is {pairs}")
            for take, chosen in enumerate(rng.choice(len(alike), pairs, replace=False)):
                own = (*seed, len(clips))
                inputs: dict[str, Input | Lazy] = {
                    "audio": NoisyVoice(sound.inputs["audio"], self.snr_db, own),
                    "video": NoisyPicture(alike[chosen], self.noise, self.patch, own),
                }
                about = {**sound.about, "group": sound.id}
                clips.append(Clip(f"{sound.id}-{take}", inputs, {"digit": digit}, about))
        return clips


@dataclass(frozen=True, slots=True)
class NoisyVoice:
    """A recording under white noise, the same at every reading."""

    clean: Input | Lazy
    snr_db: float
    seed: tuple[int, ...]

    @property
    def key(self) -> str:
        return f"noisy {content_key(self.clean)} {self.snr_db!r} {self.seed!r}"

    def load(self) -> Audio:
        clean = self.clean.load() if isinstance(self.clean, Lazy) else self.clean
        if not isinstance(clean, Audio):
            raise InputError(f"a voice is sound; got {type(clean).__name__}")
        noise = white(len(clean.samples), np.random.default_rng(self.seed))
        return Audio(mix(clean.samples, noise, self.snr_db), clean.rate)


@dataclass(frozen=True, slots=True)
class NoisyPicture:
    """A picture with noise and a patch, the same at every reading."""

    clean: Clip
    noise: float
    patch: float
    seed: tuple[int, ...]

    @property
    def key(self) -> str:
        picture = content_key(self.clean.inputs["video"])  # ids are the same in every copy of MNIST
        return f"noisy {picture} {self.noise!r} {self.patch!r} {self.seed!r}"

    def load(self) -> Video:
        clean = self.clean.load("video")
        if not isinstance(clean, Video):
            raise InputError(f"{self.clean.id}: has no picture")
        rng = np.random.default_rng([*self.seed, 1])
        return Video(corrupted(clean.frames, self.noise, self.patch, rng), clean.rate)


def corrupted(
    frames: NDArray[np.uint8], noise: float, patch: float, rng: np.random.Generator
) -> NDArray[np.uint8]:
    """Return grey frames `(time, height, width, 3)` with a patch at a random place, and noise over all."""
    time, height, width, _ = frames.shape
    grey = frames[..., 0].astype(np.float64)
    tall, wide = round(patch * height), round(patch * width)
    top, left = rng.integers(height - tall + 1), rng.integers(width - wide + 1)
    grey[:, top : top + tall, left : left + wide] = 127.5
    noisy = grey + 255 * noise * rng.standard_normal((time, height, width))
    return np.repeat(noisy.clip(0, 255).round().astype(np.uint8)[..., None], 3, axis=3)
