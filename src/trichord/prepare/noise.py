"""Noise, and laying it under speech at a stated level; the same in training and in evaluation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from trichord.errors import InputError

Samples: TypeAlias = NDArray[np.float32]


def mix(samples: Samples, noise: Samples, snr_db: float) -> Samples:
    """Return `samples (time,)` with `noise` under them at exactly `snr_db`.

    The ratio is 10 log10 of the mean power of the whole utterance, pauses included, over the mean power of
    the noise beneath it. Noise of another length is cropped, or repeated from its start. A mixture that
    would clip is scaled down to ±1 as a whole, which leaves the ratio as it is. Where either is silent no
    ratio exists, and the samples come back unchanged.
    """
    if not len(samples) or not len(noise):
        return samples
    noise = np.resize(noise, len(samples))
    speech_power, noise_power = power(samples), power(noise)
    if not speech_power or not noise_power:
        return samples
    gain = np.sqrt(speech_power / noise_power * 10 ** (-snr_db / 10))
    mixture = samples.astype(np.float64) + gain * noise
    clipping = max(1.0, float(np.abs(mixture).max()))
    return np.asarray(mixture / clipping, np.float32)


def white(n: int, rng: np.random.Generator) -> Samples:
    """Return n samples of Gaussian noise with a flat spectrum and unit power."""
    return rng.standard_normal(n, dtype=np.float32)


def pink(n: int, rng: np.random.Generator) -> Samples:
    """Return n samples of Gaussian noise whose power falls by 3 dB an octave, with unit power."""
    size = 1 << (n + 1).bit_length()  # a power of two, for speed
    spectrum = np.fft.rfft(rng.standard_normal(size))
    spectrum[0] = 0
    spectrum[1:] /= np.sqrt(np.arange(1, len(spectrum)))
    return at_unit_power(np.fft.irfft(spectrum)[:n])


def babble(pool: Sequence[Samples], n: int, rng: np.random.Generator, talkers: int = 6) -> Samples:
    """Return n samples of `talkers` voices at once, each equally loud, with unit power.

    The voices come from `pool` at random, each repeated from a random point; a pool smaller than `talkers`
    is used more than once. Raises `InputError` where no clip of the pool has sound.
    """
    voices = [voice for voice in pool if len(voice) and power(voice)]
    if not voices:
        raise InputError("babble needs at least one clip with sound to take voices from; got none")
    chosen = rng.choice(len(voices), talkers, replace=len(voices) < talkers)
    total = np.zeros(n)
    for index in chosen:
        total += at_unit_power(stretch_from(voices[index], n, rng))
    return at_unit_power(total)


def stretch_from(sound: Samples, n: int, rng: np.random.Generator) -> Samples:
    """Return n samples of `sound`, from a random point, repeated where it is too short."""
    return np.resize(np.roll(sound, -int(rng.integers(len(sound)))), n)


def power(samples: NDArray[np.floating]) -> float:
    """Return the mean power, 0 for no samples."""
    return float(np.mean(np.square(samples, dtype=np.float64))) if len(samples) else 0.0


def at_unit_power(samples: NDArray[np.floating]) -> Samples:
    """Return the samples scaled to a mean power of 1; silence stays."""
    return (samples / (np.sqrt(power(samples)) or 1.0)).astype(np.float32)
