import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trichord.clip import Event
from trichord.decoding import decode, log_probability
from trichord.decoding.answer import Decoded
from trichord.decoding.tag import spans, step_labels
from trichord.errors import ArtifactError, InputError
from trichord.metrics import evaluate_head

HEAD = {"kind": "tag", "labels": ["glad", "sad"], "outside": None}
LOGITS = np.log(np.array([[0.9, 0.1], [0.8, 0.2], [0.3, 0.7]]))


def test_with_a_clock_equal_neighbours_are_one_event():
    answer = decode(HEAD, LOGITS, rate=10.0)
    assert answer.value == ("glad", "glad", "sad")
    assert [(e.what, e.start, e.end) for e in answer.events] == [("glad", 0.0, 0.2), ("sad", 0.2, 0.3)]
    assert [e.confidence for e in answer.events] == pytest.approx([0.85, 0.7])
    assert answer.confidence == pytest.approx(0.8)
    assert answer.log_score == pytest.approx(np.log(0.9 * 0.8 * 0.7))
    assert log_probability(HEAD, LOGITS, answer.value) == pytest.approx(answer.log_score)


def test_without_a_clock_each_step_is_an_event():
    events = decode(HEAD, LOGITS).events
    assert [(e.what, e.start, e.end) for e in events] == [("glad", 0, 1), ("glad", 1, 2), ("sad", 2, 3)]


def test_what_is_outside_is_no_event():
    events = decode(HEAD | {"outside": "glad"}, LOGITS, rate=10.0).events
    assert [(e.what, e.start) for e in events] == [("sad", 0.2)]


def test_nothing_in_gives_no_labels():
    answer = decode(HEAD, np.zeros((0, 2)), rate=10.0)
    assert (answer.value, answer.events, answer.confidence, answer.log_score) == ((), (), None, 0.0)


@given(st.lists(st.sampled_from("abc"), max_size=20), st.sampled_from([None, 1.0, 25.0, 12.5]))
def test_labels_become_events_and_labels_again(labels, rate):
    events = spans(labels, np.ones(len(labels)), rate, outside="c")
    assert step_labels(events, len(labels), rate) == [None if label == "c" else label for label in labels]


@pytest.mark.parametrize("answer", ["glad", ("glad",), ("glad", "sad", "angry"), (0.1, 0.2, 0.3)])
def test_other_answers_have_no_probability(answer):
    with pytest.raises(InputError, match="expected 3 labels"):
        log_probability(HEAD, LOGITS, answer)


def test_labels_that_repeat_are_refused():
    with pytest.raises(ArtifactError, match="repeat"):
        decode(HEAD | {"labels": ["a", "a"]}, LOGITS)


def test_scores_count_steps_and_a_step_without_an_answer_is_a_miss():
    truth = (Event("glad", 0, 1), Event("sad", 1, 2), Event("sad", 2, 3))
    said = decode(HEAD, LOGITS)
    found = evaluate_head(HEAD, [truth, truth], [said, Decoded((), None, 0.0)])
    assert found["accuracy"].value == pytest.approx(2 / 6)
    kept = ("glad", None, "sad")  # as predictions keep it
    assert evaluate_head(HEAD, [kept], [said])["accuracy"].value == 1.0
    assert evaluate_head(HEAD, [truth[1:2]], [said])["accuracy"].value == 0.0


def test_a_step_bears_the_event_that_its_middle_lies_in():
    abutting = [Event("a", 0.02, 0.06), Event("b", 0.06, 0.10), Event("c", 0.10, 0.14)]
    assert step_labels(abutting, 4, 25.0) == ["a", "b", "c", None]
    assert step_labels([Event("a", -3, -1), Event("b", 4, 9)], 5, None) == [None] * 4 + ["b"]
    assert step_labels([Event("a", 1.0)], 3, None) == [None, "a", None]


@pytest.mark.parametrize(("rate", "answered", "expected"), [(None, 1, 0.25), (None, 4, 0.25), (2.0, 1, 0.25)])
def test_steps_beyond_the_answer_are_misses(rate, answered, expected):
    truth = tuple(Event(what, n / (rate or 1), (n + 1) / (rate or 1)) for n, what in enumerate("gsss"))
    head = {"kind": "tag", "labels": ["g", "s"]}
    said = Decoded(("g",) * answered, 1.0, 0.0, rate=rate)
    assert evaluate_head(head, [truth], [said])["accuracy"].value == expected
