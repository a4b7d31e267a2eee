"""How strong the noise is in each bin, found beneath the speech that lies over it."""

from __future__ import annotations

import numpy as np

from trichord.features.audio.frames import Matrix, Rows

LEAST = 1e-12  # of power, so that silence divides

QUANTILE = 0.3
"""Of a bin's power over time: noise reaches it, and speech seldom fills a bin for longer."""

SMOOTHING, PRESENCE, TRACKING = 0.8, 0.2, 0.95  # MCRA's constants at steps of 8 ms
PEAK = 5.0  # how far above its minimum speech stands
MEMORY = 125  # steps, 1 s, after which a minimum is forgotten


def steady_noise(powers: Rows) -> Matrix:
    """Return the power of noise that does not change `(1, bins)`, from `powers (frames, bins)`.

    A low quantile over time (Stahl, Fischer and Bippus, Quantile based noise estimation for spectral
    subtraction and Wiener filtering, 2000), raised to the mean of the exponential distribution that it
    belongs to, which is that of Gaussian noise.
    """
    noise: Matrix = np.quantile(powers, QUANTILE, axis=0, keepdims=True) / -np.log(1 - QUANTILE)
    return np.maximum(noise, LEAST)


def tracked_noise(powers: Rows) -> Matrix:
    """Return the power of noise that may change `(frames, bins)`, from `powers (frames, bins)`, 8 ms apart.

    Minima-controlled recursive averaging: the noise is averaged on where the power stands near its least of
    the last second or two (Cohen and Berdugo, Noise estimation by minima controlled recursive averaging for
    robust speech enhancement, 2002). It begins with `steady_noise`.
    """
    local = smoothed_over_bins(powers.astype(np.float64))
    noise, found = steady_noise(powers)[0], np.empty(powers.shape)
    smooth = local[0]
    least = recent = np.minimum(smooth, noise)  # the sound may begin with speech
    presence = np.zeros(powers.shape[1])
    for step, power in enumerate(powers):
        smooth = SMOOTHING * smooth + (1 - SMOOTHING) * local[step]
        least, recent = np.minimum(least, smooth), np.minimum(recent, smooth)
        if step % MEMORY == MEMORY - 1:
            least, recent = np.minimum(recent, smooth), smooth
        presence = PRESENCE * presence + (1 - PRESENCE) * (smooth > PEAK * least)
        kept = TRACKING + (1 - TRACKING) * presence
        noise = kept * noise + (1 - kept) * power
        found[step] = noise
    return np.maximum(found, LEAST, out=found)


def smoothed_over_bins(powers: Matrix) -> Matrix:
    """Return the powers averaged with their neighbours in frequency, by 1/4, 1/2 and 1/4."""
    padded = np.pad(powers, ((0, 0), (1, 1)), mode="edge")
    return padded[:, :-2] / 4 + padded[:, 1:-1] / 2 + padded[:, 2:] / 4
