"""How a voice sounds through a microphone, all in all: its long-term spectrum, and another one instead."""

from __future__ import annotations

import numpy as np

from trichord.features.audio.bands import band_powers, to_scale
from trichord.features.audio.frames import Matrix, Rows, Samples
from trichord.features.audio.reshape import reshaped

BANDS = 24
LEAST = 1e-6
"""The share of all power that a band holds at the least: what lies deeper is no voice."""


def long_term_spectrum(samples: Samples, rate: int) -> Matrix:
    """Return the share of the power that is in each of 24 mel bands, in dB, `(24,)`, floored at -60 dB.

    The long-term average spectrum of phonetics (D. Byrne et al., 1994), whatever the level; of silence, none:
    `(0,)`. The bands lie from 0 to half of the rate.
    """
    powers = band_powers(samples, rate, bands=BANDS, low_hz=0, preemphasis=0).astype(np.float64).sum(0)
    total = powers.sum()
    spectrum: Matrix = 10 * np.log10(np.maximum(powers / total, LEAST)) if total > 0 else np.zeros(0)
    return spectrum


def equalised(samples: Samples, rate: int, gains_db: Matrix) -> Samples:
    """Return the samples `(time,)` louder by `gains_db (24,)` in the middle of each band, evenly between."""
    middles = np.linspace(0, to_scale(np.array(rate / 2), "htk"), BANDS + 2)[1:-1]

    def gains(powers: Rows) -> Rows:
        hz = np.linspace(0, rate / 2, powers.shape[1])
        levels = np.interp(to_scale(hz, "htk"), middles, gains_db)
        return np.asarray(10 ** (levels / 20), samples.dtype)

    return reshaped(samples, rate, gains)
