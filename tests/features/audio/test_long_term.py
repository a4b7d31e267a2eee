"""Tests of long-term spectra, and of sound brought to another one."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trichord.features.audio import equalised, long_term_spectrum
from trichord.features.audio.long_term import BANDS

RATE = 8000


def noise(seconds: float = 2.0, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, 0.1, round(RATE * seconds)).astype(np.float32)


def test_a_spectrum_is_shares_of_the_power_whatever_the_level() -> None:
    tone = np.sin(np.arange(2 * RATE) * 2 * np.pi * 1000 / RATE).astype(np.float32)
    spectrum = long_term_spectrum(tone, RATE)
    assert spectrum.shape == (BANDS,)
    assert np.ptp(spectrum.argsort()[-2:]) == 1
    assert (10 ** (spectrum / 10)).max() > 0.5
    assert spectrum.min() == pytest.approx(-60)
    np.testing.assert_allclose(spectrum, long_term_spectrum(tone / 100, RATE), atol=0.01)
    assert (10 ** (long_term_spectrum(noise(), RATE) / 10)).sum() == pytest.approx(1, abs=1e-3)


@pytest.mark.parametrize("samples", [np.zeros(0, np.float32), np.zeros(RATE, np.float32)])
def test_silence_has_no_spectrum(samples: np.ndarray) -> None:
    assert long_term_spectrum(samples, RATE).shape == (0,)
    assert equalised(samples, RATE, np.ones(BANDS)).shape == samples.shape


@settings(max_examples=20, deadline=None)
@given(gain=st.floats(-15, 15), tilt=st.floats(-10, 10), seed=st.integers(0, 99))
def test_equalising_changes_the_spectrum_by_its_gains(gain: float, tilt: float, seed: int) -> None:
    sound, gains = noise(seed=seed), gain + np.linspace(-tilt, tilt, BANDS)
    changed = equalised(sound, RATE, gains)
    assert (changed.dtype, changed.shape) == (sound.dtype, sound.shape)
    moved = long_term_spectrum(changed, RATE) - long_term_spectrum(sound, RATE)
    np.testing.assert_allclose(moved - moved.mean(), gains - gains.mean(), atol=0.7)


def test_one_gain_for_all_bands_is_a_gain() -> None:
    np.testing.assert_allclose(equalised(noise(), RATE, np.full(BANDS, 6.0)), noise() * 10**0.3, atol=1e-5)
