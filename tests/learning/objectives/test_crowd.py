"""Tests of voices put together into a crowd."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from trichord.clip import Event
from trichord.errors import InputError, RecipeError
from trichord.kinds import Kinds
from trichord.learning.batch import Item
from trichord.learning.heads.classify import Classify
from trichord.learning.objectives import OBJECTIVES, Surroundings
from trichord.learning.objectives.crowd import as_events
from trichord.prepare.preparation import InputSpec

RATE = 16_000
SPECS = {"voice": InputSpec("samples", RATE)}


def tone(hertz, seconds=2.0):
    """A tone twice, for 0.7 and for 0.6 s, with silence about it."""
    time = np.arange(round(seconds * RATE)) / RATE
    heard = ((time > 0.1) & (time < 0.8)) | ((time > 1.3) & (time < 1.9))
    return (0.3 * np.sin(2 * np.pi * hertz * time) * heard).astype(np.float32)


def people(count=4):
    return [Item(f"{n}", {"voice": tone(300.0 * (n + 1))}, {}, {"speaker": f"p{n}"}) for n in range(count)]


def meeting(most="2"):
    rng = np.random.default_rng(0)
    noise = (0.1 * rng.standard_normal(4 * RATE)).astype(np.float32)
    return Item("meeting", {"voice": noise}, {"voices": (Event("1", 0.5, 1.0), Event(most, 1.0, 3.5))})


def make(items, *, specs=SPECS, heads=(), **options):
    objective = Kinds(OBJECTIVES).make(
        {"kind": "crowd", "stream": "voice", "head": "voices", "seconds": 3} | options
    )
    heads = {name: Classify() for name in ("voices", *heads)}
    objective.build(Surroundings(specs, lambda n, rng: [], dim=16, items=items, heads=heads))
    return objective


def test_events_count_who_speaks_to_the_step():
    objective = make([*people(), meeting("4")], recorded=0)
    rng, right = np.random.default_rng(1), []
    for _ in range(20):
        (new,) = objective.change([people()[0]], rng)
        samples, events = new.inputs["voice"], new.targets["voices"]
        assert len(samples) == 3 * RATE and np.abs(samples).max() <= 1
        assert all(a.end <= b.start and (a.what != b.what or a.end < b.start) for a, b in pairwise(events))
        counts = np.zeros(300, int)
        for event in events:
            counts[round(event.start * 100) : round(event.end * 100)] = int(event.what)
        heard = (np.square(samples.reshape(300, -1)).mean(1) > 1e-9).astype(int)
        assert not (heard & (counts == 0)).any()  # nobody sounds who is not counted
        powers = np.abs(np.fft.rfft(samples.reshape(300, -1), axis=1))[:, [3 * (n + 1) for n in range(4)]]
        inside = np.convolve(np.abs(np.diff(counts, prepend=0)), np.ones(9), "same") == 0
        right += ((powers > 0.3).sum(1) == counts)[inside & (counts > 0)].tolist()
    assert np.mean(right) > 0.9


def test_the_same_seed_gives_the_same_crowd_and_items_stay_as_they_are():
    items = [*people(), meeting()]
    before = [item.inputs["voice"].copy() for item in items]
    ways = [make(items).change(items, np.random.default_rng(3)) for _ in range(2)]
    for one, other in zip(*ways, strict=True):
        np.testing.assert_array_equal(one.inputs["voice"], other.inputs["voice"])
        assert one.targets == other.targets
    for item, old in zip(items, before, strict=True):
        np.testing.assert_array_equal(item.inputs["voice"], old)


def test_a_recorded_conversation_lies_beneath():
    objective = make([*people(), meeting()], recorded=1, voices=1)
    rng = np.random.default_rng(0)
    found = [objective.change([meeting()], rng)[0] for _ in range(30)]
    assert all(np.square(item.inputs["voice"]).mean() > 1e-5 for item in found)
    assert {event.what for item in found for event in item.targets["voices"]} == {"1", "2"}  # 2 is the most


def test_counts_beyond_the_most_are_the_most():
    events = as_events(np.array([0, 1, 1, 3, 2, 0]), 2)
    assert events == [Event("1", 0.01, 0.03), Event("2", 0.03, 0.05)]


def test_who_says_nothing_is_nobody():
    silent = Item("silent", {"voice": np.zeros(RATE, np.float32)}, {}, {"speaker": "silent"})
    with pytest.raises(RecipeError, match="3 people"):
        make([*people(3), silent, meeting()])


def test_a_batch_is_as_long_as_its_crowds():
    assert make([*people(), meeting()]).lasting(0.5) == 3


@pytest.mark.parametrize("what", ["FEE041", "0", "-1", "9" * 5000, "²"])
def test_events_that_count_nobody_are_refused(what):
    with pytest.raises(InputError, match="called by how many speak"):
        make([*people(), meeting(what)])


@pytest.mark.parametrize(
    ("options", "said"),
    [({"stream": "lips"}, "there is no stream 'lips'"), ({"heads": ["transcript"]}, "'transcript' would not"),
     ({"specs": SPECS | {"lips": InputSpec("frames", 25.0, (6, 8))}}, "'lips' would not be true"),
     ({"specs": {"voice": InputSpec("samples", 11_025)}}, "'voice' has 11025 Hz")],
)  # fmt: skip
def test_what_would_not_be_true_of_a_crowd_is_refused(options, said):
    with pytest.raises(RecipeError, match=said):
        make([*people(), meeting()], **options)


def test_too_few_people_and_no_conversation_are_refused():
    with pytest.raises(RecipeError, match=r"3 people .* and 2 stretches"):
        make([*people(3), meeting()])
    with pytest.raises(RecipeError, match=r"4 people .* and 0 stretches"):
        make(people())
