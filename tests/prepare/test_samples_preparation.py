from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
from scipy.signal import lfilter

from trichord.clip import Audio
from trichord.errors import ArtifactError, InputError
from trichord.features.audio import denoise, long_term_spectrum
from trichord.kinds import Kinds
from trichord.media import AudioFile, write_audio
from trichord.prepare import PREPARATIONS, Characters, Frames, ReadyArray, Samples, default_preparation
from trichord.prepare.noise import power
from trichord.running.live import Receiver


def test_samples_come_at_one_rate(tmp_path: Path) -> None:
    audio = Audio(np.random.default_rng(0).uniform(-0.5, 0.5, 44100).astype(np.float32), 44100)
    write_audio(tmp_path / "a.wav", audio)
    samples = Samples()
    whole = samples(AudioFile(tmp_path / "a.wav"))
    assert (whole.dtype, whole.shape) == (np.float32, (16000,))
    np.testing.assert_allclose(samples(audio), whole, atol=1e-4)
    stream = samples.stream(44100)
    parts = [stream.push(part) for part in np.split(audio.samples, [7, 10_000])]
    parts.append(stream.push(audio.samples[:0], last=True))
    np.testing.assert_array_equal(np.concatenate(parts), samples(audio))
    assert (samples.spec.kind, samples.spec.rate, samples.spec.empty().shape) == ("samples", 16000, (0,))


def test_sound_may_be_kept_to_a_band() -> None:
    time = np.arange(16_000) / 16_000
    tones = {hz: np.sin(2 * np.pi * hz * time).astype(np.float32) / 4 for hz in (20, 1000, 6000)}
    audio = Audio(sum(tones.values()), 16_000)
    inside = slice(2000, -2000)
    for low, high, kept in ((100, None, (1000, 6000)), (None, 3000, (20, 1000)), (100, 3000, (1000,))):
        got = Samples(low_hz=low, high_hz=high)(audio)
        np.testing.assert_allclose(got[inside], sum(tones[hz] for hz in kept)[inside], atol=0.01)
        assert (got.dtype, got.shape) == (np.float32, audio.samples.shape)


@pytest.mark.parametrize("kind", ["subtract", "wiener", "adaptive"])
def test_sound_may_lose_its_noise(kind: Literal["subtract", "wiener", "adaptive"]) -> None:
    noise = np.random.default_rng(0).normal(0, 0.01, 16_000).astype(np.float32)
    burst = np.where(np.arange(16_000) % 8000 < 2000, np.sin(np.arange(16_000) / 3), 0).astype(np.float32) / 2
    got = Samples(denoise=kind)(Audio(noise + burst, 16_000))
    assert got.dtype == np.float32
    assert power(got[burst == 0]) < power(noise) / 2
    assert power(got - burst) < 0.02 * power(burst)
    np.testing.assert_array_equal(got, denoise(noise + burst, 16_000, kind))
    assert Samples(denoise=kind)(Audio(noise[:0], 16_000)).shape == (0,)


def test_sound_may_be_brought_to_a_level() -> None:
    rng = np.random.default_rng(0)
    sound = rng.normal(size=8000).astype(np.float32) * 0.01
    got = Samples(level_db=-20)(Audio(sound, 16_000)).astype(np.float64)
    assert 10 * np.log10(np.mean(got**2)) == pytest.approx(-20, abs=1e-3)
    assert not Samples(level_db=-20)(Audio(np.zeros(100, np.float32), 16_000)).any()
    loud = Samples(level_db=-20, low_hz=100)(Audio(sound, 16_000)).astype(np.float64)  # the last to be done
    assert 10 * np.log10(np.mean(loud**2)) == pytest.approx(-20, abs=1e-3)


def test_sound_may_lose_its_silence() -> None:
    sound = np.random.default_rng(0).normal(0, 0.1, 4000).astype(np.float32)
    quiet = np.concatenate([sound[:2000], sound * 1e-4, sound[2000:]])
    np.testing.assert_array_equal(Samples(silence_db=60)(Audio(quiet, 16_000)), sound)
    np.testing.assert_array_equal(Samples(silence_db=90)(Audio(quiet, 16_000)), quiet)
    np.testing.assert_array_equal(Samples()(Audio(quiet, 16_000)), quiet)


def coloured(seed: int, tilt: float, scale: float = 0.1) -> Audio:
    """Return noise whose spectrum falls, the more so the nearer `tilt` is to 1."""
    white = np.random.default_rng(seed).normal(0, scale, 16_000)
    return Audio(lfilter([1 - abs(tilt)], [1, -tilt], white).astype(np.float32), 16_000)


def long_term(samples: Samples, clips: list[Audio]) -> np.ndarray:
    return np.mean([long_term_spectrum(samples(clip), 16_000) for clip in clips], axis=0)


def test_people_are_equalised_by_their_own_clips() -> None:
    ann, bob = ([coloured(seed, tilt) for seed in range(120)] for tilt in (0.3, 0.8))
    samples, plain = Samples(by="speaker"), Samples()
    samples.fit([*ann, *bob])
    anns, bobs = (samples.accustomed(clips) for clips in (ann, bob))
    before = np.abs(long_term(plain, ann) - long_term(plain, bob)).mean()
    assert np.abs(long_term(anns, ann) - long_term(bobs, bob)).mean() < 0.25 * before
    np.testing.assert_array_equal(samples(ann[0]), plain(ann[0]))  # which is left as it was
    assert samples.accustomed([]).state() == samples.state()
    silent = Audio(np.zeros(1600, np.float32), 16_000)
    assert samples.accustomed([silent, *ann]).state() == anns.state()
    assert not anns(silent).any()


def test_what_is_learned_of_people_travels() -> None:
    samples = Samples(by="speaker", level_db=-26)
    with pytest.raises(InputError, match="call fit"):
        samples.accustomed([coloured(0, 0.5)])
    samples.fit(coloured(seed, 0.3) for seed in range(5))
    own = samples.accustomed(coloured(seed, -0.9) for seed in range(50))
    again = Samples(by="speaker", level_db=-26)
    again.restore(own.state())
    np.testing.assert_array_equal(again(coloured(99, -0.9)), own(coloured(99, -0.9)))
    assert np.abs(own.state()["gains"]).max() <= 15
    plain = Samples()
    plain.fit([coloured(0, 0.1)])
    plain.restore(plain.state())
    assert plain.state() == {}


@pytest.mark.parametrize(
    "state",
    [{}, {"spectrum": [0.0] * 24}, {"spectrum": [0.0] * 23, "gains": [0.0] * 24},
     {"spectrum": "x", "gains": []}, {"spectrum": [float("nan")] * 24, "gains": [0.0] * 24},
     {"spectrum": [0.0] * 24, "gains": [99.0] * 24}],
)  # fmt: skip
def test_a_broken_state_is_refused(state: dict[str, Any]) -> None:
    with pytest.raises(ArtifactError, match=r"spectrum|equaliser"):
        Samples(by="speaker").restore(state)


def test_what_looks_ahead_is_not_prepared_live() -> None:
    for samples in (
        Samples(denoise="wiener"),
        Samples(low_hz=100),
        Samples(high_hz=4000),
        Samples(level_db=-26),
        Samples(silence_db=60),
    ):
        with pytest.raises(InputError, match="prepared as a whole, not while it arrives"):
            Receiver(samples).push(Audio(np.zeros(320, np.float32), 16_000))


@pytest.mark.parametrize(("low", "high"), [(None, 8000), (9000, None), (3000, 300), (300, 300)])
def test_a_band_that_does_not_fit_the_rate_is_refused(low: float | None, high: float | None) -> None:
    with pytest.raises(ValueError, match="half of the rate, 8000 Hz"):
        Kinds(PREPARATIONS).make({"kind": "samples", "low_hz": low, "high_hz": high})


def test_text_is_no_sound() -> None:
    with pytest.raises(InputError, match="expected Audio here, got str"):
        Samples()("hello")


def test_every_preparation_can_be_written_back_and_made_again() -> None:
    family = Kinds(PREPARATIONS)
    for kind in PREPARATIONS:
        described = family.describe(family.make(kind))
        assert family.describe(family.make(described)) == described
    assert family.make({"kind": "mouth_crop", "size": [24, 48]}).size == (24, 48)
    with pytest.raises(ValueError, match=r"samples: rate: .*greater than or equal to 1"):
        family.make({"kind": "samples", "rate": 0})


def test_defaults_by_source() -> None:
    defaults = {"audio": Samples, "video": Frames, "text": Characters, "gaze": ReadyArray}
    assert {source: type(default_preparation(source)) for source in defaults} == defaults
