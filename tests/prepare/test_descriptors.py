import numpy as np
import pytest

from trichord.clip import Audio
from trichord.features import audio
from trichord.prepare.descriptors import Descriptors, cepstra, described, melody

RATE = 8000


def tone(hertz: float, seconds: float) -> Audio:
    time = np.arange(round(seconds * RATE)) / RATE
    return Audio((0.3 * np.sin(2 * np.pi * hertz * time)).astype(np.float32), RATE)


def test_descriptors_are_those_of_their_names():
    sound = tone(440, 0.5).samples
    found = described(sound, RATE)
    np.testing.assert_array_equal(found[:, :39], cepstra(sound, RATE))
    np.testing.assert_allclose(found[:, 39], audio.energy_db(sound, RATE))
    assert found[5, 41] == pytest.approx(440, abs=30)  # the centroid of a tone is the tone


@pytest.mark.parametrize("samples", [0, 1, 100, 4000])
def test_any_sound_is_finite_and_as_wide(samples):
    found = described(np.zeros(samples, np.float32), RATE)
    assert found.shape[1] == 46
    assert np.isfinite(found).all()
    assert (len(found) > 0) == (samples > 0)


def test_a_clip_is_one_step_whatever_its_length_and_rate():
    clips = [tone(hertz, seconds) for hertz, seconds in ((200, 0.3), (900, 0.5), (1500, 1.0))]
    prepare = Descriptors(RATE, quantiles=3, points=2)
    prepare.fit(clips)
    assert prepare.spec.kind == "array"
    assert prepare.spec.rate is None
    made = np.concatenate([prepare(clip) for clip in clips])
    assert made.shape == (3, 1 + 46 * (5 + 3 + 5 + 2))
    np.testing.assert_allclose(made.mean(0), 0, atol=1e-4)
    assert prepare(Audio(np.zeros(0, np.float32), RATE)).shape == (0, made.shape[1])
    again = Descriptors(RATE, quantiles=3, points=2)
    again.restore(prepare.state())
    np.testing.assert_array_equal(again(clips[0]), made[:1])
    assert prepare(Audio(np.repeat(clips[0].samples, 2), 2 * RATE)).shape == (1, made.shape[1])


def test_pitch_may_be_described_too():
    prepare = Descriptors(RATE, pitch=True, quantiles=3, points=2, normalise=False)
    plain = Descriptors(RATE, quantiles=3, points=2, normalise=False)
    low, high = (prepare.summed_up(tone(hertz, 0.5)).values[0] for hertz in (100, 200))
    bare = plain.summed_up(tone(100, 0.5)).values[0]
    width = len(bare)
    assert low.shape == (width + 1 + 3 * (5 + 3 + 5 + 2),)
    np.testing.assert_array_equal(low[:width], bare)
    assert high[width + 1] - low[width + 1] == pytest.approx(12, abs=0.2)  # the mean, an octave higher


@pytest.mark.parametrize("samples", [0, 1, 100, 4000])
def test_what_is_not_voiced_has_a_course_of_pitch_that_is_finite(samples):
    rng = np.random.default_rng(0)
    for sound in (np.zeros(samples, np.float32), rng.standard_normal(samples).astype(np.float32)):
        found = melody(sound, RATE)
        assert found.shape[1] == 3 and np.isfinite(found).all()
    summed_up = Descriptors(RATE, pitch=True).summed_up(Audio(sound, RATE)).values
    assert len(summed_up) == (samples > 0)


def test_silence_is_no_part_of_what_is_described():
    sound, gap = tone(440, 0.5), np.zeros(RATE, np.float32)
    paused = Audio(np.concatenate([sound.samples, gap]), RATE)
    heard, whole = (Descriptors(RATE, silence_db=db).measured(paused).values for db in (60, None))
    np.testing.assert_array_equal(heard, Descriptors(RATE).measured(sound).values)
    assert np.abs(heard - whole).max() > 1
