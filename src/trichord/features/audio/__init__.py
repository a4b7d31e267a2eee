"""Classical features of sound and its clean-up, by their textbook definitions; numpy, and SciPy for filters.

Functions take float samples `(time,)` and their rate in Hz, and return one row per frame.
"""

from trichord.features.audio.bands import band_powers, filter_bank, log_mel
from trichord.features.audio.cepstral import deltas, mfcc, plp
from trichord.features.audio.denoise import (
    DENOISERS,
    Denoiser,
    adaptive_suppression,
    denoise,
    spectral_subtraction,
    wiener,
)
from trichord.features.audio.describe import UNITS, Description, describe, summary
from trichord.features.audio.filters import band_pass, high_pass, low_pass
from trichord.features.audio.formants import Formants, enhance_formants, formants
from trichord.features.audio.frames import frame, window
from trichord.features.audio.long_term import equalised, long_term_spectrum
from trichord.features.audio.loudness import (
    energy,
    energy_db,
    loud_spans,
    normalise_energy,
    without_silence,
    zero_crossings,
)
from trichord.features.audio.pitch import Pitch, pitch
from trichord.features.audio.prediction import lpc
from trichord.features.audio.spectral import (
    Spectrum,
    bandwidth,
    centroid,
    correlation,
    flatness,
    flux,
    roll_off,
    spectrum,
    stft,
)

__all__ = [
    "DENOISERS",
    "Denoiser",
    "Description",
    "Formants",
    "Pitch",
    "Spectrum",
    "UNITS",
    "adaptive_suppression",
    "band_pass",
    "band_powers",
    "bandwidth",
    "centroid",
    "correlation",
    "deltas",
    "denoise",
    "describe",
    "energy",
    "energy_db",
    "enhance_formants",
    "equalised",
    "filter_bank",
    "flatness",
    "flux",
    "formants",
    "frame",
    "high_pass",
    "log_mel",
    "long_term_spectrum",
    "loud_spans",
    "low_pass",
    "lpc",
    "mfcc",
    "normalise_energy",
    "pitch",
    "plp",
    "roll_off",
    "spectral_subtraction",
    "spectrum",
    "stft",
    "summary",
    "wiener",
    "window",
    "without_silence",
    "zero_crossings",
]
