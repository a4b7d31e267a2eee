"""A sound's features as a picture over time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trichord.features.audio.describe import CEPSTRA, FORMANTS, describe
from trichord.features.audio.frames import FLOOR, Samples
from trichord.features.audio.spectral import spectrum

HOP_MS, MOST_FRAMES = 10.0, 4000
RANGE_DB = 80
PANELS = (3, 1.2, 1.2, 1.2, 1.2, 1.6)
"""Heights: spectrogram, pitch, energy, frequencies, shares, cepstra."""

Columns = Mapping[str, NDArray[np.float32]]


def draw(figure: Any, samples: Samples, rate: int) -> None:
    """Draw a spectrogram with formants, and below it pitch, energy and the rest, on a matplotlib figure.

    A long sound is drawn in steps of more than 10 ms, so that there are at most 4000.
    """
    seconds = len(samples) / rate
    hop_ms = max(HOP_MS, 1000 * seconds / MOST_FRAMES)
    described = describe(samples, rate, hop_ms=hop_ms)
    columns = dict(zip(described.names, described.values.T, strict=True))
    time = (np.arange(len(described.values)) * hop_ms + 12.5) / 1000
    axes = figure.subplots(len(PANELS), 1, sharex=True, height_ratios=PANELS)
    draw_spectrogram(axes[0], samples, rate, hop_ms, time, columns)
    draw_pitch(axes[1], time, columns)
    draw_lines(axes[2], time, columns, ("energy",), "dB")
    draw_lines(axes[3], time, columns, ("centroid", "bandwidth", "roll_off"), "Hz")
    draw_lines(axes[4], time, columns, ("flatness", "correlation", "zero_crossings"), "0 to 1")
    draw_cepstra(axes[5], seconds, columns)
    axes[5].set(xlabel="seconds", xlim=(0, seconds))


def draw_spectrogram(
    axis: Any, samples: Samples, rate: int, hop_ms: float, time: NDArray[np.float64], columns: Columns
) -> None:
    """Draw power in dB below its largest, over frequency, with the voiced frames' formants as dots."""
    levels = 20 * np.log10(np.maximum(spectrum(samples, rate, hop_ms=hop_ms).magnitudes, FLOOR**0.5))
    axis.imshow(
        levels.T, origin="lower", aspect="auto", extent=(0, len(samples) / rate, 0, rate / 2000),
        vmin=levels.max() - RANGE_DB, vmax=levels.max(), cmap="magma",
    )  # fmt: skip
    for number in range(1, FORMANTS + 1):
        formant = columns[f"formant_{number}"]
        there = (columns["pitch"] > 0) & (formant > 0)
        axis.plot(time[there], formant[there] / 1000, ".", color="#7fd1ff", markersize=1.5)
    axis.set_ylabel("kHz")


def draw_pitch(axis: Any, time: NDArray[np.float64], columns: Columns) -> None:
    """Draw the pitch where there is one, and how voiced each frame is behind it."""
    axis.plot(time, np.where(columns["pitch"] > 0, columns["pitch"], np.nan), color="#1f4e8c")
    axis.set_ylabel("pitch\nHz")
    behind = axis.twinx()
    behind.fill_between(time, columns["voicing"], color="#7a9cc6", alpha=0.3, linewidth=0)
    behind.set(ylim=(0, 1), ylabel="voicing")


def draw_lines(
    axis: Any, time: NDArray[np.float64], columns: Columns, names: tuple[str, ...], unit: str
) -> None:
    for name in names:
        axis.plot(time, columns[name], label=name.replace("_", " "), linewidth=1)
    axis.set_ylabel(unit)
    axis.legend(loc="upper left", bbox_to_anchor=(1, 1), fontsize="x-small", frameon=False)


def draw_cepstra(axis: Any, seconds: float, columns: Columns) -> None:
    """Draw the cepstra but the zeroth, each as far as it stands off its mean, in deviations."""
    cepstra = np.stack([columns[f"mfcc_{number}"] for number in range(1, CEPSTRA)])
    centred = cepstra - cepstra.mean(1, keepdims=True)
    scaled = centred / np.maximum(centred.std(1, keepdims=True), 1e-6)
    extent = (0, seconds, 0.5, CEPSTRA - 0.5)
    axis.imshow(scaled, origin="lower", aspect="auto", extent=extent, vmin=-2.5, vmax=2.5, cmap="RdBu_r")
    axis.set_ylabel("MFCC")
