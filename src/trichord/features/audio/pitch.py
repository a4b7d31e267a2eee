"""Pitch: the fundamental frequency of a voice, and whether there is one.

YIN (de Cheveigné and Kawahara, YIN, a fundamental frequency estimator for speech and music, 2002).
"""

from __future__ import annotations

from math import ceil, floor
from typing import NamedTuple

import numpy as np

from trichord.errors import InputError
from trichord.features.audio.frames import Rows, Samples, blocks, fft_size, frame

SILENCE = 1e-10  # mean power below which nothing is voiced


class Pitch(NamedTuple):
    """A contour: `hz (frames,)`, 0 where unvoiced, and `voicing (frames,)`, 0 to 1: how periodic it is."""

    hz: Rows
    voicing: Rows


def pitch(
    samples: Samples,
    rate: int,
    *,
    window_ms: float = 50,
    hop_ms: float = 10,
    low_hz: float = 60,
    high_hz: float = 400,
    threshold: float = 0.15,
    least_voicing: float = 0.5,
) -> Pitch:
    """Return the contour of the fundamental frequency in Hz, between `low_hz` and `high_hz`, and its voicing.

    The period is the first lag at which the normalised difference falls below `threshold` to a valley, else
    the lag at which it is least, refined by a parabola (YIN's steps 1 to 5). `voicing` is 1 less the
    difference there, 0 to 1. A frame is voiced where that is `least_voicing` or more. Raises InputError
    for a window shorter than two of the longest periods.
    """
    longest, shortest = ceil(rate / low_hz), max(1, floor(rate / high_hz))
    frames = frame(samples, rate, window_ms=window_ms, hop_ms=hop_ms)
    if not (0 < shortest < longest and 2 * (longest + 1) <= frames.shape[1]):
        raise InputError(
            f"a window of {window_ms:g} ms at {rate} Hz does not hold two periods of pitches from {low_hz:g} "
            f"to {high_hz:g} Hz; choose a longer one, and low_hz below high_hz"
        )
    hz, voicing = np.zeros(len(frames), frames.dtype), np.zeros(len(frames), frames.dtype)
    for part in blocks(frames):
        lags, least = valleys(normalised_difference(frames[part], longest + 1), shortest, threshold)
        voicing[part] = np.clip(1 - least, 0, 1) * (np.square(frames[part]).mean(1) > SILENCE)
        hz[part] = np.where(voicing[part] >= least_voicing, rate / lags, 0)
    return Pitch(hz, voicing)


def normalised_difference(frames: Samples, lags: int) -> Rows:
    """Return YIN's cumulative mean normalised difference at lags 0 to `lags`, `(frames, lags + 1)`.

    What is compared is as long at every lag: all of the frame but its last `lags` samples.
    """
    compared, fft = frames.shape[1] - lags, fft_size(frames.shape[1])
    ahead = np.fft.rfft(frames, fft)
    behind = np.fft.rfft(frames[:, :compared], fft)
    products = np.fft.irfft(ahead * behind.conj(), fft)[:, : lags + 1]
    energies = np.cumsum(np.square(frames, dtype=np.float64), axis=1)
    energies[:, compared:] -= energies[:, :lags]
    moved = energies[:, compared - 1 :]  # (frames, lags + 1), of the stretch that begins at each lag
    difference = np.maximum(moved[:, :1] + moved - 2 * products, 0)
    difference[:, 0] = 0
    total = np.cumsum(difference, axis=1)
    scaled = difference * np.arange(lags + 1)
    normalised: Rows = np.divide(scaled, total, out=np.ones_like(scaled), where=total > 0)
    return normalised


def valleys(difference: Rows, shortest: int, threshold: float) -> tuple[Rows, Rows]:
    """Return each frame's lag in samples, at the valley that YIN takes, and the difference there."""
    within = difference[:, shortest:-1]
    deep = (within < threshold) & (within <= difference[:, shortest + 1 :])
    deep[:, 1:] &= within[:, 1:] < within[:, :-1]
    lags = shortest + np.where(deep.any(1), deep.argmax(1), within.argmin(1))
    before, least, after = (difference[np.arange(len(lags)), lags + step] for step in (-1, 0, 1))
    bend = before - 2 * least + after
    moved = np.divide(before - after, 2 * bend, out=np.zeros_like(bend), where=bend > 0)
    return lags + np.clip(moved, -1, 1), least
