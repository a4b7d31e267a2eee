"""What the samples of a frame tell without a Fourier transform: how loud, and how often they cross zero."""

from __future__ import annotations

from math import gcd

import numpy as np

from trichord.features.audio.frames import FLOOR, Matrix, Rows, Samples, frame, mono, sizes


def energy(samples: Samples, rate: int, *, window_ms: float = 25, hop_ms: float = 10) -> Rows:
    """Return the short-time energy `(frames,)`: the mean of a frame's squared samples, its power per sample.

    A sine at full scale has 0.5. Its root is librosa's rms (center=False).
    """
    length, hop = sizes(rate, window_ms, hop_ms)
    if len(samples) <= length:
        few: Rows = np.square(frame(samples, rate, window_ms=window_ms, hop_ms=hop_ms)).mean(1)
        return few
    step = gcd(length, hop)  # frames that overlap share its sums
    parts = mono(samples)[: len(samples) // step * step].reshape(-1, step)
    sums = np.lib.stride_tricks.sliding_window_view(np.einsum("pt,pt->p", parts, parts), length // step)
    powers: Rows = sums[:: hop // step].sum(1) / samples.dtype.type(length)
    return powers


def energy_db(samples: Samples, rate: int, *, window_ms: float = 25, hop_ms: float = 10) -> Rows:
    """Return `energy` in dB of a constant 1 `(frames,)`, floored at -100 dB; a sine at full scale has -3."""
    levels: Rows = 10 * np.log10(np.maximum(energy(samples, rate, window_ms=window_ms, hop_ms=hop_ms), FLOOR))
    return levels


def zero_crossings(samples: Samples, rate: int, *, window_ms: float = 25, hop_ms: float = 10) -> Matrix:
    """Return how many zero crossings there are per sample, 0 to 1, `(frames,)`.

    A crossing is a sample on the other side of zero than the one before it in the frame; zero is positive.
    A sine of f Hz has 2 f / rate. It is librosa's zero_crossing_rate (center=False).
    """
    frames = frame(samples, rate, window_ms=window_ms, hop_ms=hop_ms)
    if not len(frames):
        return np.zeros(0)
    length, hop = sizes(rate, window_ms, hop_ms)
    negative = np.pad(samples, (0, max(0, length - len(samples)))) < 0
    crossed = np.zeros(len(negative), np.int64)  # up to and with each sample
    np.cumsum(negative[1:] != negative[:-1], out=crossed[1:])
    starts = np.arange(len(frames)) * hop
    rates: Matrix = (crossed[starts + length - 1] - crossed[starts]) / length
    return rates


def normalise_energy(samples: Samples, *, level_db: float = -26.0) -> Samples:
    """Return the samples `(time,)` scaled to a mean power of `level_db`, in dB of a constant 1.

    Silence stays. Speech at -26 dB seldom clips (ITU-T P.56 names this level); nothing is clipped here.
    """
    power = float(np.mean(np.square(mono(samples), dtype=np.float64))) if len(samples) else 0.0
    gain = np.sqrt(10 ** (level_db / 10) / power) if power else 1.0
    return samples * samples.dtype.type(gain)


def without_silence(samples: Samples, rate: int, *, below_db: float = 60.0) -> Samples:
    """Return the samples `(time,)` less the blocks of 25 ms that lie `below_db` under the loudest one.

    What is left is joined without a seam; librosa's effects.split finds the same stretches, by frames that
    overlap. Nothing is taken from silence, nor from sound shorter than a block.
    """
    length, _ = sizes(rate, 25, 25)
    blocks = mono(samples)[: len(samples) // length * length].reshape(-1, length)
    powers = np.einsum("bt,bt->b", blocks, blocks, dtype=np.float64)
    if not powers.any():
        return samples
    heard = powers >= powers.max() * 10 ** (-below_db / 10)
    return np.concatenate([blocks[heard].ravel(), samples[len(heard) * length :]])


def loud_spans(
    samples: Samples, rate: int, *, below_db: float = 32.0, pause: float = 0.3, shortest: float = 0.1
) -> list[tuple[float, float]]:
    """Return where a voice speaks in a recording of it alone, from and to in seconds, by loudness.

    A frame of 25 ms is loud that lies less than `below_db` under the loud ones (the 95th percentile of what
    is audible), and above the quiet ones (the 3rd) by three tenths of what lies between, where that is 12 dB
    or more.
    pause: seconds; a shorter one parts nothing. shortest: seconds; what is shorter is left out.
    """
    levels = energy_db(samples, rate)
    audible = levels > 10 * np.log10(FLOOR)
    if not audible.any():
        return []
    loud, quiet = np.percentile(levels[audible], 95), np.percentile(levels, 3)
    between = 0.3 * (loud - quiet) if loud - quiet >= 12 else 0.0
    places = np.flatnonzero(audible & (levels >= min(loud, max(loud - below_db, quiet + between))))
    window, hop = (size / rate for size in sizes(rate, 25, 10))
    parted = np.flatnonzero(np.diff(places) * hop > pause)
    begins, ends = places[np.append(0, parted + 1)] * hop, places[np.append(parted, -1)] * hop + window
    spans = [
        (float(begin), min(float(end), len(samples) / rate)) for begin, end in zip(begins, ends, strict=True)
    ]
    return [span for span in spans if span[1] - span[0] >= shortest]
