"""Linear prediction: each sample as a weighted sum of those before it (Makhoul, Linear prediction, 1975)."""

from __future__ import annotations

import numpy as np

from trichord.errors import InputError
from trichord.features.audio.frames import Matrix, Rows, Samples, Window, blocks, emphasised, fft_size, frame
from trichord.features.audio.frames import window as taper


def levinson(autocorrelation: Rows) -> tuple[Matrix, Matrix]:
    """Return predictors `(frames, order + 1)`, 1 first, and errors `(frames,)`, by Levinson and Durbin.

    `autocorrelation (frames, order + 1)` is that of lags 0 to order. The prediction error's filter is A(z) =
    1 + a_1 z^-1 + ..., the error its power. Silent frames have 1, 0, 0 ... and 0.
    """
    r = autocorrelation.astype(np.float64)
    a, error = np.zeros_like(r), r[:, 0].copy()
    a[:, 0] = 1
    for step in range(1, r.shape[1]):
        missing = np.einsum("fk,fk->f", a[:, :step], r[:, step:0:-1])
        reflection = np.divide(-missing, error, out=np.zeros_like(error), where=error > 0)
        a[:, 1 : step + 1] += reflection[:, None] * a[:, step - 1 :: -1][:, :step]
        error = np.maximum(error * (1 - reflection**2), 0)
    return a, error


def lpc(
    samples: Samples,
    rate: int,
    *,
    order: int | None = None,
    window_ms: float = 25,
    hop_ms: float = 10,
    window: Window = "hamming",
    preemphasis: float = 0.97,
) -> Matrix:
    """Return each frame's predictor `(frames, order + 1)`, 1 first, by the autocorrelation method.

    `order` is by default 2 and one for each kHz of the rate: two for each formant below half of it, and two
    for the source. The autocorrelation's value at lag 0 is raised by 1e-9 of itself, -90 dB of white noise,
    which keeps the predictor stable. Raises InputError for an order that a frame is too short for.
    """
    frames = frame(samples, rate, window_ms=window_ms, hop_ms=hop_ms)
    order = 2 + round(rate / 1000) if order is None else order
    if not 1 <= order < frames.shape[1]:
        raise InputError(f"a predictor's order must be 1 to {frames.shape[1] - 1} here; got {order}")
    tapered = taper(window, frames.shape[1])
    predictors = np.empty((len(frames), order + 1))
    for part in blocks(frames):
        changed = emphasised(frames[part], preemphasis, remove_dc=False) * tapered
        predictors[part] = levinson(autocorrelation(changed, order))[0]
    return predictors


def autocorrelation(frames: Samples, order: int) -> Matrix:
    """Return the autocorrelation at lags 0 to order `(frames, order + 1)`, with a little white noise."""
    fft = fft_size(frames.shape[1] + order)
    spectra = np.fft.rfft(frames, fft)
    found: Matrix = np.fft.irfft(spectra.real**2 + spectra.imag**2, fft)[:, : order + 1]
    found[:, 0] *= 1 + 1e-9
    return found


def cepstra_of(predictors: Matrix, errors: Matrix, coefficients: int) -> Matrix:
    """Return the cepstra of all-pole models `(frames, coefficients)`, the zeroth the log of the error.

    The recursion of Atal (Effectiveness of linear prediction characteristics ..., 1974).
    """
    order = predictors.shape[1] - 1
    cepstra = np.zeros((len(predictors), coefficients))
    cepstra[:, 0] = np.log(errors)
    for n in range(1, coefficients):
        steps = np.arange(max(1, n - order), n)
        carried = (predictors[:, n - steps] * cepstra[:, steps]) @ (steps / n)
        cepstra[:, n] = -carried - (predictors[:, n] if n <= order else 0)
    return cepstra
