"""Sound as a model hears it."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from trichord.clip import Audio, Input, Lazy
from trichord.errors import InputError
from trichord.features.audio import Denoiser, band_pass, denoise, high_pass, low_pass
from trichord.media import AudioFile, Resampler, resample
from trichord.prepare.inputs import Count, loaded
from trichord.prepare.preparation import Array, InputSpec, Preparation

Hertz = Annotated[float, Field(gt=0)]
Sound = NDArray[np.float32]


class Samples(Preparation):
    """Mono samples at one rate, float32 `(time,)`; if wanted within a band, and then with less noise.

    rate: in Hz.
    denoise: how noise is taken out: `subtract` (spectral subtraction) or `wiener` where it is steady,
        `adaptive` where it changes.
    low_hz: what lies lower is filtered out (Butterworth, order 4, forwards and backwards).
    high_hz: what lies higher is filtered out.
    """

    def __init__(
        self,
        rate: Count = 16000,
        denoise: Denoiser | None = None,
        low_hz: Hertz | None = None,
        high_hz: Hertz | None = None,
    ) -> None:
        self.rate = rate
        self.denoise = denoise
        self.low_hz = low_hz
        self.high_hz = high_hz
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
        """Return the samples within the band and less their noise; as they are where neither is asked for."""
        if self.low_hz and self.high_hz:
            samples = band_pass(samples, self.rate, self.low_hz, self.high_hz)
        elif self.low_hz:
            samples = high_pass(samples, self.rate, self.low_hz)
        elif self.high_hz:
            samples = low_pass(samples, self.rate, self.high_hz)
        return denoise(samples, self.rate, self.denoise) if self.denoise else samples

    def stream(self, source_rate: int) -> Resampler:
        """Return what prepares sound that arrives block by block; any blocks give what the whole gives.

        Raises InputError where the sound is filtered or denoised, which looks ahead.
        """
        if self.denoise or self.low_hz or self.high_hz:
            raise InputError(
                "sound that is filtered or denoised is prepared as a whole, not while it arrives; "
                "run the model on recordings"
            )
        return Resampler(source_rate, self.rate)
