"""Sound as a model hears it."""

from __future__ import annotations

import copy
from collections.abc import Iterable
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from trichord.clip import Audio, Input, Lazy
from trichord.errors import ArtifactError, InputError
from trichord.features.audio import (
    Denoiser,
    band_pass,
    denoise,
    equalised,
    high_pass,
    long_term_spectrum,
    low_pass,
    normalise_energy,
    without_silence,
)
from trichord.features.audio.long_term import BANDS
from trichord.media import AudioFile, Resampler, resample
from trichord.prepare.inputs import Count, loaded
from trichord.prepare.preparation import Array, InputSpec, Preparation, share_of

Hertz = Annotated[float, Field(gt=0)]
Decibels = Annotated[float, Field(gt=0, le=100)]
Sound = NDArray[np.float32]
Spectrum = NDArray[np.float64]
MOST_DB = 15.0
"""No band is made louder or softer by more: beyond it, there is only noise to be heard."""


class Samples(Preparation):
    """Mono samples at one rate, float32 `(time,)`; if wanted, in a band, less noisy, equalised, at one level.

    rate: in Hz.
    silence_db: what is quieter than the loudest by more is cut out, in blocks of 25 ms, as 60; for sounds, as
        times would be those of what is left.
    denoise: how noise is taken out: `subtract` (spectral subtraction) or `wiener` where it is steady,
        `adaptive` where it changes.
    low_hz: what lies lower is filtered out (Butterworth, order 4, forwards and backwards).
    high_hz: what lies higher is filtered out.
    level_db: the mean power of the clip that it is brought to, where 0 is that of full-scale samples, as -26;
        by default it stays as loud as it was recorded.
    by: whose clips are equalised, a key of `about` such as speaker: their long-term spectrum, as measured on
        their own clips, becomes that of the training clips, through whatever microphone they were recorded.
    """

    def __init__(
        self,
        rate: Count = 16000,
        silence_db: Decibels | None = None,
        denoise: Denoiser | None = None,
        low_hz: Hertz | None = None,
        high_hz: Hertz | None = None,
        level_db: Annotated[float, Field(ge=-60, le=0)] | None = None,
        by: str | None = None,
    ) -> None:
        self.rate = rate
        self.silence_db = silence_db
        self.denoise = denoise
        self.low_hz = low_hz
        self.high_hz = high_hz
        self.level_db = level_db
        self.by = by
        self._spectrum: Spectrum | None = None
        self._gains: Spectrum = np.zeros(BANDS)
        if not (low_hz or 0) < (high_hz or rate / 2) <= rate / 2 or high_hz == rate / 2:
            raise ValueError(
                f"low_hz must lie below high_hz, and both below half of the rate, {rate / 2:g} Hz; "
                f"got {low_hz} and {high_hz}"
            )

    @property
    def spec(self) -> InputSpec:
        return InputSpec("samples", self.rate)

    def fit(self, inputs: Iterable[Input | Lazy]) -> None:
        """Learn the training clips' mean long-term spectrum, where clips are to be equalised."""
        if self.by is not None:
            self._spectrum = self.spectrum(inputs)[0]

    def accustomed(self, inputs: Iterable[Input | Lazy]) -> Samples:
        """Return the preparation that equalises clips as these, which need no labels.

        The training clips count as 16 clips beside them. No band is changed by more than 15 dB.
        """
        if self._spectrum is None:
            raise InputError("samples by person need the training clips' spectrum: call fit, or restore")
        own = copy.copy(self)
        heard, count = self.spectrum(inputs)
        difference = (self._spectrum - heard) * share_of(count)
        own._gains = np.clip(difference, -MOST_DB, MOST_DB)
        return own

    def spectrum(self, inputs: Iterable[Input | Lazy]) -> tuple[Spectrum, int]:
        """Return the mean long-term spectrum of what is not silent, and how many that are; 0 of none."""
        all_of_them = (long_term_spectrum(self.filtered(self.loaded(value)), self.rate) for value in inputs)
        known = [spectrum for spectrum in all_of_them if len(spectrum)]
        return (np.mean(known, axis=0) if known else np.zeros(BANDS)), len(known)

    def __call__(self, value: Input | Lazy) -> Array:
        return self.cleaned(self.loaded(value))

    def loaded(self, value: Input | Lazy) -> Sound:
        sound = value.at(self.rate) if isinstance(value, AudioFile) else loaded(value, Audio)
        samples = resample(sound, self.rate).samples
        if self.silence_db is None:
            return samples
        return without_silence(samples, self.rate, below_db=self.silence_db)

    def cleaned(self, samples: Sound) -> Sound:
        """Return the samples filtered, equalised, and at the level; as they are without these."""
        samples = self.filtered(samples)
        if self._gains.any():
            samples = equalised(samples, self.rate, self._gains)
        return samples if self.level_db is None else normalise_energy(samples, level_db=self.level_db)

    def filtered(self, samples: Sound) -> Sound:
        """Return the samples within the band, less their noise."""
        if self.low_hz and self.high_hz:
            samples = band_pass(samples, self.rate, self.low_hz, self.high_hz)
        elif self.low_hz:
            samples = high_pass(samples, self.rate, self.low_hz)
        elif self.high_hz:
            samples = low_pass(samples, self.rate, self.high_hz)
        return denoise(samples, self.rate, self.denoise) if self.denoise else samples

    def state(self) -> dict[str, Any]:
        if self._spectrum is None:
            return {}
        return {"spectrum": self._spectrum.tolist(), "gains": self._gains.tolist()}

    def restore(self, state: dict[str, Any]) -> None:
        if self.by is None:
            return
        try:
            spectrum, gains = (np.array(state[name], np.float64) for name in ("spectrum", "gains"))
        except (KeyError, TypeError, ValueError) as error:
            raise ArtifactError("a state of samples by person needs 'spectrum' and 'gains'") from error
        if spectrum.shape != (BANDS,) or not np.isfinite(spectrum).all():
            raise ArtifactError(f"a long-term spectrum has {BANDS} finite numbers")
        if gains.shape != (BANDS,) or not (np.abs(gains) <= MOST_DB).all():
            raise ArtifactError(f"an equaliser has {BANDS} gains within {MOST_DB:g} dB")
        self._spectrum, self._gains = spectrum, gains

    def stream(self, source_rate: int) -> Resampler:
        """Return what prepares sound that arrives block by block; any blocks give what the whole gives.

        Nobody is known in a stream, so nothing is equalised. Raises InputError where the sound is cut,
        filtered, denoised or brought to a level, which looks ahead.
        """
        whole = self.denoise or self.low_hz or self.high_hz or self.level_db is not None
        if whole or self.silence_db is not None:
            raise InputError(
                "sound that is cut, filtered, denoised or brought to a level is prepared as a whole, not "
                "while it arrives; run the model on recordings"
            )
        return Resampler(source_rate, self.rate)
