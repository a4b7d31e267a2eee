"""Sound reshaped in its short-time spectrum, and put together again."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from trichord.features.audio.frames import Rows, Samples, mono, sizes, window

WINDOW_MS = 32.0
OVERLAP = 4  # frames that every sample is in

Gains = Callable[[Rows], Rows]
"""Takes powers `(frames, bins)` and returns what each bin's amplitude is multiplied by."""


def reshaped(samples: Samples, rate: int, gains: Gains) -> Samples:
    """Return the samples `(time,)` with the short-time spectrum multiplied by `gains` of its powers.

    Frames of 32 ms, four for every sample, are tapered by the root of a Hann window before and after (Griffin
    and Lim, Signal estimation from modified short-time Fourier transform, 1984): gains of 1 change nothing.
    """
    if not len(mono(samples)):
        return samples
    hop = max(1, sizes(rate, WINDOW_MS, WINDOW_MS)[0] // OVERLAP)
    length = hop * OVERLAP
    taper = np.sqrt(window("hann", length)).astype(samples.dtype)
    frames = cut(samples, length, hop)
    spectra = np.fft.rfft(frames * taper)
    spectra *= gains(spectra.real**2 + spectra.imag**2)
    parts = np.fft.irfft(spectra, length) * (taper * 2 / OVERLAP)
    return added(parts, hop)[length - hop :][: len(samples)].astype(samples.dtype)


def cut(samples: Samples, length: int, hop: int) -> Samples:
    """Return frames `(frames, length)` of sound mirrored at its ends, so that all is in equally many."""
    padded = np.pad(samples, (length - hop, length - hop + (-len(samples)) % hop), mode="reflect")
    return np.lib.stride_tricks.sliding_window_view(padded, length)[::hop]


def added(parts: Samples, hop: int) -> Samples:
    """Return overlapping frames `(frames, length)` summed where they belong `(time,)`."""
    overlap = parts.shape[1] // hop
    steps = np.zeros((len(parts) + overlap - 1, hop), parts.dtype)
    for index in range(overlap):
        steps[index : index + len(parts)] += parts[:, index * hop : (index + 1) * hop]
    return steps.ravel()
