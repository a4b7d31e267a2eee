"""All frame features of a sound side by side."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from trichord.features.audio.cepstral import deltas, mfcc, plp
from trichord.features.audio.formants import formants
from trichord.features.audio.frames import Rows, Samples, frame, mono, sizes
from trichord.features.audio.loudness import energy_db, zero_crossings
from trichord.features.audio.pitch import pitch
from trichord.features.audio.spectral import (
    bandwidth,
    centroid,
    correlation,
    flatness,
    flux,
    roll_off,
    spectrum,
)

CEPSTRA, FORMANTS = 13, 3
PITCH_MS = 50.0
SECTION = 6000  # frames described at once, so that memory stays bounded
REACH = 8  # frames to either side that a frame's features depend on: second differences do

UNITS = {
    "energy": "dB",
    "zero_crossings": "per sample",
    "centroid": "Hz",
    "bandwidth": "Hz",
    "roll_off": "Hz",
    "flatness": "0 to 1",
    "flux": "magnitude",
    "correlation": "0 to 1",
    "pitch": "Hz",
    "voicing": "0 to 1",
    **{f"formant_{n}": "Hz" for n in range(1, FORMANTS + 1)},
    **{
        f"{kind}_{n}": ""
        for kind in ("mfcc", "mfcc_delta", "mfcc_delta_delta", "plp")
        for n in range(CEPSTRA)
    },
}
"""The unit of each column of `describe`, in order; cepstra have none."""

ABSENT_AT_ZERO = {"pitch", *(f"formant_{n}" for n in range(1, FORMANTS + 1))}


class Description(NamedTuple):
    """Frame features `values (frames, columns)`, float32, with a name for each column."""

    values: NDArray[np.float32]
    names: tuple[str, ...]


def describe(samples: Samples, rate: int, *, window_ms: float = 25, hop_ms: float = 10) -> Description:
    """Return every frame feature side by side, `(frames, columns)`, at their other defaults.

    The columns and their units are those of `UNITS`; pitch and formants are 0 where there are none. Frames
    are those of `frame`; pitch is found in longer ones about the same centres. Raises InputError as `frame`
    does, and for sound of too low a rate for its pitch.
    """
    count = len(frame(samples, rate, window_ms=window_ms, hop_ms=hop_ms))
    length, hop = sizes(rate, window_ms, hop_ms)
    wide = max(window_ms, PITCH_MS)
    around = widened(mono(samples), sizes(rate, wide, hop_ms)[0] - length)
    values = np.empty((count, len(UNITS)), np.float32)
    for start in range(0, count, SECTION):
        first, last = max(0, start - REACH), min(count, start + SECTION + REACH)
        ends = first * hop, (last - 1) * hop  # of the first and of the last frame, where they begin
        parts = columns(samples[ends[0] : ends[1] + length], rate, window_ms, hop_ms)
        contour = pitch(around[ends[0] : ends[1] + sizes(rate, wide, hop_ms)[0]], rate, window_ms=wide,
                        hop_ms=hop_ms)  # fmt: skip
        section = np.column_stack([*parts[:8], contour.hz, contour.voicing, *parts[8:]])
        values[start : start + SECTION] = section[start - first :][:SECTION]
    return Description(values, tuple(UNITS))


def columns(samples: Samples, rate: int, window_ms: float, hop_ms: float) -> list[Rows]:
    """Return all features but the pitch."""
    shape = spectrum(samples, rate, window_ms=window_ms, hop_ms=hop_ms)
    cepstra = mfcc(samples, rate, coefficients=CEPSTRA, window_ms=window_ms, hop_ms=hop_ms)
    slopes = deltas(cepstra)
    return [
        energy_db(samples, rate, window_ms=window_ms, hop_ms=hop_ms),
        zero_crossings(samples, rate, window_ms=window_ms, hop_ms=hop_ms),
        *(feature(shape) for feature in (centroid, bandwidth, roll_off, flatness, flux, correlation)),
        formants(samples, rate, count=FORMANTS, window_ms=window_ms, hop_ms=hop_ms).hz,
        cepstra,
        slopes,
        deltas(slopes),
        plp(samples, rate, coefficients=CEPSTRA, window_ms=window_ms, hop_ms=hop_ms),
    ]


def widened(samples: Samples, more: int) -> Samples:
    """Return the samples with zeros at both ends, so that as many longer frames have the same centres."""
    return np.pad(samples, (more // 2, more - more // 2))


def summary(described: Description) -> dict[str, tuple[float, float]]:
    """Return each column's mean and standard deviation over frames, NaN where there are none.

    Of pitch and formants, over the frames that have one.
    """
    moments = {}
    for name, column in zip(described.names, described.values.T.astype(np.float64), strict=True):
        heard = column[column > 0] if name in ABSENT_AT_ZERO else column
        moments[name] = (float(heard.mean()), float(heard.std())) if len(heard) else (np.nan, np.nan)
    return moments
