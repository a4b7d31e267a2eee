"""The sound of a room, made without recordings of one."""

from __future__ import annotations

import numpy as np

from trichord.errors import InputError
from trichord.prepare.noise import Samples, power

DECAY_60_DB = np.log(1e3)  # amplitude falls by 60 dB over t60


def impulse_response(t60_seconds: float, rate: float, rng: np.random.Generator) -> Samples:
    """Return the response of a room that takes `t60_seconds` to decay by 60 dB, `(time,)` at `rate` Hz.

    The direct sound comes first, at time zero so that a voice stays in step with its lips; an exponentially
    decaying Gaussian tail of the same energy follows (Polack 1988). Raises `InputError` for a time
    outside 0 to 10 s.
    """
    if not 0 < t60_seconds <= 10:
        raise InputError(f"a reverberation time must be above 0 and at most 10 s; got {t60_seconds}")
    time = np.arange(1, max(2, round(t60_seconds * rate))) / rate
    tail = rng.standard_normal(len(time)) * np.exp(-DECAY_60_DB / t60_seconds * time)
    return np.concatenate([[1.0], tail / np.sqrt(np.square(tail).sum())]).astype(np.float32)


def reverberate(samples: Samples, response: Samples) -> Samples:
    """Return `samples (time,)` as heard in the room of `response`: the same length and mean power.

    What still rings after the last sample is cut off.
    """
    if not len(samples):
        return samples
    size = 1 << (len(samples) + len(response) - 2).bit_length()
    product = np.fft.rfft(samples, size) * np.fft.rfft(response, size)
    heard = np.fft.irfft(product, size)[: len(samples)]
    return np.asarray(heard * np.sqrt(power(samples) / (power(heard) or 1.0)), np.float32)
