"""Tests of how many speak at once."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from trichord.clip import Audio, Event
from trichord.decoding import Decoded
from trichord.errors import InputError
from trichord.running.voice import how_many_speak
from trichord.running.voice.crowd import counting_head

RATE = 100
COUNTS = {"kind": "tag", "labels": ["0", "1", "2"]}


class Fake:
    """Hears as many people as a sound's level says, in whole numbers."""

    path = Path("fake.onnx")

    def __init__(self, *, rate=RATE, max_seconds=30.0, **heads):
        self.heads, self.rate = heads or {"voices": COUNTS}, rate
        self.metadata = SimpleNamespace(max_seconds=max_seconds)
        self.heard = []

    def __call__(self, clip):
        samples = clip.inputs["audio"].samples
        self.heard.append(len(samples) / RATE)
        bounds = [0, *(np.flatnonzero(np.diff(samples)) + 1), len(samples)]
        events = [
            Event(str(int(samples[first])), first / RATE, last / RATE)
            for first, last in pairwise(bounds)
            if samples[first]
        ]
        return {"voices": Decoded((), None, 0.0, events=tuple(events), rate=RATE)}


def test_a_long_recording_is_heard_in_parts_and_nothing_is_lost_between_them():
    levels = np.zeros(65 * RATE, np.float32)
    levels[5 * RATE : 45 * RATE], levels[50 * RATE : 61 * RATE] = 2, 1
    model = Fake()
    found = how_many_speak(model, Audio(levels, RATE))
    assert model.heard == [22, 24, 24, 7]
    seconds = {what: sum(event.end - event.start for event in found if event.what == what) for what in "12"}
    assert seconds == pytest.approx({"2": 40, "1": 11})
    assert all(a.end <= b.start for a, b in pairwise(found))
    assert how_many_speak(model, Audio(levels[:0], RATE)) == ()
    brief = Fake(max_seconds=10.0)
    again = how_many_speak(brief, Audio(levels, RATE))
    assert max(brief.heard) == 10
    assert sum(event.end - event.start for event in again) == pytest.approx(51)
    with pytest.raises(InputError, match="hears 4 s, too short"):
        how_many_speak(Fake(max_seconds=4.0), Audio(levels, RATE))


def test_the_head_that_counts_is_found():
    words = {"kind": "tag", "labels": ["noun", "verb"]}
    assert counting_head(Fake(part=words, voices=COUNTS)) == "voices"
    assert counting_head(Fake(a=COUNTS, b=COUNTS), "b") == "b"
    huge = {"kind": "tag", "labels": ["0", "9" * 200]}
    for model, head, says in (
        (Fake(part=words), None, "expected one tag head with a clock whose labels are numbers"),
        (Fake(a=COUNTS, b=COUNTS), None, r"there are \['a', 'b'\]"),
        (Fake(rate=None), None, "with a clock"),
        (Fake(huge=huge), None, r"there are \[\]"),
        (Fake(voices=COUNTS), "voice", "no head 'voice' that counts; did you mean 'voices'"),
    ):
        with pytest.raises(InputError, match=says):
            counting_head(model, head)
