"""Windows, filter banks and transforms of classical speech analysis, as float64 matrices."""

from __future__ import annotations

from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

Window: TypeAlias = Literal["hann", "hamming", "povey"]
Scale: TypeAlias = Literal["htk", "slaney", "kaldi", "linear"]
Matrix: TypeAlias = NDArray[np.float64]

SLANEY_BREAK_HZ = 1000.0
SLANEY_HZ_PER_MEL = 200 / 3
SLANEY_LOG_STEP = np.log(6.4) / 27


def window(kind: Window, length: int) -> Matrix:
    """Return a window `(length,)`: hann and hamming periodic as in SciPy and librosa, povey as in Kaldi."""
    if kind == "povey":
        return np.hanning(length) ** 0.85
    phase = 2 * np.pi * np.arange(length) / length
    return 0.5 - 0.5 * np.cos(phase) if kind == "hann" else 0.54 - 0.46 * np.cos(phase)


def to_scale(hz: Matrix, scale: Scale) -> Matrix:
    """Map Hz to mel (O'Shaughnessy for htk and kaldi, Slaney's Auditory Toolbox), or to itself."""
    if scale == "linear":
        return hz
    if scale == "slaney":
        above = np.log(np.maximum(hz, SLANEY_BREAK_HZ) / SLANEY_BREAK_HZ) / SLANEY_LOG_STEP
        return np.minimum(hz, SLANEY_BREAK_HZ) / SLANEY_HZ_PER_MEL + above
    return 1127 * np.log1p(hz / 700)


def to_hz(values: Matrix, scale: Scale) -> Matrix:
    """Undo `to_scale`."""
    if scale == "linear":
        return values
    if scale == "slaney":
        knee = SLANEY_BREAK_HZ / SLANEY_HZ_PER_MEL
        return np.minimum(values, knee) * SLANEY_HZ_PER_MEL * np.exp(
            np.maximum(values - knee, 0) * SLANEY_LOG_STEP
        )  # fmt: skip
    return 700 * np.expm1(values / 1127)


def filter_bank(
    bands: int, fft: int, rate: float, low_hz: float, high_hz: float, scale: Scale, equal_area: bool
) -> Matrix:
    """Return triangular filters `(bands, fft // 2 + 1)` for power spectra.

    Triangles are straight in Hz, as in HTK's successors and librosa; with scale `kaldi` in mel, as in
    Kaldi. `equal_area` is librosa's `norm="slaney"`.
    """
    ends = to_scale(np.array([low_hz, high_hz]), scale)
    edges = np.linspace(ends[0], ends[1], bands + 2)
    bins = np.arange(fft // 2 + 1) * rate / fft
    hz = to_hz(edges, scale)
    x, e = (to_scale(bins, scale), edges) if scale == "kaldi" else (bins, hz)
    rising = (x - e[:-2, None]) / np.diff(e)[:-1, None]
    falling = (e[2:, None] - x) / np.diff(e)[1:, None]
    triangles = np.maximum(0, np.minimum(rising, falling))
    return triangles * (2 / (hz[2:] - hz[:-2]))[:, None] if equal_area else triangles


def cosine_transform(coefficients: int, bands: int) -> Matrix:
    """Return the orthonormal DCT-II `(coefficients, bands)`."""
    k, n = np.arange(coefficients)[:, None], np.arange(bands)[None, :]
    basis = np.cos(np.pi * k * (2 * n + 1) / (2 * bands)) * np.sqrt(2 / bands)
    basis[0] /= np.sqrt(2)
    return basis


def lifter(coefficients: int, parameter: float) -> Matrix:
    """Return HTK's cepstral lifter `(coefficients,)`: 1 + L/2 sin(pi n / L), or ones where L is 0."""
    if not parameter:
        return np.ones(coefficients)
    return 1 + parameter / 2 * np.sin(np.pi * np.arange(coefficients) / parameter)
