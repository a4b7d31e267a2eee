"""Sound cut into frames, and the windows that taper them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from trichord.errors import InputError

Window: TypeAlias = Literal["hann", "hamming", "povey"]
Samples: TypeAlias = NDArray[np.floating[Any]]
"""Float samples `(time,)`, nominally within ±1."""
Rows: TypeAlias = NDArray[np.floating[Any]]
"""Floats by frame, `(frames,)` or `(frames, ...)`."""
Matrix: TypeAlias = NDArray[np.float64]

FLOOR = 1e-10  # of power, -100 dB of full scale
BLOCK = 256  # frames worked on at once, so that they stay in the processor's cache


def window(kind: Window, length: int) -> Matrix:
    """Return a window `(length,)`: hann and hamming periodic as in SciPy and librosa, povey as in Kaldi."""
    if kind == "povey":
        return np.hanning(length) ** 0.85
    phase = 2 * np.pi * np.arange(length) / length
    return 0.5 - 0.5 * np.cos(phase) if kind == "hann" else 0.54 - 0.46 * np.cos(phase)


def sizes(rate: int, window_ms: float, hop_ms: float) -> tuple[int, int]:
    """Return how many samples a frame is long, and from one frame to the next; InputError for no size."""
    if not (rate > 0 and window_ms > 0 and hop_ms > 0):
        raise InputError(
            f"frames need a rate, a window and a hop above 0; got {rate} Hz, {window_ms} and {hop_ms} ms"
        )
    return max(1, round(window_ms * rate / 1000)), max(1, round(hop_ms * rate / 1000))


def mono(samples: Samples) -> Samples:
    """Return the samples as they are, float32 or float64; InputError for anything else."""
    if samples.ndim != 1 or samples.dtype not in (np.float32, np.float64):
        raise InputError(
            f"sound must be mono, float of shape (time,); got {samples.dtype} of shape {samples.shape}"
        )
    if not np.isfinite(samples).all():
        raise InputError("the sound holds NaN or infinite samples; clean it first (numpy.nan_to_num)")
    return samples


def frame(samples: Samples, rate: int, *, window_ms: float = 25, hop_ms: float = 10) -> Samples:
    """Return the sound's frames `(1 + (time - window) // hop, window)`, a view that cannot be written to.

    Nothing is padded, so that a stream gives the same frames as a file; but sound shorter than a window is
    one frame, ended with zeros. No sound is no frames. Raises InputError for samples that are not mono,
    float and finite.
    """
    length, hop = sizes(rate, window_ms, hop_ms)
    sound = mono(samples)
    if not len(sound):
        return np.zeros((0, length), sound.dtype)
    if len(sound) < length:
        sound = np.pad(sound, (0, length - len(sound)))
    return np.lib.stride_tricks.sliding_window_view(sound, length)[::hop]


def blocks(frames: Rows) -> Iterator[slice]:
    """Yield the slices that part frames into blocks."""
    yield from (slice(start, start + BLOCK) for start in range(0, len(frames), BLOCK))


def fft_size(length: int) -> int:
    """Return the next power of two, at least 2."""
    return 1 << max(1, (length - 1).bit_length())


def emphasised(frames: Samples, preemphasis: float, remove_dc: bool) -> Samples:
    """Return frames less their means, then less a share of each sample's predecessor, in Kaldi's order.

    A frame's first sample is taken to be its own predecessor.
    """
    if remove_dc:
        frames = frames - frames.mean(1, keepdims=True)
    if not preemphasis:
        return frames
    changed = frames.copy()
    changed[:, 1:] -= preemphasis * frames[:, :-1]
    changed[:, 0] *= 1 - preemphasis
    return changed
