"""Formants, the resonances of the vocal tract: where they lie, and how to bring them out."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from trichord.errors import InputError
from trichord.features.audio.frames import Matrix, Rows, Samples, blocks, emphasised, fft_size, frame, window
from trichord.features.audio.prediction import levinson
from trichord.features.audio.reshape import reshaped

LOWEST_HZ = 90.0
WIDEST_HZ = 700.0
WHITE = 1 + 1e-9  # of the autocorrelation at lag 0, -90 dB


class Formants(NamedTuple):
    """Tracks `hz (frames, count)`, rising, and `bandwidths (frames, count)` in Hz; 0 for none."""

    hz: Matrix
    bandwidths: Matrix


def formants(
    samples: Samples,
    rate: int,
    *,
    count: int = 3,
    order: int = 10,
    ceiling_hz: float = 5000,
    window_ms: float = 25,
    hop_ms: float = 10,
    preemphasis: float = 0.97,
) -> Formants:
    """Return each frame's lowest resonances between 90 Hz and `ceiling_hz`, at most 700 Hz wide.

    They are the poles of linear prediction, of order two for each formant that a voice has below the ceiling
    (5000 Hz suits men, 5500 Hz women), fitted to the spectrum below it alone (Makhoul, Spectral linear
    prediction: properties and applications, 1975). Raises InputError for an order of fewer poles than `count`
    needs, and as `frame` does.
    """
    if not 1 <= count <= order // 2:
        raise InputError(f"{count} formants need a predictor of order {2 * count} or more; got {order}")
    frames = frame(samples, rate, window_ms=window_ms, hop_ms=hop_ms)
    found = Formants(np.zeros((len(frames), count)), np.zeros((len(frames), count)))
    taper = window("hamming", frames.shape[1])
    fft = fft_size(2 * frames.shape[1])
    top = round(min(ceiling_hz / rate, 0.5) * fft)
    for part in blocks(frames):
        tapered = emphasised(frames[part], preemphasis, remove_dc=False) * taper
        predictors = below(tapered, fft, top, order)
        found.hz[part], found.bandwidths[part] = resonances(predictors, 2 * top * rate / fft, count)
    return found


def below(frames: Samples, fft: int, top: int, order: int) -> Matrix:
    """Return predictors `(frames, order + 1)` of the spectrum up to bin `top`, as half of a rate."""
    spectra = np.fft.rfft(frames, fft)[:, : top + 1]
    autocorrelation = np.fft.irfft(spectra.real**2 + spectra.imag**2)[:, : order + 1]
    autocorrelation[:, 0] *= WHITE
    return levinson(autocorrelation)[0]


def resonances(predictors: Matrix, rate: float, count: int) -> tuple[Matrix, Matrix]:
    """Return frequencies and bandwidths in Hz of the predictors' `count` lowest resonances, 0 for none."""
    order = predictors.shape[1] - 1
    companions = np.zeros((len(predictors), order, order))
    companions[:, 0] = -predictors[:, 1:]
    companions[:, range(1, order), range(order - 1)] = 1
    poles = np.linalg.eigvals(companions)
    hz = np.angle(poles) * rate / (2 * np.pi)
    widths = -np.log(np.maximum(np.abs(poles), 1e-10)) * rate / np.pi
    good = (hz > LOWEST_HZ) & (hz < rate / 2 - LOWEST_HZ) & (widths < WIDEST_HZ)
    ranked = np.argsort(np.where(good, hz, np.inf), axis=1)[:, :count]
    kept = np.take_along_axis(good, ranked, 1)
    lowest, width = (np.where(kept, np.take_along_axis(of, ranked, 1), 0) for of in (hz, widths))
    return lowest, width


def enhance_formants(
    samples: Samples, rate: int, *, poles: float = 0.8, zeros: float = 0.5, order: int | None = None
) -> Samples:
    """Return the samples `(time,)` with their formants raised and what lies between them lowered.

    Each frame's spectrum is multiplied by |A(z / zeros) / A(z / poles)|, of its predictor A, and brought back
    to its own energy (the short-term postfilter of Chen and Gersho, Adaptive postfiltering for quality
    enhancement of coded speech, 1995); equal values change nothing. `order` is by default 2 and one for each
    kHz. Raises InputError for values outside 0 to 1, or zeros above poles.
    """
    if not 0 <= zeros <= poles < 1:
        raise InputError(f"expected 0 <= zeros <= poles < 1; got {zeros} and {poles}")
    lags = 2 + round(rate / 1000) if order is None else order

    def gains(powers: Rows) -> Rows:
        autocorrelation = np.fft.irfft(powers.astype(np.float64))[:, : lags + 1]
        autocorrelation[:, 0] *= WHITE
        predictors, length = levinson(autocorrelation)[0], 2 * (powers.shape[1] - 1)
        steps = np.arange(predictors.shape[1])
        above, under = (np.abs(np.fft.rfft(predictors * at**steps, length)) for at in (zeros, poles))
        gain: Matrix = above / under
        after = (powers * gain**2).sum(1, keepdims=True)
        kept = np.divide(powers.sum(1, keepdims=True), after, out=np.ones_like(after), where=after > 0)
        gain *= np.sqrt(kept)
        return gain.astype(powers.dtype)

    return reshaped(samples, rate, gains)
