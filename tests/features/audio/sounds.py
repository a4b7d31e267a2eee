"""Sounds to measure, made on the spot."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st
from scipy.signal import lfilter

RATE = 16_000


def speech_like(seconds: float = 1.0, seed: int = 0) -> np.ndarray:
    """A gliding tone in noise, float32 within ±1."""
    time = np.arange(int(seconds * RATE)) / RATE
    noise = np.random.default_rng(seed).normal(0, 0.05, len(time))
    return (0.3 * np.sin(2 * np.pi * (200 + 900 * time) * time) + noise).astype(np.float32)


OPEN = ((700, 80), (1220, 90), (2600, 120))
"""The formants of an open vowel, frequencies and bandwidths in Hz."""


def vowel(pitch: float = 110, resonances: tuple[tuple[float, float], ...] = OPEN) -> np.ndarray:
    """A second of pulses through resonances, and through the lips' slope."""
    train = np.zeros(RATE)
    train[np.round(np.arange(0, len(train) - 1, RATE / pitch)).astype(int)] = 1
    for hz, width in resonances:
        radius = np.exp(-np.pi * width / RATE)
        train = lfilter([1], [1, -2 * radius * np.cos(2 * np.pi * hz / RATE), radius**2], train)
    sound = lfilter([1], [1, -0.95], train)
    return (sound / np.abs(sound).max() / 2).astype(np.float32)


def lengths() -> st.SearchStrategy[int]:
    """None, less than a window, about a window, more."""
    return st.one_of(st.integers(0, 3), st.integers(395, 405), st.integers(0, 3000))


def frames_in(time: int, window: int = 400, hop: int = 160) -> int:
    return 0 if time == 0 else 1 + max(0, time - window) // hop
