from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trichord.decoding import BeamOptions, NgramModel, decode, log_probability
from trichord.decoding.subword import MARK, learn_subwords, split_word
from trichord.errors import ArtifactError

SENTENCES = ["the theme", "then the men", "a theme then"]
WORDS = [word for sentence in SENTENCES for word in sentence.split()]
UNITS = learn_subwords(WORDS, 12)
HEAD = {"kind": "ctc", "units": "subword", "labels": ["", *UNITS]}
TEXTS = st.lists(st.text("themna", min_size=1, max_size=6), max_size=4).map(" ".join)


def ranks(units):
    return {unit: place for place, unit in enumerate(units)}


def logits_of(labels, sure=0.9):
    path = [step for label in labels for step in (HEAD["labels"].index(label), 0)]
    rows = np.full((len(path), len(HEAD["labels"])), (1 - sure) / (len(HEAD["labels"]) - 1))
    rows[np.arange(len(path)), path] = sure
    return np.log(rows)


def test_the_commonest_pairs_are_merged_first():
    assert UNITS[:7] == [MARK, "a", "e", "h", "m", "n", "t"]
    assert UNITS[7:] == ["he", "the", "▁the", "me", "▁theme"]  # of equal counts the first by the alphabet
    assert split_word("them", ranks(UNITS)) == ["▁the", "m"]
    assert split_word("men", ranks(UNITS)) == [MARK, "me", "n"]


def test_few_words_have_few_pairs_and_many_characters_are_all_kept():
    assert learn_subwords(["ab", "cd"], 300) == [MARK, "a", "b", "c", "d"]
    assert learn_subwords(["abc"], 2) == [MARK, "a", "b", "c"]
    assert learn_subwords([], 9) == [MARK]


@settings(max_examples=60, deadline=None)
@given(words=st.lists(st.text("abc", min_size=1, max_size=8), max_size=12), size=st.integers(2, 40))
def test_every_word_is_its_subwords_and_a_stranger_its_characters(words, size):
    units = learn_subwords(words, size)
    assert len(units) == len(set(units)) <= max(size, 4)
    for word in [*words, "abxcab"]:
        split = split_word(word, ranks(units))
        assert "".join(split) == MARK + word
        assert set(split) <= {*units, *("" if word in words else word)}


@settings(max_examples=60, deadline=None)
@given(text=TEXTS)
def test_a_text_is_written_with_its_words_and_times(text):
    labels = [unit for word in text.split() for unit in split_word(word, ranks(UNITS))]
    logits = logits_of(labels)
    for beam in (None, BeamOptions()):
        answer = decode(HEAD, logits, rate=25.0, beam=beam)
        assert answer.value == text
        assert [event.what for event in answer.events] == text.split()
        assert answer.log_score == pytest.approx(log_probability(HEAD, logits, text))
        assert all(event.confidence == pytest.approx(0.9) for event in answer.events)
    starts = [event.start for event in answer.events]
    assert starts == [2 * place / 25 for place, unit in enumerate(labels) if unit.startswith(MARK)]


def test_marks_without_a_word_are_no_part_of_the_answer():
    answer = decode(HEAD, logits_of([MARK, "▁the", MARK, MARK, "me", "n", MARK]), rate=1.0)
    assert (answer.value, [event.what for event in answer.events]) == ("the men", ["the", "men"])
    assert decode(HEAD, logits_of([MARK])).value == ""
    assert decode(HEAD, logits_of(["me", "▁the"])).value == "me the"


def test_another_split_than_the_learned_one_is_the_same_text():
    logits = logits_of(["▁the", "m", "e"])
    answer = decode(HEAD, logits)
    assert answer.value == "theme"
    assert answer.log_score == log_probability(HEAD, logits, "theme") > -np.inf


@pytest.mark.parametrize("open_vocabulary", [False, True])
def test_a_word_model_decides_over_subwords(open_vocabulary):
    language = NgramModel.train([text.split() for text in SENTENCES], 2, open_vocabulary=True)
    spelling = NgramModel.train(sorted(set(WORDS)), 3) if open_vocabulary else None
    options = BeamOptions(64, 12, language=language, alpha=1.0, spelling=spelling)
    unsure = logits_of(["▁the", "m", "me"], sure=0.5)  # 'thme' is no word, and half a guess
    assert decode(HEAD, unsure).value == "themme"
    assert decode(HEAD, unsure, beam=options).value in language.vocabulary
    new = decode(HEAD, logits_of(["▁the", "n", "a"], sure=0.9999999), beam=options).value
    assert (new == "thena") == open_vocabulary


def test_hostile_subwords_are_refused():
    for label in ("a b", "", "a▁", "▁▁"):
        with pytest.raises(ArtifactError, match="subword"):
            decode(HEAD | {"labels": ["x", label]}, np.zeros((1, 2)))
