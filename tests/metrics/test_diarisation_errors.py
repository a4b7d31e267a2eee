from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linear_sum_assignment

from trichord.clip import Event
from trichord.errors import InputError
from trichord.metrics import assignment, bootstrap, diarisation_error_of, diarisation_errors


def events(*turns):
    return [Event(*turn) for turn in turns]


REFERENCE = events(("A", 0, 10), ("B", 12, 20), ("A", 24, 27), ("C", 18, 30))
HYPOTHESIS = events(("x", 0.5, 11), ("y", 11.5, 19), ("x", 19, 26), ("z", 26.5, 31), ("y", 29, 30))
PARTS = [(1, 15), (17, 25)]
EXPECTED = [  # of pyannote.metrics 4.2, whose collar is twice as wide by name
    (0, False, None, 6.0, 3.5, 5.0, 33.0),
    (0.25, False, None, 4.75, 2.5, 4.25, 29.0),
    (0, True, None, 0.5, 3.5, 4.0, 23.0),
    (0.25, True, None, 0.25, 2.5, 3.5, 21.0),
    (0, False, PARTS, 3.0, 1.5, 5.0, 23.0),
    (0.5, False, PARTS, 1.5, 0.5, 3.5, 17.5),
    (0.25, True, [(0, 29)], 0.25, 1.0, 3.5, 20.25),
]


@pytest.mark.parametrize(("collar", "skip", "scored", "missed", "alarm", "confusion", "speech"), EXPECTED)
def test_errors_are_those_of_pyannote(collar, skip, scored, missed, alarm, confusion, speech):
    found = diarisation_errors(REFERENCE, HYPOTHESIS, collar=collar, skip_overlap=skip, scored=scored)
    assert found.row() == pytest.approx([missed, alarm, confusion, speech])
    assert found.rate == pytest.approx((missed + alarm + confusion) / speech)


def test_speakers_are_paired_by_the_time_they_share():
    assert diarisation_errors(REFERENCE, HYPOTHESIS).speakers == {"x": "A", "y": "B", "z": "C"}


def test_who_is_right_makes_no_error_whatever_the_names():
    renamed = [Event(f"S{turn.what}", turn.start, turn.end) for turn in REFERENCE]
    assert diarisation_errors(REFERENCE, renamed).rate == 0
    assert diarisation_errors(REFERENCE, []).rate == 1
    nobody = diarisation_errors([], HYPOTHESIS)
    assert math.isnan(nobody.rate)
    assert nobody.false_alarm == pytest.approx(30.5)
    assert math.isnan(diarisation_errors([], []).rate)


def test_one_speaker_twice_at_once_is_one_speaker():
    twice = events(("A", 0, 6), ("A", 4, 10))
    assert diarisation_errors(events(("A", 0, 10)), twice).rate == 0


def test_rates_of_recordings_add_up():
    rows = np.array([diarisation_errors(REFERENCE, HYPOTHESIS).row(), [0.0, 0.0, 0.0, 33.0]])
    assert bootstrap(rows, diarisation_error_of).value == pytest.approx(14.5 / 66)


@pytest.mark.parametrize("turn", [Event("A", 1.0), Event("A", 2.0, 1.0)])
def test_a_turn_has_an_end(turn):
    with pytest.raises(InputError, match="a turn of 'A' lasts"):
        diarisation_errors([turn], [])
    with pytest.raises(InputError, match="collar"):
        diarisation_errors([], [], collar=-1)


turns = st.lists(
    st.builds(
        lambda who, start, lasting: Event(who, start / 4, (start + lasting) / 4),
        st.sampled_from("abc"), st.integers(0, 40), st.integers(1, 20),
    ),
    max_size=8,
)  # fmt: skip


@settings(max_examples=100, deadline=None)
@given(reference=turns, hypothesis=turns, skip=st.booleans(), collar=st.sampled_from([0, 0.25, 1]))
def test_errors_are_those_of_a_count_of_small_steps(reference, hypothesis, skip, collar):
    found = diarisation_errors(reference, hypothesis, skip_overlap=skip, collar=collar, scored=[(0, 16)])
    missed = alarm = speech = 0.0
    for at in np.arange(0, 16, 0.125) + 0.0625:
        true = {turn.what for turn in reference if turn.start < at < turn.end}
        told = {turn.what for turn in hypothesis if turn.start < at < turn.end}
        near = any(abs(at - edge) < collar for turn in reference for edge in (turn.start, turn.end))
        if near or (skip and len(true) > 1):
            continue
        missed += max(0, len(true) - len(told)) / 8
        alarm += max(0, len(told) - len(true)) / 8
        speech += len(true) / 8
    assert (found.missed, found.false_alarm, found.speech) == pytest.approx((missed, alarm, speech))
    assert found.confusion >= -1e-9


@settings(max_examples=100, deadline=None)
@given(seed=st.integers(0, 10_000), rows=st.integers(0, 7), columns=st.integers(0, 7))
def test_pairs_are_worth_as_much_as_scipys(seed, rows, columns):
    worth = np.random.default_rng(seed).integers(0, 5, (rows, columns)).astype(np.float64)
    pairs = assignment(worth)
    assert len(pairs) == len({r for r, _ in pairs}) == len({c for _, c in pairs}) == min(rows, columns)
    expected = worth[linear_sum_assignment(worth, maximize=True)].sum()
    assert sum(worth[pair] for pair in pairs) == pytest.approx(expected)
