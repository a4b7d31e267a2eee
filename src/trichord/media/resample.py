"""Changing the rate of sound, whole or as it arrives (the SoX resampler)."""

from __future__ import annotations

import numpy as np
import soxr
from numpy.typing import NDArray

from trichord.clip import Audio


class Resampler:
    """Resamples mono float32 blocks `(time,)` as they arrive; any blocks give what the whole gives."""

    def __init__(self, source_rate: int, rate: int) -> None:
        self.source_rate = source_rate
        self.rate = rate
        same = source_rate == rate
        self._soxr = None if same else soxr.ResampleStream(source_rate, rate, num_channels=1)

    def push(self, samples: NDArray[np.float32], *, last: bool = False) -> NDArray[np.float32]:
        """Return the samples that are ready, all of them if this block is the last."""
        if self._soxr is None:
            return samples
        ready: NDArray[np.float32] = self._soxr.resample_chunk(np.ascontiguousarray(samples), last=last)
        return ready

    def reset(self) -> None:
        """Forget the past, for another recording."""
        if self._soxr is not None:
            self._soxr.clear()


def resample(audio: Audio, rate: int) -> Audio:
    """Return the sound at another rate in Hz, `round(time * rate / audio.rate)` samples long."""
    if rate == audio.rate:
        return audio
    return Audio(Resampler(audio.rate, rate).push(audio.samples, last=True), rate)


def faster(audio: Audio, speed: float) -> Audio:
    """Return the sound `speed` times as fast, and so as high, as a tape is played; at the same rate."""
    return resample(Audio(audio.samples, round(audio.rate * speed)), audio.rate)
