"""Pitch, linear prediction and formants of sounds whose own are known."""

from __future__ import annotations

import librosa
import numpy as np
import pytest
import scipy.linalg
from hypothesis import given, settings
from hypothesis import strategies as st
from sounds import RATE, frames_in, lengths, speech_like, vowel

from trichord.errors import InputError
from trichord.features.audio import energy, enhance_formants, formants, frame, lpc, pitch, window


@settings(max_examples=15, deadline=None)
@given(st.floats(75, 380), st.floats(0.01, 1))
def test_the_pitch_of_a_voice_is_found(hz, gain):
    time = np.arange(RATE // 2) / RATE
    voice = gain * sum(np.sin(2 * np.pi * k * hz * time) / k for k in range(1, 8))
    found = pitch(voice, RATE)
    np.testing.assert_allclose(found.hz, hz, rtol=0.005)
    assert found.voicing.min() > 0.95


def test_the_pitch_is_librosas():
    time = np.arange(2 * RATE) / RATE
    phase = 2 * np.pi * np.cumsum(140 + 50 * np.sin(np.pi * time)) / RATE
    voice = np.float32(0.1) * sum(np.sin(k * phase) / k for k in range(1, 9)).astype(np.float32)
    theirs = librosa.yin(voice, fmin=60, fmax=400, sr=RATE, frame_length=800, hop_length=160, center=False)
    assert np.median(np.abs(pitch(voice, RATE).hz / theirs - 1)) < 0.005


def test_noise_and_silence_are_unvoiced():
    noise = pitch(np.random.default_rng(0).normal(0, 0.1, RATE), RATE)
    assert not noise.hz.any()
    assert noise.voicing.max() < 0.5
    silence = pitch(np.zeros(RATE, np.float32), RATE)
    assert not silence.hz.any()
    assert not silence.voicing.any()


def test_the_difference_is_yins():
    """Of one frame, by its definition: sums of squared differences over a stretch of fixed length."""
    from trichord.features.audio.pitch import normalised_difference

    (one,) = frames = vowel()[None, 1000:1800].astype(np.float64)
    lags, compared = 267, 800 - 267
    difference = np.array(
        [((one[:compared] - one[lag : lag + compared]) ** 2).sum() for lag in range(lags + 1)]
    )
    expected = difference[1:] * np.arange(1, lags + 1) / np.cumsum(difference[1:])
    np.testing.assert_allclose(normalised_difference(frames, lags)[0, 1:], expected, atol=1e-9)


def test_lpc_solves_the_normal_equations():
    samples = speech_like(0.1).astype(np.float64)
    got = lpc(samples, RATE, order=12, preemphasis=0)
    for part, predictor in zip(frame(samples, RATE) * window("hamming", 400), got, strict=True):
        r = np.correlate(part, part, "full")[399:412]
        r[0] *= 1 + 1e-9
        expected = scipy.linalg.solve_toeplitz(r[:-1], -r[1:])
        np.testing.assert_allclose(predictor, [1, *expected], atol=1e-5)


def test_predictors_are_stable():
    for predictor in lpc(vowel(), RATE):
        assert np.abs(np.roots(predictor)).max() < 1


@pytest.mark.parametrize(
    "resonances", [((700, 80), (1220, 90), (2600, 120)), ((300, 60), (2300, 100), (3000, 120))]
)
def test_formants_are_where_they_were_put(resonances):
    found = formants(vowel(100, resonances), RATE)
    np.testing.assert_allclose(np.median(found.hz, 0), [hz for hz, _ in resonances], rtol=0.06)
    np.testing.assert_allclose(np.median(found.bandwidths, 0), [width for _, width in resonances], atol=60)


@settings(max_examples=20, deadline=None)
@given(lengths(), st.booleans())
def test_frames_of_any_sound_are_finite(time, silent):
    samples = np.random.default_rng(time).uniform(-1, 1, time).astype(np.float32) * (not silent)
    found, contour = formants(samples, RATE, count=4), pitch(samples, RATE)
    assert found.hz.shape == found.bandwidths.shape == (frames_in(time), 4)
    assert contour.hz.shape == contour.voicing.shape == (frames_in(time, 800),)
    assert lpc(samples, RATE).shape == (frames_in(time), 19)
    for values in (*found, *contour, lpc(samples, RATE)):
        assert np.isfinite(values).all()
    rising = np.where(found.hz > 0, found.hz, 1e9)
    assert (np.diff(rising, axis=1) >= 0).all()


def test_enhancing_raises_formants_over_the_valleys_and_keeps_the_energy():
    before = vowel()
    after = enhance_formants(before, RATE)
    np.testing.assert_allclose(energy(after, RATE).mean(), energy(before, RATE).mean(), rtol=0.1)
    hz = np.fft.rfftfreq(len(before), 1 / RATE)
    peak, valley = np.abs(hz - 700) < 60, np.abs(hz - 1900) < 100

    def contrast(samples: np.ndarray) -> float:
        power = np.abs(np.fft.rfft(samples)) ** 2
        return 10 * np.log10(power[peak].sum() / power[valley].sum())

    assert contrast(after) > contrast(before) + 3
    np.testing.assert_allclose(enhance_formants(before, RATE, poles=0.5, zeros=0.5), before, atol=1e-5)


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (lambda x: pitch(x, RATE, window_ms=20), "two periods"),
        (lambda x: pitch(x, RATE, low_hz=500), "low_hz below high_hz"),
        (lambda x: lpc(x, RATE, order=400), "1 to 399 here; got 400"),
        (lambda x: formants(x, RATE, count=6), "order 12 or more; got 10"),
        (lambda x: enhance_formants(x, RATE, poles=0.4), "zeros <= poles"),
    ],
)
def test_mistakes_are_named(wrong, says):
    with pytest.raises(InputError, match=says):
        wrong(speech_like(0.1))
