from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trichord.clip import Audio
from trichord.errors import InputError, MissingError
from trichord.media import write_audio
from trichord.prepare.noise import babble, mix, pink, power, white
from trichord.prepare.noise_source import Noise, NoiseSource
from trichord.prepare.reverberation import impulse_response, reverberate

lengths = st.integers(1, 4000)
seeds = st.integers(0, 2**32 - 1)


def voice(n: int, seed: int = 0, level: float = 0.05) -> np.ndarray:
    return (level * np.random.default_rng(seed).standard_normal(n)).astype(np.float32)


@settings(deadline=None)
@given(lengths, lengths, seeds, st.floats(-30, 30))
def test_snr_is_exact(n, noise_n, seed, snr_db):
    rng = np.random.default_rng(seed)
    speech, noise = voice(n, seed), white(noise_n, rng)
    mixture = mix(speech, noise, snr_db)
    assert mixture.shape == speech.shape
    assert mixture.dtype == np.float32
    assert np.abs(mixture).max() <= 1 + 1e-6
    # a mixture that would clip is scaled as a whole: undo that, then measure what was added
    looped = np.resize(noise, n).astype(np.float64)
    design = np.stack([speech.astype(np.float64), looped], 1)
    if n >= 8 and np.linalg.cond(design) < 1e3:
        (a, b), *_ = np.linalg.lstsq(design, mixture.astype(np.float64), rcond=None)
        measured = 10 * np.log10(a**2 * power(speech) / (b**2 * power(looped)))
        assert abs(measured - snr_db) < 0.01


def test_loud_mixtures_are_scaled_and_quiet_ones_are_not():
    speech = voice(8000, level=0.3)
    assert np.abs(mix(speech, voice(8000, 1), -20)).max() == pytest.approx(1)
    np.testing.assert_allclose(mix(speech * 0.1, voice(8000, 1), 60), speech * 0.1, atol=2e-4)


@pytest.mark.parametrize(
    ("speech", "noise"), [(np.zeros(5), np.ones(5)), (np.ones(5), np.zeros(3)), (np.ones(5), []), ([], [1.0])]
)
def test_silence_has_no_ratio(speech, noise):
    speech = np.asarray(speech, np.float32)
    assert mix(speech, np.asarray(noise, np.float32), 0) is speech


@pytest.mark.parametrize("kind", ["white", "pink", "babble"])
@settings(deadline=None)
@given(n=lengths, seed=seeds)
def test_made_noise_has_its_length_unit_power_and_seed(kind, n, seed):
    pool = [voice(700, 1), np.zeros(50, np.float32), voice(3000, 2)]
    once = NoiseSource(kind).make(n, np.random.default_rng(seed), voices=pool)
    again = NoiseSource(kind).make(n, np.random.default_rng(seed), voices=pool)
    assert once.shape == (n,)
    assert once.dtype == np.float32
    np.testing.assert_array_equal(once, again)
    if kind != "white" and n > 100:
        assert power(once) == pytest.approx(1, rel=1e-3)


def test_pink_falls_by_three_db_an_octave():
    spectrum = np.abs(np.fft.rfft(pink(1 << 16, np.random.default_rng(0)))) ** 2
    octaves = [spectrum[2**k : 2 ** (k + 1)].mean() for k in range(6, 15)]
    slopes = np.diff(10 * np.log10(octaves))
    assert slopes.mean() == pytest.approx(-3, abs=0.2)


def test_babble_needs_voices():
    with pytest.raises(InputError, match="at least one clip"):
        babble([np.zeros(10, np.float32)], 5, np.random.default_rng(0))


@pytest.mark.parametrize(
    ("text", "kind", "snr_db"),
    [
        ("babble:0dB", "babble", 0),
        ("white:-5", "white", -5),
        (" pink:+2.5dB ", "pink", 2.5),
        ("babble@C:/voices:3dB", "babble@C:/voices", 3),
    ],
)
def test_noise_is_read_and_written(text, kind, snr_db):
    noise = Noise.parse(text)
    assert noise == Noise(kind, snr_db)
    assert Noise.parse(str(noise)) == noise


@pytest.mark.parametrize("text", ["", "babble", ":3dB", "white:loud", "white:1e9", "white:999dB", "pink:nan"])
def test_other_noise_is_refused(text):
    with pytest.raises(InputError, match="noise must"):
        Noise.parse(text)


@settings(deadline=None)
@given(st.text(max_size=30))
def test_any_text_is_read_or_refused(text):
    try:
        assert np.isfinite(Noise.parse(text).snr_db)
    except InputError as error:
        assert "\n" not in str(error)


@pytest.fixture
def tones(tmp_path, monkeypatch):
    """Two folders among the corpora: one of tones at 500 and 1500 Hz, one with nothing to hear."""
    monkeypatch.setenv("TRICHORD_DATA", str(tmp_path))
    (tmp_path / "tones" / "deep").mkdir(parents=True)
    (tmp_path / "hush").mkdir()
    time = np.arange(8000) / 8000
    for hertz, name in [(500, "a.wav"), (1500, "deep/b.wav")]:
        write_audio(tmp_path / "tones" / name, Audio(0.3 * np.sin(2 * np.pi * hertz * time), 8000))
    write_audio(tmp_path / "hush" / "silent.wav", Audio(np.zeros(8000), 8000))


def peaks(noise: np.ndarray) -> set[int]:
    """Return the frequencies, in units of 100 Hz, that one second at 16 kHz is made of."""
    spectrum = np.abs(np.fft.rfft(noise))
    return {round(int(hertz) / 100) for hertz in np.flatnonzero(spectrum > spectrum.max() / 4)}


def test_a_folder_gives_one_sound_or_all_at_once(tones):
    rng = np.random.default_rng(0)
    sounds = [frozenset(peaks(NoiseSource("tones").make(16_000, rng))) for _ in range(20)]
    assert set(sounds) == {frozenset({5}), frozenset({15})}
    voices = NoiseSource("babble@tones").make(16_000, rng, talkers=12)
    assert not NoiseSource("babble@tones").needs_voices
    assert peaks(voices) == {5, 15}


def test_a_silent_folder_adds_nothing(tones):
    speech = voice(1000)
    noise = NoiseSource("hush").make(1000, np.random.default_rng(0))
    assert mix(speech, noise, 0) is speech


@pytest.mark.parametrize(
    ("written", "kind", "message"),
    [
        ("brown", MissingError, "'brown' holds no sounds"),
        ("babble@nowhere", MissingError, "'nowhere' holds no sounds"),
        ("white@tones", InputError, "only babble"),
    ],
)
def test_other_sources_are_refused(tones, written, kind, message):
    with pytest.raises(kind, match=message):
        NoiseSource(written)


@settings(deadline=None)
@given(st.floats(0.05, 1.0), st.sampled_from([8000, 16000]), seeds)
def test_a_room_decays_by_60_db(t60, rate, seed):
    response = impulse_response(t60, rate, np.random.default_rng(seed)).astype(np.float64)
    assert response[0] == 1
    assert np.square(response[1:]).sum() == pytest.approx(1, rel=1e-4)
    early, late = np.array_split(response[1:], 2)  # centres half of t60 apart: 30 dB
    samples = 2 * t60 * rate / np.log(1e6)  # that count as much as a half's, of which most are faint
    deviation = 10 / np.log(10) * np.sqrt(2 * 2 / samples)  # dB, of two halves' powers
    assert 10 * np.log10(power(early) / power(late)) == pytest.approx(30, abs=6 * deviation)


@settings(deadline=None)
@given(lengths, seeds)
def test_reverberation_keeps_length_and_power(n, seed):
    speech = voice(n, seed)
    heard = reverberate(speech, impulse_response(0.2, 8000, np.random.default_rng(seed)))
    assert heard.shape == speech.shape
    assert heard.dtype == np.float32
    assert power(heard) == pytest.approx(power(speech), rel=1e-3)


def test_reverberation_is_a_convolution():
    speech, response = voice(300), impulse_response(0.01, 8000, np.random.default_rng(0))
    direct = np.convolve(speech, response)[:300]
    heard = reverberate(speech, response)
    np.testing.assert_allclose(heard / heard[0], direct / direct[0], atol=1e-4)


@pytest.mark.parametrize("t60", [0, -1, 11, float("nan")])
def test_impossible_rooms_are_refused(t60):
    with pytest.raises(InputError, match="reverberation time"):
        impulse_response(t60, 16000, np.random.default_rng(0))
