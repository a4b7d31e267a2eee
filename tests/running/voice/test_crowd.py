"""Tests of how many speak at once."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

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

    def __init__(self, **heads):
        self.heads = heads or {"voices": COUNTS}
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


def test_the_head_that_counts_is_found():
    words = {"kind": "tag", "labels": ["noun", "verb"]}
    assert counting_head(Fake(part=words, voices=COUNTS)) == "voices"
    assert counting_head(Fake(a=COUNTS, b=COUNTS), "b") == "b"
    for model, head in ((Fake(part=words), None), (Fake(a=COUNTS, b=COUNTS), None), (Fake(a=COUNTS), "b")):
        with pytest.raises(InputError, match="expected one tag head whose labels are numbers"):
            counting_head(model, head)
