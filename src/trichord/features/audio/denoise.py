"""Noise taken out of speech: by subtraction, by Wiener's filter, and by following noise that changes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal, TypeAlias

import numpy as np

from trichord.features.audio.frames import Matrix, Rows, Samples
from trichord.features.audio.noise_power import steady_noise, tracked_noise
from trichord.features.audio.reshape import reshaped

Denoiser: TypeAlias = Literal["subtract", "wiener", "adaptive"]

DIRECTION = 0.98  # weight of the decision before, in the decision-directed estimate
LEAST_SUBTRACTED, MOST_SUBTRACTED = 1.0, 5.0  # times the noise, at 20 dB and at -5 dB


def spectral_subtraction(samples: Samples, rate: int, *, floor_db: float = -20.0) -> Samples:
    """Return the samples `(time,)` less the noise's power in each bin of their short-time spectrum.

    A multiple of it is taken, 4 less 3/20 of the frame's ratio in dB, at least 1 and at most 5; what falls
    below `floor_db` of the noise is raised to that (Berouti, Schwartz and Makhoul, Enhancement of speech
    corrupted by acoustic noise, 1979). The noise is taken to be steady. The phase stays.
    """

    def gains(powers: Rows) -> Rows:
        noise = steady_noise(powers)
        ratio = 10 * np.log10(np.maximum(powers.sum(1, keepdims=True) / noise.sum(), 1e-10))
        times = np.clip(4 - 3 / 20 * ratio, LEAST_SUBTRACTED, MOST_SUBTRACTED)
        shares = noise / np.maximum(powers, noise * 1e-3)
        left: Rows = np.sqrt(np.minimum(np.maximum(1 - times * shares, 10 ** (floor_db / 10) * shares), 1))
        return left

    return reshaped(samples, rate, lambda powers: gains(powers).astype(powers.dtype))


def wiener(samples: Samples, rate: int, *, floor_db: float = -20.0) -> Samples:
    """Return the samples `(time,)` through Wiener's filter, xi / (1 + xi) in each bin, at least `floor_db`.

    xi, the ratio of speech to noise in power, is decision-directed: 0.98 of what the frame before was left
    with, and 0.02 of what stands above the noise (Ephraim and Malah, Speech enhancement using a minimum
    mean-square error short-time spectral amplitude estimator, 1984; Scalart and Filho, 1996). The noise is
    taken to be steady.
    """
    return reshaped(samples, rate, lambda powers: decided(powers, steady_noise(powers), floor_db))


def adaptive_suppression(samples: Samples, rate: int, *, floor_db: float = -20.0) -> Samples:
    """Return the samples `(time,)` through `wiener`'s filter, of noise that may change as time goes by.

    The noise is followed by minima-controlled recursive averaging; see `tracked_noise`.
    """
    return reshaped(samples, rate, lambda powers: decided(powers, tracked_noise(powers), floor_db))


def decided(powers: Rows, noise: Matrix, floor_db: float) -> Rows:
    """Return the decision-directed Wiener gains `(frames, bins)`; `noise (frames or 1, bins)`."""
    floor = 10 ** (floor_db / 20)
    above = powers / noise
    gains = np.empty_like(powers)
    gain = np.ones(powers.shape[1])
    before = above[0] if len(above) else gain
    for step, now in enumerate(above):
        xi = DIRECTION * gain**2 * before + (1 - DIRECTION) * np.maximum(now - 1, 0)
        gain, before = np.maximum(xi / (1 + xi), floor), now
        gains[step] = gain
    return gains


DENOISERS: Mapping[Denoiser, Callable[[Samples, int], Samples]] = {
    "subtract": spectral_subtraction,
    "wiener": wiener,
    "adaptive": adaptive_suppression,
}


def denoise(samples: Samples, rate: int, kind: Denoiser) -> Samples:
    """Return the samples `(time,)` less their noise, by the method of this name."""
    return DENOISERS[kind](samples, rate)
