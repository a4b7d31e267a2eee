from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trichord.decoding import UNSURE, BeamOptions, NgramModel, decode, log_probability
from trichord.errors import ArtifactError, InputError

CTC = {"kind": "ctc", "units": "character", "labels": ["", " ", "a", "b", "c"]}
WORDS = {"kind": "ctc", "units": "word", "labels": ["", "bin", "blue"]}
CLASSIFY = {"kind": "classify", "labels": ["cat", "dog", "owl"]}
REGRESS = {"kind": "regress", "names": ["valence"], "mean": [2.0], "std": [0.5]}


def logits_of(path, classes, sure=0.9):
    """Logits whose every frame gives one label the probability `sure`."""
    rows = np.full((len(path), classes), (1 - sure) / (classes - 1))
    rows[np.arange(len(path)), path] = sure
    return np.log(rows).astype(np.float32)


def test_greedy_joins_repeats_drops_blanks_and_times_words():
    logits = logits_of([0, 2, 2, 0, 2, 3, 1, 0, 4, 4], 5)
    answer = decode(CTC, logits, rate=10.0)
    assert answer.value == "aab c"
    assert [(e.what, e.start, e.end) for e in answer.events] == [("aab", 0.1, 0.6), ("c", 0.8, 1.0)]
    assert [e.confidence for e in answer.events] == pytest.approx([0.9, 0.9])
    assert answer.confidence == pytest.approx(0.9)
    assert answer.log_score == pytest.approx(log_probability(CTC, logits, "aab c"))


def test_word_units_and_beam_give_the_same_words_and_times():
    logits = logits_of([1, 1, 0, 0, 2, 2, 0], 3)
    greedy, beam = decode(WORDS, logits, rate=25.0), decode(WORDS, logits, rate=25.0, beam=BeamOptions())
    assert greedy == beam
    assert [(e.what, e.start, e.end) for e in greedy.events] == [("bin", 0.0, 0.08), ("blue", 0.16, 0.24)]


def test_stray_spaces_are_no_part_of_the_answer():
    logits = logits_of([1, 2, 1, 0, 1, 3, 0, 1], 5)
    for beam in (None, BeamOptions()):
        answer = decode(CTC, logits, rate=1.0, beam=beam)
        assert answer.value == "a b"
        assert answer.log_score == pytest.approx(log_probability(CTC, logits, "a b"))


def test_labels_without_a_space_are_words_of_their_own():
    head = {"kind": "ctc", "units": "character", "labels": ["", "你", "好"]}
    answer = decode(head, logits_of([1, 0, 2], 3), rate=2.0)
    assert (answer.value, [e.what for e in answer.events]) == ("你好", ["你", "好"])


def test_silence_is_no_speech():
    answer = decode(CTC, np.zeros((0, 5), np.float32), rate=25.0)
    assert (answer.value, answer.confidence, answer.events, answer.log_score) == ("", None, (), 0.0)
    blanks = decode(CTC, logits_of([0] * 6, 5), rate=25.0)
    assert (blanks.value, blanks.events) == ("", ())
    assert blanks.confidence == pytest.approx(0.9)


def test_without_a_rate_words_have_no_times():
    assert decode(CTC, logits_of([2], 5)).events == ()


def test_probability_of_a_transcript_that_cannot_be_spelled():
    assert log_probability(CTC, np.zeros((4, 5)), "xyz") == -math.inf
    assert log_probability(CTC, np.zeros((0, 5)), "a") == -math.inf
    assert log_probability(CTC, np.zeros((0, 5)), "") == 0


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10_000), time=st.integers(1, 30), wide=st.booleans())
def test_log_score_is_the_log_probability_of_the_answer(seed, time, wide):
    logits = np.random.default_rng(seed).normal(0, 3, (time, 5))
    answer = decode(CTC, logits, rate=25.0, beam=BeamOptions() if wide else None)
    assert answer.log_score == pytest.approx(log_probability(CTC, logits, answer.value))
    assert " ".join(e.what for e in answer.events) == answer.value
    assert 0 <= answer.confidence <= 1
    starts = [e.start for e in answer.events]
    assert starts == sorted(starts)


def test_classify_at_its_temperature():
    head = CLASSIFY | {"temperature": 2.0}
    answer = decode(head, [[2.0, 0.0, -2.0]])
    expected = np.exp([1.0, 0.0, -1.0]) / np.exp([1.0, 0.0, -1.0]).sum()
    assert answer.value == answer.best == "cat"
    assert list(answer.scores.values()) == pytest.approx(expected.tolist())
    assert answer.confidence == pytest.approx(expected[0])
    assert answer.log_score == pytest.approx(math.log(expected[0]))
    assert log_probability(head, np.array([2.0, 0.0, -2.0]), "owl") == pytest.approx(math.log(expected[2]))


def test_classify_may_be_not_sure():
    head = CLASSIFY | {"uncertain_below": 0.5}
    assert decode(head, [[3.0, 0.0, 0.0]]).value == "cat"
    unsure = decode(head, [[0.1, 0.0, 0.0]])
    assert (unsure.value, unsure.best) == (UNSURE, "cat")
    absent = decode(CLASSIFY, np.zeros((0, 3)))
    assert (absent.value, absent.confidence) == (UNSURE, pytest.approx(1 / 3))
    assert log_probability(CLASSIFY, np.zeros((0, 3)), "dog") == pytest.approx(-math.log(3))
    with pytest.raises(InputError, match="'cow' is not a class"):
        log_probability(CLASSIFY, np.zeros((1, 3)), "cow")


def test_regress_in_its_own_units():
    assert decode(REGRESS, [[1.0]]).value == 2.5
    assert decode(REGRESS, np.zeros((0, 1))).value == 2.0
    several = {"kind": "regress", "names": ["a", "b"], "mean": [0, 1], "std": [1, 2]}
    assert decode(several, [[1.0, -1.0]]).value == (1.0, -1.0)
    assert log_probability(several, [[1.0, -1.0]], (1.0, -1.0)) == 0
    assert log_probability(REGRESS, [[1.0]], 3.5) == -4.0
    with pytest.raises(InputError, match="expected 2 numbers"):
        log_probability(several, [[1.0, -1.0]], 1.0)


def test_regress_gives_each_step_its_number():
    head = REGRESS | {"each": "step"}
    assert decode(head, [[1.0], [0.0]]).value == (2.5, 2.0)
    assert decode(head, [[1.0]]).value == (2.5,)
    assert decode(head, np.zeros((0, 1))).value == ()
    assert log_probability(head, [[1.0], [0.0]], (3.5, 2.0)) == -4.0
    assert log_probability(head, np.zeros((0, 1)), (2.5, 2.0)) == -1.0
    with pytest.raises(InputError, match="expected 2 numbers"):
        log_probability(head, [[1.0], [0.0]], (1.0,))
    with pytest.raises(ArtifactError, match="a step has one number, not 2"):
        decode(head | {"names": ["a", "b"], "mean": [0, 1], "std": [1, 2]}, [[1.0]])


@pytest.mark.parametrize(
    ("head", "message"),
    [
        ({}, "kind None"),
        ({"kind": "classfy"}, "did you mean 'classify'"),
        ({"kind": ["ctc"]}, "cannot decode"),
        ({"kind": "ctc"}, "labels"),
        ({"kind": "ctc", "labels": ["", "a", "a"]}, "repeat"),
        ({"kind": "ctc", "labels": [" ", "a"]}, "space between words"),
        ({"kind": "ctc", "labels": ["", "ab"]}, "not one character"),
        ({"kind": "ctc", "units": "word", "labels": ["", "a b"]}, "whole words"),
        ({"kind": "ctc", "labels": ["", 5]}, "labels"),
        (CLASSIFY | {"temperature": 0}, "temperature"),
        (CLASSIFY | {"temperature": "nan"}, "temperature"),
        (CLASSIFY | {"uncertain_below": 2}, "uncertain_below"),
        (CLASSIFY | {"labels": ["a", "a", "b"]}, "repeat"),
        (REGRESS | {"std": [0.0]}, "std"),
        (REGRESS | {"std": [1.0, 2.0]}, "as many"),
        (REGRESS | {"mean": [math.inf]}, "mean"),
    ],
)
def test_hostile_metadata_is_refused_in_one_line(head, message):
    with pytest.raises(ArtifactError, match=message) as caught:
        decode(head, np.zeros((1, 3)))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("logits", [np.zeros((2, 4)), np.zeros((1, 2, 5)), np.full((2, 5), np.nan),
                                    np.full((2, 5), 1e300)])  # fmt: skip
def test_unfit_logits_are_refused(logits):
    with pytest.raises(InputError):
        decode(CTC, logits)


def test_unfit_rates_and_steps_are_refused():
    with pytest.raises(InputError, match="above 0 Hz"):
        decode(CTC, np.zeros((1, 5)), rate=0.0)
    with pytest.raises(InputError, match="2 steps"):
        decode(CLASSIFY, np.zeros((2, 3)))


@settings(max_examples=60, deadline=None)
@given(
    head=st.dictionaries(
        st.sampled_from(["kind", "labels", "units", "temperature", "names", "mean", "std"]),
        st.sampled_from(["ctc", "classify", "regress", "word", 1, -1.5, None])
        | st.lists(st.sampled_from(["", "a", " ", "word", 1.0]), max_size=3),
    )
)
def test_any_metadata_gives_an_answer_or_a_clear_error(head):
    try:
        decode(head, np.zeros((1, 3), np.float32))
    except (ArtifactError, InputError) as error:
        assert str(error)


def test_a_language_model_invents_no_words_for_silence():
    head = {"kind": "ctc", "units": "word", "labels": ["", "go", "now"]}
    language = NgramModel.train([["go", "now"], ["go"]], order=2)  # it has never seen an empty sentence
    quiet = np.log(np.tile([[0.5, 0.3, 0.2]], (6, 1)))
    assert decode(head, quiet, beam=BeamOptions(language=language, alpha=4.0)).value == ""
    quiet[2] = np.log([0.3, 0.2, 0.5])
    assert decode(head, quiet, beam=BeamOptions(language=language, alpha=4.0)).value != ""
