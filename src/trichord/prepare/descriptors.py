"""A clip's sound, described by classical features and summed up in one step."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from trichord.clip import Input, Lazy
from trichord.features import audio
from trichord.prepare.functionals import Columns, Functionals, functionals
from trichord.prepare.inputs import Count
from trichord.prepare.preparation import Measured
from trichord.prepare.samples import Decibels, Samples


class Descriptors(Functionals):
    """Statistics of low-level descriptors of a clip's sound, as one step without a clock.

    The descriptors of each frame of 25 ms are 13 mel cepstra, their first and second differences, energy in
    dB, the share of zero crossings, and the spectrum's centroid, bandwidth, roll-off, flatness and flux; what
    becomes of them is what `functionals` makes. As the feature sets of paralinguistics (Eyben et al., 2010).

    rate: at which the sound is described, in Hz.
    silence_db: what is quieter than the loudest by more is no part of it, as in `samples`.
    pitch: whether to describe the course of a voice's pitch too.
    quantiles: how many of each, evenly spaced from the least value to the largest.
    points: of each one's course about its mean.
    normalise: bring each statistic to mean 0 and standard deviation 1, as measured on the training clips.
    by: whose own clips these are measured on instead, a key of `about` such as speaker.
    """

    def __init__(
        self,
        rate: Count = 16000,
        pitch: bool = False,
        quantiles: Annotated[int, Field(ge=2, le=101)] = 5,
        points: Annotated[int, Field(ge=0, le=256)] = 8,
        normalise: bool = True,
        by: str | None = None,
        silence_db: Decibels | None = None,
    ) -> None:
        super().__init__(quantiles, points, normalise, by)
        self.rate, self.pitch, self.silence_db = rate, pitch, silence_db

    def measured(self, value: Input | Lazy) -> Measured:
        """Return one step of statistics; of sound shorter than a frame, none."""
        samples = Samples(self.rate, self.silence_db)(value).astype(np.float32)
        rows = [functionals(described(samples, self.rate), self.quantiles, self.points)]
        if self.pitch:
            rows.append(functionals(melody(samples, self.rate), self.quantiles, self.points))
        return Measured(np.concatenate(rows, 1).astype(np.float32))


def described(samples: NDArray[np.float32], rate: int) -> Columns:
    """Return the descriptors of each frame of `samples (time,)` at `rate` Hz, `(frames, 46)`."""
    shape = audio.spectrum(samples, rate)
    features = (audio.centroid, audio.bandwidth, audio.roll_off, audio.flatness, audio.flux)
    loud, crossings = audio.energy_db(samples, rate), audio.zero_crossings(samples, rate)
    return np.column_stack([cepstra(samples, rate), loud, crossings, *(one(shape) for one in features)])


def melody(samples: NDArray[np.float32], rate: int) -> Columns:
    """Return the pitch of each frame of `samples (time,)`, how fast it moves, and its voicing, `(frames, 3)`.

    Pitch is in semitones above 100 Hz, moving evenly through what is not voiced; 0 where nothing is.
    """
    contour = audio.pitch(samples, rate)
    voiced = np.flatnonzero(contour.hz)
    if not len(voiced):
        return np.column_stack([np.zeros((len(contour.hz), 2)), contour.voicing]).astype(np.float64)
    semitones = np.interp(np.arange(len(contour.hz)), voiced, 12 * np.log2(contour.hz[voiced] / 100))
    return np.column_stack([semitones, np.diff(semitones, prepend=semitones[:1]), contour.voicing])


def cepstra(samples: NDArray[np.float32], rate: int) -> Columns:
    """Return 13 mel cepstra, of which the zeroth is the energy, and two orders of differences."""
    still = audio.mfcc(samples, rate)
    slopes = audio.deltas(still)
    return np.concatenate([still, slopes, audio.deltas(slopes)], 1).astype(np.float64)
