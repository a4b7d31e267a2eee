"""Power in bands of frequency: filter banks, evenly spaced in mel or in Hz."""

from __future__ import annotations

from typing import Literal, TypeAlias

import numpy as np

from trichord.errors import InputError
from trichord.features.audio.frames import (
    FLOOR,
    Matrix,
    Rows,
    Samples,
    Window,
    blocks,
    emphasised,
    fft_size,
    frame,
)
from trichord.features.audio.frames import window as taper

Scale: TypeAlias = Literal["htk", "slaney", "kaldi", "linear"]

SLANEY_BREAK_HZ = 1000.0
SLANEY_HZ_PER_MEL = 200 / 3
SLANEY_LOG_STEP = np.log(6.4) / 27


def to_scale(hz: Matrix, scale: Scale) -> Matrix:
    """Map Hz to mel (O'Shaughnessy for htk and kaldi, Slaney's Auditory Toolbox), or to itself."""
    if scale == "linear":
        return hz
    if scale == "slaney":
        above = np.log(np.maximum(hz, SLANEY_BREAK_HZ) / SLANEY_BREAK_HZ) / SLANEY_LOG_STEP
        slaney: Matrix = np.minimum(hz, SLANEY_BREAK_HZ) / SLANEY_HZ_PER_MEL + above
        return slaney
    mel: Matrix = 1127 * np.log1p(hz / 700)
    return mel


def to_hz(values: Matrix, scale: Scale) -> Matrix:
    """Undo `to_scale`."""
    if scale == "linear":
        return values
    if scale == "slaney":
        knee = SLANEY_BREAK_HZ / SLANEY_HZ_PER_MEL
        above = np.exp(np.maximum(values - knee, 0) * SLANEY_LOG_STEP)
        slaney: Matrix = np.minimum(values, knee) * SLANEY_HZ_PER_MEL * above
        return slaney
    hz: Matrix = 700 * np.expm1(values / 1127)
    return hz


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


def band_powers(
    samples: Samples,
    rate: int,
    *,
    bands: int = 80,
    window_ms: float = 25,
    hop_ms: float = 10,
    low_hz: float = 20,
    high_hz: float | None = None,
    window: Window = "hann",
    preemphasis: float = 0.97,
    remove_dc: bool = True,
    scale: Scale = "htk",
    equal_area: bool = False,
) -> Rows:
    """Return the power in each of `bands` triangular filters, `(frames, bands)`.

    The power of a bin is its squared magnitude, in squared units of the samples. The filters lie from
    `low_hz` to `high_hz`, by default half of the rate, and are evenly spaced in mel, or in Hz with scale
    `linear`. Frames are those of `frame`, at an FFT of the next power of two; the other options are as in
    `filter_bank` and `emphasised`. Raises InputError where filters don't fit the rate, and as `frame` does.
    """
    frames = frame(samples, rate, window_ms=window_ms, hop_ms=hop_ms)
    high = rate / 2 if high_hz is None else high_hz
    if not 0 <= low_hz < high <= rate / 2:
        raise InputError(f"filters from {low_hz:g} to {high:g} Hz don't fit sound of {rate:g} Hz")
    fft = fft_size(frames.shape[1])
    tapered = taper(window, frames.shape[1]).astype(frames.dtype)
    filters = filter_bank(bands, fft, rate, low_hz, high, scale, equal_area).T.astype(frames.dtype)
    powers = np.empty((len(frames), bands), frames.dtype)
    for part in blocks(frames):
        spectrum = np.fft.rfft(emphasised(frames[part], preemphasis, remove_dc) * tapered, fft)
        np.matmul(spectrum.real**2 + spectrum.imag**2, filters, out=powers[part])
    return powers


def log_mel(
    samples: Samples,
    rate: int,
    *,
    bands: int = 80,
    window_ms: float = 25,
    hop_ms: float = 10,
    low_hz: float = 20,
    high_hz: float | None = None,
    window: Window = "hann",
    preemphasis: float = 0.97,
    remove_dc: bool = True,
    scale: Scale = "htk",
    equal_area: bool = False,
) -> Rows:
    """Return the natural logarithm of `band_powers`, floored at 1e-10, `(frames, bands)`.

    These are the numbers of the front end `logmel`. With window `povey` and scale `kaldi` they are Kaldi's
    fbank (dither 0, snip_edges) less 2 ln 32768, for Kaldi reads samples within ±32768.
    """
    powers = band_powers(
        samples, rate, bands=bands, window_ms=window_ms, hop_ms=hop_ms, low_hz=low_hz, high_hz=high_hz,
        window=window, preemphasis=preemphasis, remove_dc=remove_dc, scale=scale, equal_area=equal_area,
    )  # fmt: skip
    return np.log(np.maximum(powers, FLOOR, out=powers), out=powers)
