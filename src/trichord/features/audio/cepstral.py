"""Cepstra: how the spectrum is shaped, in a few numbers that hardly depend on each other."""

from __future__ import annotations

import numpy as np

from trichord.errors import InputError
from trichord.features.audio.bands import Scale, band_powers, log_mel, to_hz, to_scale
from trichord.features.audio.frames import FLOOR, Matrix, Rows, Samples, Window
from trichord.features.audio.prediction import cepstra_of, levinson


def cosine_transform(coefficients: int, bands: int) -> Matrix:
    """Return the orthonormal DCT-II `(coefficients, bands)`."""
    k, n = np.arange(coefficients)[:, None], np.arange(bands)[None, :]
    basis: Matrix = np.cos(np.pi * k * (2 * n + 1) / (2 * bands)) * np.sqrt(2 / bands)
    basis[0] /= np.sqrt(2)
    return basis


def lifter(coefficients: int, parameter: float) -> Matrix:
    """Return HTK's cepstral lifter `(coefficients,)`: 1 + L/2 sin(pi n / L), or ones where L is 0."""
    if not parameter:
        return np.ones(coefficients)
    lift: Matrix = 1 + parameter / 2 * np.sin(np.pi * np.arange(coefficients) / parameter)
    return lift


def mfcc(
    samples: Samples,
    rate: int,
    *,
    coefficients: int = 13,
    bands: int = 26,
    window_ms: float = 25,
    hop_ms: float = 10,
    low_hz: float = 20,
    high_hz: float | None = None,
    window: Window = "hann",
    preemphasis: float = 0.97,
    remove_dc: bool = True,
    scale: Scale = "htk",
    equal_area: bool = False,
    cepstral_lifter: float = 22,
) -> Rows:
    """Return mel-frequency cepstral coefficients `(frames, coefficients)`, the zeroth included.

    The orthonormal cosine transform of `log_mel`, liftered as in HTK (Davis and Mermelstein, Comparison of
    parametric representations for monosyllabic word recognition ..., 1980). They are the numbers of the
    front end `mfcc` with as many bands; with window `povey`, scale `kaldi` and 23 bands they are Kaldi's
    (use_energy=false). Without unit. Raises InputError for more coefficients than bands, and as `log_mel`.
    """
    if not 1 <= coefficients <= bands:
        raise InputError(f"{coefficients} coefficients need as many bands; there are {bands}")
    energies = log_mel(
        samples, rate, bands=bands, window_ms=window_ms, hop_ms=hop_ms, low_hz=low_hz, high_hz=high_hz,
        window=window, preemphasis=preemphasis, remove_dc=remove_dc, scale=scale, equal_area=equal_area,
    )  # fmt: skip
    transform = lifter(coefficients, cepstral_lifter)[:, None] * cosine_transform(coefficients, bands)
    cepstra: Rows = energies @ transform.T.astype(energies.dtype)
    return cepstra


def plp(
    samples: Samples,
    rate: int,
    *,
    coefficients: int = 13,
    order: int = 12,
    bands: int = 23,
    window_ms: float = 25,
    hop_ms: float = 10,
    low_hz: float = 20,
    high_hz: float | None = None,
    window: Window = "hann",
    preemphasis: float = 0.97,
    remove_dc: bool = True,
    compression: float = 1 / 3,
    cepstral_lifter: float = 22,
) -> Matrix:
    """Return perceptual linear prediction cepstra `(frames, coefficients)`, the log of the error first.

    Powers in bands, weighted as ears hear them and raised to `compression`, become an all-pole model of
    `order`, and that its cepstrum (Hermansky, Perceptual linear predictive (PLP) analysis of speech, 1990);
    the bands are triangles in mel, as in HTK and Kaldi. Without unit. Raises InputError for an order above
    the number of bands or fewer coefficients than one, and as `log_mel` does.
    """
    if not (1 <= order <= bands and coefficients >= 1):
        raise InputError(
            f"expected an order of 1 to {bands}, the bands, and a coefficient; got {order} and {coefficients}"
        )
    high = rate / 2 if high_hz is None else high_hz
    powers = band_powers(
        samples, rate, bands=bands, window_ms=window_ms, hop_ms=hop_ms, low_hz=low_hz, high_hz=high_hz,
        window=window, preemphasis=preemphasis, remove_dc=remove_dc, scale="kaldi",
    )  # fmt: skip
    heard = (np.maximum(powers, FLOOR) * equal_loudness(bands, low_hz, high)) ** compression
    predictors, errors = levinson(heard @ correlation_of_bands(order, bands).T)
    return cepstra_of(predictors, errors, coefficients) * lifter(coefficients, cepstral_lifter)


def equal_loudness(bands: int, low_hz: float, high_hz: float) -> Matrix:
    """Return how strongly ears hear each mel band's centre, in power `(bands,)`, as HTK has it."""
    ends = to_scale(np.array([low_hz, high_hz]), "htk")
    squares = to_hz(np.linspace(ends[0], ends[1], bands + 2)[1:-1], "htk") ** 2
    curve: Matrix = (squares / (squares + 1.6e5)) ** 2 * (squares + 1.44e6) / (squares + 9.61e6)
    return curve


def correlation_of_bands(order: int, bands: int) -> Matrix:
    """Return what turns `bands` powers into their autocorrelation at lags 0 to order `(order + 1, bands)`.

    The inverse Fourier transform of a spectrum whose ends repeat the first and the last band.
    """
    points = bands + 2
    waves = np.cos(np.pi * np.arange(order + 1)[:, None] * np.arange(points) / (points - 1))
    waves[:, 1:-1] *= 2
    waves /= 2 * (points - 1)
    waves[:, 1] += waves[:, 0]
    waves[:, -2] += waves[:, -1]
    return waves[:, 1:-1]


def deltas(features: Rows, *, width: int = 9) -> Rows:
    """Return each column's slope per frame, `(frames, columns)` as the features are.

    The slope of the line that fits best over `width` frames, an odd number; the first and last frames are
    repeated beyond the ends (HTK Book, eq. 5.16; librosa's delta with mode="nearest"). Apply it twice for
    accelerations: with width 5 that is Kaldi's add-deltas, but for the frames next to the ends.
    """
    reach = width // 2
    if width < 3 or not width % 2:
        raise InputError(f"differences need an odd width of 3 frames or more; got {width}")
    padded = np.pad(features, ((reach, reach), (0, 0)), mode="edge") if len(features) else features
    slopes = np.zeros_like(features)
    for step in range(1, reach + 1):
        after = padded[reach + step : len(padded) - reach + step]
        slopes += step * (after - padded[reach - step : len(padded) - reach - step])
    slopes /= 2 * sum(step**2 for step in range(1, reach + 1))
    return slopes
