"""Bands and cepstra, against librosa, Kaldi, SciPy and the front ends that are trained with."""

from __future__ import annotations

import kaldi_native_fbank
import librosa
import numpy as np
import pytest
import scipy.fft
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sounds import RATE, frames_in, lengths, speech_like

from trichord.errors import InputError
from trichord.features.audio import band_powers, deltas, filter_bank, log_mel, mfcc, plp
from trichord.features.audio.cepstral import cosine_transform
from trichord.learning.encoders.front_ends.front_end import FrontEnd
from trichord.learning.encoders.front_ends.logmel import LogMel, alone
from trichord.learning.encoders.front_ends.mfcc import Mfcc
from trichord.prepare.preparation import InputSpec

KALDI = {"window": "povey", "scale": "kaldi"}


def front_end(front: FrontEnd, samples: np.ndarray) -> np.ndarray:
    front.build(InputSpec("samples", float(RATE)))
    with torch.no_grad():
        return front(*alone(samples)).values[0].numpy()


def run_kaldi(computer: object, samples: np.ndarray) -> np.ndarray:
    computer.accept_waveform(RATE, samples)
    computer.input_finished()
    return np.stack([computer.get_frame(index) for index in range(computer.num_frames_ready)])


@pytest.mark.parametrize("options", [{}, KALDI, {"scale": "slaney", "equal_area": True}, {"scale": "linear"}])
def test_log_mel_is_the_front_ends(options):
    expected = front_end(LogMel(normalise=False, **options), speech_like())
    np.testing.assert_allclose(log_mel(speech_like(), RATE, **options), expected, atol=5e-3)


def test_mfcc_is_the_front_ends():
    expected = front_end(Mfcc(bands=26, deltas=False, normalise=False), speech_like())
    np.testing.assert_allclose(mfcc(speech_like(), RATE), expected, atol=5e-3)


@pytest.mark.parametrize(("norm", "scale"), [(None, "htk"), ("slaney", "slaney"), (None, "slaney")])
def test_filters_are_librosas(norm, scale):
    expected = librosa.filters.mel(
        sr=RATE, n_fft=512, n_mels=40, fmin=20, fmax=7600, htk=scale == "htk", norm=norm
    )
    got = filter_bank(40, 512, RATE, 20, 7600, scale, equal_area=norm == "slaney")
    np.testing.assert_allclose(got, expected, atol=1e-6)


def test_linear_bands_are_evenly_spaced_and_add_up():
    filters = filter_bank(20, 512, RATE, 0, 8000, "linear", equal_area=False)
    np.testing.assert_allclose(np.diff(filters.argmax(1)), 12, atol=1)
    inner = filters[:, 14:244]  # between the first and the last centre
    np.testing.assert_allclose(inner.sum(0), 1, atol=1e-12)


def test_mfcc_is_kaldis():
    options = kaldi_native_fbank.MfccOptions()
    options.frame_opts.dither = 0
    options.use_energy = False
    expected = run_kaldi(kaldi_native_fbank.OnlineMfcc(options), speech_like())
    np.testing.assert_allclose(mfcc(speech_like(), RATE, bands=23, **KALDI), expected, atol=2e-2)


def test_log_mel_is_kaldis():
    options = kaldi_native_fbank.FbankOptions()
    options.frame_opts.dither = 0
    options.mel_opts.num_bins = 80
    expected = run_kaldi(kaldi_native_fbank.OnlineFbank(options), speech_like())
    np.testing.assert_allclose(log_mel(speech_like(), RATE, **KALDI), expected, atol=5e-3)


def test_the_cosine_transform_is_scipys():
    values = np.random.default_rng(0).normal(size=(5, 26))
    np.testing.assert_allclose(
        values @ cosine_transform(13, 26).T, scipy.fft.dct(values, norm="ortho")[:, :13]
    )


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 40), st.sampled_from([3, 5, 9]))
def test_deltas_are_librosas(frames, width):
    features = np.random.default_rng(frames).normal(size=(frames, 3))
    expected = librosa.feature.delta(features.T, width=width, mode="nearest").T
    np.testing.assert_allclose(deltas(features, width=width), expected, atol=1e-12)


def test_plp_follows_its_definition():
    """Step by step in float64 for one frame, the model solved as a linear system."""
    samples = speech_like(0.025).astype(np.float64)
    (got,) = plp(samples, RATE, cepstral_lifter=0)
    (powers,) = band_powers(samples, RATE, bands=23, scale="kaldi")
    mel = np.linspace(1127 * np.log1p(20 / 700), 1127 * np.log1p(8000 / 700), 25)[1:-1]
    squares = (700 * np.expm1(mel / 1127)) ** 2
    loud = (squares / (squares + 1.6e5)) ** 2 * (squares + 1.44e6) / (squares + 9.61e6)
    heard = np.pad((powers * loud) ** (1 / 3), 1, mode="edge")
    r = np.fft.irfft(heard)[:13]
    system = r[np.abs(np.subtract.outer(np.arange(12), np.arange(12)))]
    a = np.concatenate([[1], np.linalg.solve(system, -r[1:])])
    spectrum = (a @ r) / np.abs(np.fft.rfft(a, 4096)) ** 2
    expected = np.fft.irfft(np.log(spectrum))[:13]
    np.testing.assert_allclose(got, expected, atol=1e-6)


@settings(max_examples=30, deadline=None)
@given(lengths(), st.sampled_from([np.float32, np.float64]), st.booleans())
def test_frames_of_any_sound_are_finite(time, dtype, silent):
    samples = (np.zeros(time) if silent else np.random.default_rng(time).uniform(-1, 1, time)).astype(dtype)
    for feature, width in ((log_mel, 80), (mfcc, 13), (plp, 13)):
        values = feature(samples, RATE)
        assert values.shape == (frames_in(time), width)
        assert np.isfinite(values).all()
    assert deltas(mfcc(samples, RATE)).shape == (frames_in(time), 13)


@settings(max_examples=20, deadline=None)
@given(st.floats(0.01, 100))
def test_a_gain_adds_to_the_log_and_to_the_zeroth_cepstrum_alone(gain):
    samples = speech_like(0.3).astype(np.float64)
    np.testing.assert_allclose(
        log_mel(samples * gain, RATE) - log_mel(samples, RATE), 2 * np.log(gain), atol=1e-6
    )
    moved = mfcc(samples * gain, RATE) - mfcc(samples, RATE)
    np.testing.assert_allclose(moved[:, 1:], 0, atol=1e-6)
    np.testing.assert_allclose(moved[:, 0], 2 * np.log(gain) * np.sqrt(26), atol=1e-6)
    compressed = plp(samples * gain, RATE) - plp(samples, RATE)
    np.testing.assert_allclose(compressed[:, 1:], 0, atol=1e-6)
    np.testing.assert_allclose(compressed[:, 0], 2 / 3 * np.log(gain), atol=1e-6)


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (lambda x: log_mel(x, RATE, high_hz=9000), "filters from 20 to 9000 Hz don't fit sound of 16000 Hz"),
        (lambda x: mfcc(x, RATE, coefficients=27), "27 coefficients need as many bands; there are 26"),
        (lambda x: plp(x, RATE, order=24), "expected an order of 1 to 23"),
        (lambda x: deltas(x[:, None], width=4), "odd width of 3 frames or more; got 4"),
        (lambda x: log_mel(x[None], RATE), r"float of shape \(time,\); got float32 of shape"),
        (lambda x: log_mel((x * 100).astype(np.int16), RATE), "got int16"),
        (lambda x: log_mel(x * np.nan, RATE), "NaN or infinite"),
        (lambda x: log_mel(x, 0), "above 0; got 0 Hz"),
        (lambda x: log_mel(x, RATE, hop_ms=0), "above 0"),
    ],
)
def test_mistakes_are_named(wrong, says):
    with pytest.raises(InputError, match=says):
        wrong(speech_like(0.1))
