"""Filters, against SciPy's, and what the denoisers leave of noise and of speech."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.signal
from hypothesis import given, settings
from hypothesis import strategies as st
from sounds import RATE, lengths, speech_like, vowel

from trichord.errors import InputError, MissingError
from trichord.features.audio import DENOISERS, band_pass, denoise, high_pass, low_pass
from trichord.features.audio.noise_power import steady_noise, tracked_noise
from trichord.features.audio.reshape import reshaped
from trichord.prepare.noise import mix, white

CUTOFFS = {"lowpass": 1000.0, "highpass": 80.0, "bandpass": (300.0, 3400.0)}
FILTERS = {
    "lowpass": lambda x, **how: low_pass(x, RATE, 1000, **how),
    "highpass": lambda x, **how: high_pass(x, RATE, 80, **how),
    "bandpass": lambda x, **how: band_pass(x, RATE, 300, 3400, **how),
}


@pytest.mark.parametrize("kind", FILTERS)
@pytest.mark.parametrize("order", [1, 4])
def test_filters_are_scipys(kind, order):
    samples = np.random.default_rng(0).normal(0, 0.1, 60_000)  # more than one block
    sections = scipy.signal.butter(order, CUTOFFS[kind], kind, fs=RATE, output="sos")
    inside = slice(5000, -5000)  # away from ends, which are continued differently
    expected = scipy.signal.sosfiltfilt(sections, samples)
    np.testing.assert_allclose(FILTERS[kind](samples, order=order)[inside], expected[inside], atol=1e-6)
    causal = FILTERS[kind](samples, order=order, zero_phase=False)
    np.testing.assert_allclose(causal, scipy.signal.sosfilt(sections, samples), atol=1e-12)


@pytest.mark.parametrize("kind", FILTERS)
def test_filters_keep_what_they_pass(kind):
    time = np.arange(RATE) / RATE
    passed, stopped = {"lowpass": (200, 4000), "highpass": (500, 10), "bandpass": (1000, 50)}[kind]
    keep, drop = (np.sin(2 * np.pi * hz * time).astype(np.float32) for hz in (passed, stopped))
    got = FILTERS[kind](keep + drop)
    assert got.dtype == np.float32
    np.testing.assert_allclose(got[2000:-2000], keep[2000:-2000], atol=0.01)


@settings(max_examples=30, deadline=None)
@given(lengths(), st.booleans())
def test_any_sound_keeps_its_length_and_silence_stays(time, silent):
    samples = np.random.default_rng(time).uniform(-1, 1, time).astype(np.float32) * (not silent)
    changed = [run(samples) for run in FILTERS.values()] + [
        denoise(samples, RATE, kind) for kind in DENOISERS
    ]
    for result in changed:
        assert result.shape == samples.shape
        assert result.dtype == np.float32
        assert np.isfinite(result).all()
        assert result.any() or not samples.any() or time < 3
        assert not (silent and result.any())


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 3000), st.sampled_from([8000, 11_025, 16_000, 44_100]))
def test_gains_of_one_change_nothing(time, rate):
    samples = np.random.default_rng(time).uniform(-1, 1, time)
    np.testing.assert_allclose(reshaped(samples, rate, np.ones_like), samples, atol=1e-12)


@pytest.mark.parametrize("kind", DENOISERS)
@pytest.mark.parametrize("snr_db", [0, 10])
def test_denoising_raises_the_ratio(kind, snr_db):
    pause = np.zeros(RATE // 2, np.float32)
    speech = np.concatenate([pause, vowel(120), pause, vowel(180), pause])
    noisy = mix(speech, white(len(speech), np.random.default_rng(0)), snr_db)
    assert ratio_db(denoise(noisy, RATE, kind), speech) > ratio_db(noisy, speech) + 4


@pytest.mark.parametrize("kind", DENOISERS)
def test_denoising_is_blind_to_the_level(kind):
    samples = mix(vowel(), white(RATE, np.random.default_rng(0)), 5).astype(np.float64)
    np.testing.assert_allclose(
        denoise(samples * 0.1, RATE, kind), denoise(samples, RATE, kind) * 0.1, atol=1e-7
    )


def ratio_db(got: np.ndarray, clean: np.ndarray) -> float:
    """Of what is the speech in `got`, at any gain, over what is not (SI-SDR)."""
    got, clean = got.astype(np.float64), clean.astype(np.float64)
    target = clean * (got @ clean) / (clean @ clean)
    return float(10 * np.log10((target @ target) / ((got - target) @ (got - target))))


def test_noise_is_found_beneath_bursts():
    rng = np.random.default_rng(0)
    powers = rng.exponential(2.0, (1000, 5))
    powers[::4] += 1000
    np.testing.assert_allclose(steady_noise(powers), 2, rtol=0.6)
    louder = np.concatenate([rng.exponential(1.0, (1000, 40)), rng.exponential(10.0, (1000, 40))])
    tracked = tracked_noise(louder)
    assert np.median(tracked[900:1000]) == pytest.approx(1, rel=0.3)
    assert np.median(tracked[-300:]) == pytest.approx(10, rel=0.3)


def test_filters_that_run_forwards_need_scipy(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "scipy.signal", None)
    low_pass(speech_like(0.1), RATE, 1000)
    with pytest.raises(MissingError, match="extra 'train'"):
        low_pass(speech_like(0.1), RATE, 1000, zero_phase=False)


@pytest.mark.parametrize(
    "wrong",
    [
        lambda x: low_pass(x, RATE, 8000),
        lambda x: high_pass(x, RATE, 0),
        lambda x: band_pass(x, RATE, 3400, 300),
        lambda x: band_pass(x, RATE, 300, 3400, order=0),
    ],
)
def test_filters_that_do_not_fit_are_refused(wrong):
    with pytest.raises(InputError, match="doesn't fit sound of 16000 Hz"):
        wrong(speech_like(0.1))
