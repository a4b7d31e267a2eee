"""The short-time spectrum, and its shape in single numbers."""

from __future__ import annotations

from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from trichord.features.audio.frames import FLOOR, Matrix, Rows, Samples, Window, blocks, fft_size, frame
from trichord.features.audio.frames import window as taper

ComplexRows: TypeAlias = NDArray[np.complexfloating[Any, Any]]


class Spectrum(NamedTuple):
    """A sound's short-time spectrum: `magnitudes (frames, bins)`, and where the bins lie, `hz (bins,)`."""

    magnitudes: Rows
    hz: Matrix


def stft(
    samples: Samples, rate: int, *, window_ms: float = 25, hop_ms: float = 10, window: Window = "hann"
) -> ComplexRows:
    """Return the short-time Fourier transform `(frames, fft // 2 + 1)`, in units of the samples.

    Frames are those of `frame`, tapered and ended with zeros up to the next power of two, the FFT's size;
    complex64 of float32. A sine of amplitude 1 at a bin has half of the window's sum.
    """
    frames = frame(samples, rate, window_ms=window_ms, hop_ms=hop_ms)
    fft = fft_size(frames.shape[1])
    tapered = taper(window, frames.shape[1]).astype(frames.dtype)
    spectra = np.empty((len(frames), fft // 2 + 1), np.result_type(frames.dtype, np.complex64))
    for part in blocks(frames):
        spectra[part] = np.fft.rfft(frames[part] * tapered, fft)
    return spectra


def spectrum(
    samples: Samples, rate: int, *, window_ms: float = 25, hop_ms: float = 10, window: Window = "hann"
) -> Spectrum:
    """Return the magnitudes of `stft` and their frequencies in Hz, which the shapes below are taken from."""
    frames = frame(samples, rate, window_ms=window_ms, hop_ms=hop_ms)
    fft = fft_size(frames.shape[1])
    tapered = taper(window, frames.shape[1]).astype(frames.dtype)
    magnitudes = np.empty((len(frames), fft // 2 + 1), frames.dtype)
    for part in blocks(frames):
        np.abs(np.fft.rfft(frames[part] * tapered, fft), out=magnitudes[part])
    return Spectrum(magnitudes, np.arange(fft // 2 + 1) * rate / fft)


def centroid(of: Spectrum) -> Rows:
    """Return the mean frequency in Hz, weighted by magnitude, `(frames,)`; 0 in silence (Peeters, 2004)."""
    moments = of.magnitudes @ np.stack([np.ones_like(of.hz), of.hz], 1).astype(of.magnitudes.dtype)
    return ratio(moments[:, 1], moments[:, 0])


def bandwidth(of: Spectrum) -> Rows:
    """Return the standard deviation in Hz about the centroid, weighted by magnitude, `(frames,)`.

    0 in silence. It is librosa's spectral_bandwidth.
    """
    scaled = of.hz / max(1.0, of.hz[-1])  # at most 1, so that squares keep their precision
    powers = np.stack([np.ones_like(scaled), scaled, scaled**2], 1)
    moments = of.magnitudes.astype(np.float64) @ powers
    mean = ratio(moments[:, 1], moments[:, 0])
    variance = ratio(moments[:, 2], moments[:, 0]) - mean**2
    deviation: Rows = np.sqrt(np.maximum(variance, 0)) * max(1.0, of.hz[-1])
    of_type: Rows = deviation.astype(of.magnitudes.dtype)
    return of_type


def roll_off(of: Spectrum, *, share: float = 0.85) -> Matrix:
    """Return the frequency in Hz below which `share` of the magnitude lies, `(frames,)`; 0 in silence."""
    below = np.cumsum(of.magnitudes, axis=1)
    reached = (below >= share * below[:, -1:]).argmax(1)
    hz: Matrix = of.hz[reached]
    return hz


def flatness(of: Spectrum) -> Rows:
    """Return the geometric over the arithmetic mean of the power spectrum, 0 to 1, `(frames,)`.

    Near 0 for a tone, near 0.56 for white noise; powers are floored at 1e-10, so silence has 1. It is
    librosa's spectral_flatness (Dubnov, Generalization of spectral flatness measure ..., 2004).
    """
    powers = np.maximum(of.magnitudes**2, FLOOR)
    flat: Rows = np.minimum(np.exp(np.log(powers).mean(1)) / powers.mean(1), 1)
    return flat


def flux(of: Spectrum) -> Rows:
    """Return the Euclidean distance to the spectrum of the frame before, in units of magnitude, `(frames,)`.

    0 for the first frame (Scheirer and Slaney, Construction and evaluation of a robust ... speech/music
    discriminator, 1997).
    """
    steps = np.diff(of.magnitudes, axis=0, prepend=of.magnitudes[:1])
    distances: Rows = np.sqrt(np.einsum("fb,fb->f", steps, steps))
    return distances


def correlation(of: Spectrum) -> Rows:
    """Return the normalised cross-correlation with the spectrum of the frame before, 0 to 1, `(frames,)`.

    The sum of products of magnitudes over the root of the product of their energies (Peeters, A large set of
    audio features for sound description, 2004, whose spectral variation is 1 less this). 1 for the first
    frame and from silence to silence, 0 between silence and sound.
    """
    lengths = np.sqrt(np.einsum("fb,fb->f", of.magnitudes, of.magnitudes))
    products = np.einsum("fb,fb->f", of.magnitudes[1:], of.magnitudes[:-1])
    similar: Rows = np.ones_like(lengths)
    similar[1:] = np.minimum(ratio(products, lengths[1:] * lengths[:-1]), 1)
    similar[1:][(lengths[1:] == 0) & (lengths[:-1] == 0)] = 1
    return similar


def ratio(above: Rows, below: Rows) -> Rows:
    """Return the quotients, 0 where there is nothing to divide by."""
    quotients: Rows = np.divide(above, below, out=np.zeros_like(above), where=below > 0)
    return quotients
