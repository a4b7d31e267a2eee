"""Butterworth filters: as flat as can be in the band that they pass (Butterworth, 1930).

Without shift in time they need numpy alone, so that a model file may prepare its sound with them anywhere.
"""

from __future__ import annotations

from itertools import pairwise
from math import ceil, pi, sin, tan
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from trichord.errors import InputError, MissingError
from trichord.features.audio.frames import Matrix, Samples, fft_size, mono

DECAY = 14.0  # how many times a response falls by e within its context, to 1e-6
LEAST_BLOCK, MOST_CONTEXT = 1 << 14, 1 << 21  # samples filtered at once, and around them: bounded memory

Pass = Literal["lowpass", "highpass", "bandpass"]


def low_pass(
    samples: Samples, rate: int, cutoff_hz: float, *, order: int = 4, zero_phase: bool = True
) -> Samples:
    """Return the samples `(time,)` without what lies above `cutoff_hz`; see `band_pass`."""
    return passed(samples, rate, "lowpass", (cutoff_hz,), order, zero_phase)


def high_pass(
    samples: Samples, rate: int, cutoff_hz: float, *, order: int = 4, zero_phase: bool = True
) -> Samples:
    """Return the samples `(time,)` without what lies below `cutoff_hz`; see `band_pass`."""
    return passed(samples, rate, "highpass", (cutoff_hz,), order, zero_phase)


def band_pass(
    samples: Samples, rate: int, low_hz: float, high_hz: float, *, order: int = 4, zero_phase: bool = True
) -> Samples:
    """Return the samples `(time,)` between two frequencies in Hz, by a Butterworth filter.

    With `zero_phase` it is applied forwards and backwards: nothing shifts in time, and at a cutoff half of
    the amplitude is left, -6 dB. It is SciPy's sosfiltfilt of butter(order), by its frequency response; the
    ends, which SciPy continues by a few samples turned about the last, are continued so for as long as the
    filter rings. Without, it is SciPy's sosfilt, -3 dB at a cutoff, and what comes later changes nothing:
    that needs the extra `train`. Raises InputError for frequencies that do not lie between 0 and half of the
    rate in this order, MissingError without SciPy.
    """
    return passed(samples, rate, "bandpass", (low_hz, high_hz), order, zero_phase)


def passed(
    samples: Samples, rate: int, kind: Pass, cutoffs: tuple[float, ...], order: int, zero_phase: bool
) -> Samples:
    """Return what a filter of this kind leaves."""
    bounds = (0.0, *cutoffs, rate / 2)
    if order < 1 or any(not low < high for low, high in pairwise(bounds)):
        raise InputError(
            f"a filter of order {order} at {', '.join(f'{hz:g}' for hz in cutoffs)} Hz doesn't fit sound of "
            f"{rate} Hz; choose an order of 1 or more, and rising frequencies below {rate / 2:g}"
        )
    if not len(mono(samples)):
        return samples
    filtered = forwards_and_backwards if zero_phase else forwards
    return filtered(samples, rate, kind, cutoffs, order)


def forwards(samples: Samples, rate: int, kind: Pass, cutoffs: tuple[float, ...], order: int) -> Samples:
    try:
        from scipy.signal import butter, sosfilt
    except ImportError:
        raise MissingError(
            "filters that run forwards need the extra 'train': pip install 'trichord[train]'"
        ) from None
    sections = butter(order, cutoffs if len(cutoffs) > 1 else cutoffs[0], kind, fs=rate, output="sos")
    filtered: NDArray[Any] = sosfilt(sections, samples.astype(np.float64))
    return filtered.astype(samples.dtype)


def forwards_and_backwards(
    samples: Samples, rate: int, kind: Pass, cutoffs: tuple[float, ...], order: int
) -> Samples:
    """Filter block by block, each amid as much context as the response needs to die away."""
    narrowest = min(cutoffs[0], *np.diff(cutoffs)) if kind == "bandpass" else cutoffs[0]
    context = min(ceil(rate * DECAY / (pi * narrowest * sin(pi / (2 * order)))), MOST_CONTEXT)
    extended = turned_about_ends(samples, context)
    fft = fft_size(max(LEAST_BLOCK, 4 * context))
    block = fft - 2 * context
    gain = response(np.arange(fft // 2 + 1) / fft, kind, [hz / rate for hz in cutoffs], order)
    gain = gain.astype(samples.dtype)
    filtered = np.empty_like(samples)
    for start in range(0, len(samples), block):
        kept = filtered[start : start + block]
        part = np.fft.rfft(extended[start : start + fft], fft) * gain
        kept[:] = np.fft.irfft(part, fft)[context : context + len(kept)]
    return filtered


def turned_about_ends(samples: Samples, context: int) -> Samples:
    """Return the samples continued to both sides, turned about the ends, then constant."""
    most = min(context, len(samples) - 1)
    if most:
        samples = np.pad(samples, most, mode="reflect", reflect_type="odd")
    return np.pad(samples, context - most, mode="edge") if most < context else samples


def response(frequencies: Matrix, kind: Pass, cutoffs: list[float], order: int) -> Matrix:
    """Return the gain in amplitude of a filter applied twice, at frequencies in cycles per sample.

    The bilinear transform's tangent takes the analogue response to the digital one.
    """
    at, edges = np.tan(pi * np.minimum(frequencies, 0.5 - 1e-12)), [tan(pi * cutoff) for cutoff in cutoffs]
    if kind == "lowpass":
        off = at / edges[0]
    elif kind == "highpass":
        off = edges[0] / np.maximum(at, 1e-30)
    else:
        off = (at**2 - edges[0] * edges[1]) / (np.maximum(at, 1e-30) * (edges[1] - edges[0]))
    with np.errstate(over="ignore"):  # infinitely far off is no gain
        gain: Matrix = 1 / (1 + off ** (2 * order))
    return gain
