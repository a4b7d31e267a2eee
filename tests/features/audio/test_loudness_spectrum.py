"""Energy, zero crossings and the shape of the spectrum, against librosa and SciPy, and by what must hold."""

from __future__ import annotations

import librosa
import numpy as np
import pytest
import scipy.signal
from hypothesis import given, settings
from hypothesis import strategies as st
from sounds import RATE, frames_in, lengths, speech_like

from trichord.features.audio import (
    bandwidth,
    centroid,
    correlation,
    energy,
    energy_db,
    flatness,
    flux,
    frame,
    loud_spans,
    normalise_energy,
    roll_off,
    spectrum,
    stft,
    window,
    without_silence,
    zero_crossings,
)

SHAPES = (centroid, bandwidth, roll_off, flatness, flux, correlation)


def tone(hz: float, amplitude: float = 0.5, seconds: float = 0.5) -> np.ndarray:
    return amplitude * np.sin(2 * np.pi * hz * np.arange(int(RATE * seconds)) / RATE + 0.3)


def test_energy_and_crossings_are_librosas():
    samples = speech_like()
    rms = librosa.feature.rms(y=samples, frame_length=400, hop_length=160, center=False)[0]
    np.testing.assert_allclose(energy(samples, RATE), rms**2, rtol=1e-5)
    crossings = librosa.feature.zero_crossing_rate(samples, frame_length=400, hop_length=160, center=False)[0]
    np.testing.assert_allclose(zero_crossings(samples, RATE), crossings, atol=1e-12)


@pytest.mark.parametrize("kind", ["hann", "hamming"])
def test_windows_are_scipys(kind):
    np.testing.assert_allclose(window(kind, 400), scipy.signal.get_window(kind, 400), atol=1e-12)


def test_the_stft_is_scipys():
    samples = speech_like().astype(np.float64)
    _, _, expected = scipy.signal.stft(
        samples, RATE, "hann", 400, 240, 512, boundary=None, padded=False, scaling="spectrum"
    )
    np.testing.assert_allclose(stft(samples, RATE), expected.T * window("hann", 400).sum(), atol=1e-9)


def test_the_shapes_are_librosas():
    of = spectrum(speech_like(), RATE)
    theirs = {"S": of.magnitudes.T, "sr": RATE}
    feature = librosa.feature
    np.testing.assert_allclose(centroid(of), feature.spectral_centroid(**theirs)[0], rtol=1e-4)
    np.testing.assert_allclose(bandwidth(of), feature.spectral_bandwidth(**theirs)[0], rtol=1e-4)
    np.testing.assert_allclose(flatness(of), feature.spectral_flatness(S=theirs["S"])[0], rtol=1e-4)
    off = np.abs(roll_off(of) - feature.spectral_rolloff(**theirs)[0])
    assert off.max() <= of.hz[1]  # a sum that falls on a bin's edge may round to either side
    assert off.mean() < 0.5


def test_flux_and_correlation_follow_their_definitions():
    of = spectrum(speech_like(0.2).astype(np.float64), RATE)
    now, before = of.magnitudes[1:], of.magnitudes[:-1]
    np.testing.assert_allclose(flux(of)[1:], np.linalg.norm(now - before, axis=1))
    cosines = (now * before).sum(1) / np.linalg.norm(now, axis=1) / np.linalg.norm(before, axis=1)
    np.testing.assert_allclose(correlation(of)[1:], cosines)
    assert (flux(of)[0], correlation(of)[0]) == (0, 1)


@settings(max_examples=30, deadline=None)
@given(lengths(), st.booleans())
def test_one_finite_number_a_frame(time, silent):
    samples = np.random.default_rng(time).uniform(-1, 1, time).astype(np.float32) * (not silent)
    count = frames_in(time)
    assert frame(samples, RATE).shape == (count, 400)
    of = spectrum(samples, RATE)
    by_sample = [feature(samples, RATE) for feature in (energy, energy_db, zero_crossings)]
    for values in (*by_sample, *(feature(of) for feature in SHAPES)):
        assert values.shape == (count,)
        assert np.isfinite(values).all()
    for share in (zero_crossings(samples, RATE), flatness(of), correlation(of)):
        assert ((share >= 0) & (share <= 1)).all()


@settings(max_examples=20, deadline=None)
@given(st.floats(0.01, 10))
def test_gains_move_energy_and_flux_and_no_shape(gain):
    samples = speech_like(0.2).astype(np.float64)
    of, louder = spectrum(samples, RATE), spectrum(samples * gain, RATE)
    np.testing.assert_allclose(energy(samples * gain, RATE), energy(samples, RATE) * gain**2)
    np.testing.assert_allclose(flux(louder), flux(of) * gain)
    for feature in (centroid, bandwidth, correlation):
        np.testing.assert_allclose(feature(louder), feature(of), rtol=1e-6)
    np.testing.assert_array_equal(zero_crossings(samples * gain, RATE), zero_crossings(samples, RATE))


@settings(max_examples=20, deadline=None)
@given(st.floats(300, 7000))
def test_a_tone_is_where_it_is(hz):
    of = spectrum(tone(hz), RATE)
    np.testing.assert_allclose(centroid(of), hz, atol=40)
    np.testing.assert_allclose(roll_off(of), hz, atol=50)
    np.testing.assert_allclose(zero_crossings(tone(hz), RATE), 2 * hz / RATE, atol=0.006)  # two of 400
    np.testing.assert_allclose(energy_db(tone(hz), RATE), 10 * np.log10(0.125), atol=0.2)
    assert flatness(of).max() < 0.01


def test_noise_is_flat_and_wide():
    of = spectrum(np.random.default_rng(0).normal(0, 0.1, RATE), RATE)
    assert flatness(of).mean() == pytest.approx(np.exp(-np.euler_gamma), abs=0.03)
    assert centroid(of).mean() == pytest.approx(4000, abs=100)


def test_normalising_gives_the_level_and_leaves_silence():
    level = energy_db(normalise_energy(tone(500) * 0.01, level_db=-20), RATE)
    np.testing.assert_allclose(level, -20, atol=0.1)
    silence = np.zeros(100, np.float32)
    np.testing.assert_array_equal(normalise_energy(silence), silence)
    assert normalise_energy(silence[:0]).shape == (0,)
    assert normalise_energy(speech_like(0.1)).dtype == np.float32


def test_what_is_left_is_what_librosa_finds_not_to_be_silent():
    rng = np.random.default_rng(0)
    bursts = [scale * rng.normal(size=800) for scale in (1, 1e-5, 0.5, 1e-5, 1e-5, 0.1)]
    samples = np.concatenate(bursts).astype(np.float32)
    stretches = librosa.effects.split(samples, top_db=60, frame_length=400, hop_length=400)
    found = np.concatenate([samples[start:end] for start, end in stretches])
    left = without_silence(samples, RATE)
    assert abs(len(left) - len(found)) <= 800  # its frames lie about their places, ours behind them
    np.testing.assert_array_equal(left, np.concatenate([bursts[0], bursts[2], bursts[5]]).astype(np.float32))


@given(blocks=st.integers(0, 4), more=st.integers(0, 399), below=st.floats(1, 90))
def test_steady_sound_and_silence_stay_as_they_are(blocks, more, below):
    for samples in (np.zeros(400 * blocks + more), np.tile([0.5, -0.5], 200 * blocks + more // 2)):
        np.testing.assert_array_equal(without_silence(samples, RATE, below_db=below), samples)


@pytest.mark.parametrize("rate", [8_000, 11_025, 16_000])
def test_a_voice_speaks_where_it_is_loud(rate):
    rng = np.random.default_rng(0)
    spoken = [(0.5, 1.2), (1.35, 2.0), (9.0, 9.6)]
    time = np.arange(10 * rate) / rate
    samples = 0.0005 * rng.standard_normal(len(time))
    for begin, end in spoken:
        inside = (time >= begin) & (time < end)
        samples[inside] += 0.1 * rng.standard_normal(inside.sum())
    found = loud_spans(samples.astype(np.float32), rate)
    np.testing.assert_allclose(found, [(0.5, 2.0), (9.0, 9.6)], atol=0.03)
    assert len(loud_spans(samples.astype(np.float32), rate, pause=0.1)) == 3
    assert loud_spans(samples.astype(np.float32), rate, shortest=1.0) == [found[0]]


def test_a_short_word_in_much_silence_is_all_that_is_loud():
    samples = np.zeros(4 * RATE, np.float32)
    samples[RATE : RATE + RATE // 10] = 0.3
    np.testing.assert_allclose(loud_spans(samples, RATE), [(1.0, 1.1)], atol=0.03)
    assert loud_spans(np.zeros(RATE, np.float32), RATE) == []
    assert loud_spans(np.zeros(0, np.float32), RATE) == []
    assert loud_spans(samples, RATE, below_db=-10.0, shortest=0) != []
