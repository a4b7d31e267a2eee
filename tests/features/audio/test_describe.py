"""Every feature side by side, and as a picture."""

from __future__ import annotations

import importlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.figure import Figure
from sounds import RATE, frames_in, lengths, speech_like, vowel

from trichord.features import audio
from trichord.features.audio import UNITS, describe, energy_db, formants, mfcc, pitch, plp, summary
from trichord.features.audio.picture import draw

module = importlib.import_module("trichord.features.audio.describe")


def test_columns_are_the_features():
    samples = np.concatenate([vowel(), speech_like()])
    values, names = describe(samples, RATE)
    columns = dict(zip(names, values.T, strict=True))
    np.testing.assert_allclose(columns["energy"], energy_db(samples, RATE), rtol=1e-5)
    np.testing.assert_allclose(columns["mfcc_3"], mfcc(samples, RATE)[:, 3], atol=1e-4)
    np.testing.assert_allclose(columns["plp_0"], plp(samples, RATE)[:, 0], atol=1e-4)
    np.testing.assert_allclose(columns["formant_2"], formants(samples, RATE).hz[:, 1], rtol=1e-5)
    about = pitch(np.pad(samples, 200), RATE).hz  # 50 ms about the same centres
    np.testing.assert_allclose(columns["pitch"], about, rtol=1e-5)


@settings(max_examples=20, deadline=None)
@given(lengths(), st.booleans(), st.sampled_from([8000, 16_000, 44_100]))
def test_any_sound_is_described(time, silent, rate):
    samples = np.random.default_rng(time).uniform(-1, 1, time).astype(np.float32) * (not silent)
    values, names = describe(samples, rate)
    assert values.shape == (frames_in(time, round(0.025 * rate), rate // 100), len(UNITS))
    assert values.dtype == np.float32
    assert names == tuple(UNITS)
    assert np.isfinite(values).all()


@pytest.mark.parametrize("section", [7, 50])
def test_sections_are_what_the_whole_is(monkeypatch, section):
    samples = np.concatenate([vowel(), speech_like()]).astype(np.float64)
    whole = describe(samples, RATE).values
    monkeypatch.setattr(module, "SECTION", section)
    np.testing.assert_allclose(describe(samples, RATE).values, whole, rtol=1e-5, atol=1e-4)


def test_a_summary_is_of_the_frames_that_have_a_pitch():
    found = summary(describe(np.concatenate([np.zeros(RATE, np.float32), vowel(125)]), RATE))
    assert found["pitch"][0] == pytest.approx(125, rel=0.02)
    assert found["energy"][0] < -40
    silent = summary(describe(np.zeros(RATE, np.float32), RATE))
    assert np.isnan(silent["pitch"]).all()
    assert silent["energy"] == pytest.approx((-100, 0), abs=1e-3)


@pytest.mark.parametrize("samples", [vowel(), np.zeros(100, np.float32)])
def test_a_picture_shows_all_panels(samples):
    figure = Figure(layout="constrained")
    draw(figure, samples, RATE)
    assert {axis.get_ylabel() for axis in figure.axes} >= {"kHz", "pitch\nHz", "voicing", "dB", "Hz", "MFCC"}


def test_the_names_are_sorted_and_exist():
    assert list(audio.__all__) == sorted(audio.__all__)
    assert all(hasattr(audio, name) for name in audio.__all__)
