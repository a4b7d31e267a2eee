"""Sound as a model hears it."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from trichord.clip import Audio, Input, Lazy
from trichord.errors import InputError
from trichord.features.audio import Denoiser, band_pass, denoise, high_pass, low_pass, normalise_energy
from trichord.media import AudioFile, Resampler, resample
from trichord.prepare.inputs import Count, loaded
from trichord.prepare.preparation import Array, InputSpec, Preparation

Hertz = Annotated[float, Field(gt=0)]
Sound = NDArray[np.float32]


class Samples(Preparation):
    """Mono samples at one rate, float32 `(time,)`; if wanted in a band, with less noise, and at one level.

    rate: in Hz.
    denoise: how noise is taken out: `subtract` (spectral subtraction) or `wiener` where it is steady,
        `adaptive` where it changes.
    low_hz: what lies lower is filtered out (Butterworth, order 4, forwards and backwards).
    high_hz: what lies higher is filtered out.
    level_db: the mean power of the clip that it is brought to, where 0 is that of full-scale samples, as -26;
        by default it stays as loud as it was recorded.
    """

    def __init__(
        self,
        rate: Count = 16000,
        denoise: Denoiser | None = None,
        low_hz: Hertz | None = None,
        high_hz: Hertz | None = None,
        level_db: Annotated[float, Field(ge=-60, le=0)] | None = None,
    ) -> None:
        self.rate = rate
        self.denoise = denoise
        self.low_hz = low_hz
        self.high_hz = high_hz
        self.level_db = level_db
        if not (low_hz or 0) < (high_hz or rate / 2) <= rate / 2 or high_hz == rate / 2:
            raise ValueError(
                f"low_hz must lie below high_hz, and both below half of the rate, {rate / 2:g} Hz; "
                f"got {low_hz} and {high_hz}"
            )

    @property
    def spec(self) -> InputSpec:
        return InputSpec("samples", self.rate)

    def __call__(self, value: Input | Lazy) -> Array:
        if isinstance(value, AudioFile):
            return self.cleaned(value.at(self.rate).samples)
        return self.cleaned(resample(loaded(value, Audio), self.rate).samples)

    def cleaned(self, samples: Sound) -> Sound:
        """Return the samples within the band, less their noise, at the level; as they are without these."""
        if self.low_hz and self.high_hz:
            samples = band_pass(samples, self.rate, self.low_hz, self.high_hz)
        elif self.low_hz:
            samples = high_pass(samples, self.rate, self.low_hz)
        elif self.high_hz:
            samples = low_pass(samples, self.rate, self.high_hz)
        if self.denoise:
            samples = denoise(samples, self.rate, self.denoise)
        return samples if self.level_db is None else normalise_energy(samples, level_db=self.level_db)

    def stream(self, source_rate: int) -> Resampler:
        """Return what prepares sound that arrives block by block; any blocks give what the whole gives.

        Raises InputError where the sound is filtered, denoised or brought to a level, which looks ahead.
        """
        if self.denoise or self.low_hz or self.high_hz or self.level_db is not None:
            raise InputError(
                "sound that is filtered, denoised or brought to a level is prepared as a whole, not while it "
                "arrives; run the model on recordings"
            )
        return Resampler(source_rate, self.rate)
