from __future__ import annotations

import numpy as np
import pytest

from trichord.clip import Audio, Video


@pytest.fixture(scope="session")
def sweep() -> Audio:
    """Twelve seconds in which no two moments sound alike."""
    time = np.arange(12 * 16000) / 16000
    return Audio(0.4 * np.sin(2 * np.pi * (150 + 40 * time) * time), 16000)


@pytest.fixture(scope="session")
def counting() -> Video:
    """Two seconds whose frames tell their number by their brightness; the left half is red."""
    frames = np.zeros((50, 64, 96, 3), np.uint8)
    frames += (np.arange(50) * 4 + 20).astype(np.uint8)[:, None, None, None]
    frames[:, :, :48, 1:] = 0
    return Video(frames, 25.0)
