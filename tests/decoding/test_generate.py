from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trichord.decoding import BeamOptions, decode, log_probability
from trichord.decoding.generate import Beside, log_probabilities, search
from trichord.decoding.logits import log_softmax
from trichord.decoding.metadata import GenerateMetadata, read_head
from trichord.errors import ArtifactError, InputError

HEAD = {"kind": "generate", "units": "character", "labels": ["", "a", "b"], "max_units": 3}
CTC = {"kind": "ctc", "units": "character", "labels": ["", "a", "b"]}


def step(units, told, past):
    """A decoder that reads the logits of the n-th unit from the n-th step, and likes to repeat a unit."""
    places = np.minimum(past.shape[1] + np.arange(units.shape[1]), len(told) - 1)
    logits = told[places] + 0.5 * np.eye(told.shape[1], dtype=np.float32)[units]
    return logits, np.zeros((*units.shape, told.shape[1]), np.float32)


def random(seed, steps=4):
    return np.random.default_rng(seed).normal(0, 2, (steps, 3)).astype(np.float32)


def by_hand(told, labels):
    """Return a text's log-probability, one unit after the other."""
    total, before = 0.0, 0
    for place, label in enumerate([*labels, 0]):
        row = told[min(place, len(told) - 1)].astype(float) + 0.5 * np.eye(3)[before]
        total, before = total + log_softmax(row)[label], label
    return total


TEXTS = [list(text) for size in range(4) for text in itertools.product((1, 2), repeat=size)]


@given(st.integers(0, 10**6), st.integers(1, 6))
def test_a_text_at_once_scores_as_unit_by_unit(seed, steps):
    told = random(seed, steps)
    np.testing.assert_allclose(
        log_probabilities(told, step, TEXTS), [by_hand(told, t) for t in TEXTS], atol=1e-6
    )


@settings(max_examples=50)
@given(st.integers(0, 10**6))
def test_a_beam_as_wide_as_all_texts_finds_the_best(seed):
    told, head = random(seed), read_head(GenerateMetadata, HEAD)
    means = [by_hand(told, text) / (len(text) + 1) for text in TEXTS]
    found = search(head, told, step, 64)
    assert found[0] == TEXTS[int(np.argmax(means))]
    assert sorted(found) == sorted(TEXTS)


@given(st.integers(0, 10**6), st.sampled_from([None, 1, 3, 1000]), st.integers(1, 5))
def test_the_answer_is_scored_as_asked(seed, width, limit):
    head = HEAD | {"max_units": limit}
    told = random(seed)
    said = decode(head, told, beam=width and BeamOptions(width), beside=Beside(step))
    assert len(said.value) <= limit
    assert said.log_score == pytest.approx(log_probability(head, told, said.value, step))
    assert said.confidence == pytest.approx(math.exp(said.log_score / (len(said.value) + 1)))


def test_greedy_takes_the_likeliest_unit_each_time():
    told = np.array([[0, 9, 0], [0, 0, 9], [9, 0, 0]], np.float32)
    assert decode(HEAD, told, beside=Beside(step)).value == "ab"


def test_what_cannot_be_written_and_who_is_told_nothing():
    told = random(0)
    assert log_probability(HEAD, told, "abc", step) == -math.inf
    assert log_probability(HEAD, told, "abab", step) == -math.inf  # too long
    assert log_probability(HEAD, told, "ab") == pytest.approx(3 * math.log(1 / 3))
    assert log_probability(HEAD, told[:0], "ab", step) == pytest.approx(3 * math.log(1 / 3))
    assert decode(HEAD, told[:0]).value == ""
    with pytest.raises(InputError, match="decoder beside"):
        decode(HEAD, told)
    with pytest.raises(InputError, match="not finite"):
        decode(HEAD, told * np.nan, beside=Beside(step))


def spoken(*labels, sure=9.0):
    return sure * np.eye(3, dtype=np.float32)[list(labels)]


def joint(weight, ctc_logits, told):
    head = HEAD | {"with_ctc": "heard", "ctc_weight": weight}
    return decode(head, told, rate=10.0, beside=Beside(step, {"heard": CTC}, {"heard": ctc_logits}))


def test_both_heads_choose_and_the_ctc_head_says_when():
    told = np.array([[0, 0, 4], [4, 0, 0], [4, 0, 0]], np.float32)  # "b", it would say
    heard = spoken(0, 1, 0, 2, 0)
    assert joint(0.0, heard, told).value == "b"
    said = joint(1.0, heard, told)
    assert said.value == "ab"
    assert [(word.what, word.start, word.end) for word in said.events] == [("a", 0.1, 0.2), ("b", 0.3, 0.4)]
    assert said.log_score == pytest.approx(by_hand(told, [1, 2]))
    assert joint(0.5, spoken(0, 0, 0), told).value == ""  # what it takes for silence


@pytest.mark.parametrize("heads", [{}, {"heard": HEAD}, {"heard": CTC | {"units": "phone"}}])
def test_a_ctc_head_that_is_none_is_refused(heads):
    head = HEAD | {"with_ctc": "heard"}
    with pytest.raises(ArtifactError, match="'heard' is no ctc head"):
        decode(head, random(0)[:0], beside=Beside(step, heads))


@pytest.mark.parametrize(
    "changes",
    [{"max_units": 0}, {"max_units": 10**9}, {"max_units": None}, {"labels": []}, {"labels": ["", "ab"]},
     {"units": "phone"}, {"ctc_weight": 2}],
)  # fmt: skip
def test_metadata_that_is_not_sound_is_refused(changes):
    with pytest.raises(ArtifactError, match="generate"):
        decode(HEAD | changes, random(0)[:0])
