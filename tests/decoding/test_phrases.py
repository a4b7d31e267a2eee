from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trichord.decoding import BeamChanges, BeamOptions, NgramModel, decode
from trichord.decoding.language import language_of
from trichord.decoding.options import beam_from_metadata, beam_to_metadata
from trichord.errors import InputError

LETTERS = ("", *" aeinprst")
HEAD = {"kind": "ctc", "units": "character", "labels": list(LETTERS)}
PHRASES = ("anna", "anna peter", "peter", "in")
LANGUAGE = NgramModel.train([["anna", "sat"], ["a", "tent"], ["peter", "is", "in"]], 2, open_vocabulary=True)


def logits_of(*frames, labels=LETTERS):
    """Logits whose frames each give letters, by weight: {"a": 0.5, "e": 0.4}; "" between them is sure."""
    rows = []
    for frame in frames:
        row = np.full(len(labels), 1e-4)
        for letter, share in frame.items():
            row[labels.index(letter)] = share
        rows += [row, np.eye(len(labels))[0] + 1e-4]
    return np.log(np.stack(rows) / np.sum(rows, axis=1, keepdims=True))


def bonus(language, text, labels=LETTERS):
    """What the answers' whole score gains by phrases alone."""
    state, total = language.start, 0.0
    for letter in text:
        label = labels.index(letter)
        total += language.row(state)[label]
        state = language.next(state, label)
    return total + language.end(state)


def language(*phrases, units="character", labels=LETTERS, boost=1.0):
    return language_of(labels, units, BeamOptions(phrases=phrases, phrase_boost=boost))


def test_an_ambiguous_sound_turns_to_the_phrase():
    sound = logits_of(*({letter: 1} for letter in "pet"), {"i": 0.6, "e": 0.3}, {"r": 0.5, "n": 0.5})
    assert decode(HEAD, sound, beam=BeamOptions()).value in ("petir", "petin")
    assert decode(HEAD, sound, beam=BeamOptions(phrases=("peter",))).value == "peter"
    assert decode(HEAD, sound, beam=BeamOptions(phrases=("peters",))).value in ("petir", "petin")
    told = BeamOptions(phrases=("peter",), language=LANGUAGE, spelling=NgramModel.train(["tent"], 2))
    assert decode(HEAD, sound, beam=told).value == "peter"


def test_only_whole_phrases_of_whole_words_count():
    told = language(*PHRASES)
    for text, expected in {
        "": 0, "anna": 4, "ann": 0, "annas": 0, "san": 0, "nanna": 0, "peter in": 7, "anna peter": 9,
        "anna pet": 4, "anna in peter": 11, "a anna": 4, "pinin": 0, "in in": 4, "anna anna peter": 13,
    }.items():  # fmt: skip
        assert bonus(told, text) == pytest.approx(expected), text


def test_words_and_syllables_and_subwords_are_told_too():
    words = ("", "anna", "peter", "is", "in")
    assert bonus(language("anna peter", units="word", labels=words), ["anna", "peter"], words) == 2
    assert bonus(language("anna peter", units="word", labels=words), ["anna", "in"], words) == 0
    han = ("", "北", "京", "大", "学")
    told = language("北京", "北京大学", labels=han)
    assert [bonus(told, text, han) for text in ("北京大", "大北京", "北京大学", "北大学")] == [2, 2, 4, 0]
    parts = ("", "▁", "▁an", "na", "n", "a", "s")
    told = language("anna", units="subword", labels=parts)
    for split, expected in {("▁an", "na"): 4, ("▁", "a", "n", "na"): 4, ("▁an", "na", "s"): 0,
                            ("▁an", "na", "▁an", "na"): 8, ("▁an", "na", "▁an"): 4}.items():  # fmt: skip
        assert bonus(told, split, parts) == pytest.approx(expected), split


@settings(max_examples=60, deadline=None)
@given(
    text=st.lists(st.sampled_from(["anna", "peter", "in", "ann", "pete", "tin", "a"]), max_size=6),
    boost=st.floats(0, 10),
)
def test_the_bonus_is_that_of_the_letters_of_phrases(text, boost):
    """Each phrase counts its letters, a longer one those of its own that no shorter one did."""
    expected = sum({"anna": 4, "peter": 5, "in": 2}.get(word, 0) for word in text)
    assert bonus(language(*PHRASES, boost=boost), " ".join(text)) == pytest.approx(boost * expected, abs=1e-9)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10_000), time=st.integers(1, 20), told=st.booleans())
def test_phrases_that_count_nothing_change_nothing(seed, time, told):
    logits = np.random.default_rng(seed).normal(0, 2, (time, len(LETTERS)))
    options = BeamOptions(8, language=LANGUAGE if told else None, open_vocabulary=True)
    plain = decode(HEAD, logits, beam=options)
    assert BeamChanges().of(options) is options
    assert decode(HEAD, logits, beam=BeamChanges(phrases=()).of(options)) == plain
    assert decode(HEAD, logits, beam=BeamChanges(phrases=PHRASES, phrase_boost=0.0).of(options)) == plain


def test_phrases_travel_and_bad_ones_are_refused():
    options = BeamOptions(phrases=["anna", "peter"], phrase_boost=3.0)
    read = beam_from_metadata({"beam": beam_to_metadata(options)})
    assert read is not None
    assert (read.phrases, read.phrase_boost) == (("anna", "peter"), 3.0)
    for phrases in ("anna", (" ",)):
        with pytest.raises(InputError, match="several texts"):
            BeamOptions(phrases=phrases)
    with pytest.raises(InputError, match="phrase_boost"):
        BeamOptions(phrase_boost=float("inf"))
    with pytest.raises(InputError, match="'zoé' holds 'z'"):
        language("zoé")
    with pytest.raises(InputError, match="'bob' holds 'bob'"):
        language("bob", units="word", labels=("", "anna"))


def test_changes_take_another_language_as_what_it_is():
    own = BeamOptions(8, language=LANGUAGE, spelling=NgramModel.train(["tent"], 2), alpha=0.9)
    letters = NgramModel.train(["a tent", "peter"], 3)
    words = NgramModel.train([["is", "peter"]], 2)
    changed = BeamChanges(language=letters, alpha=0.3).of(own)
    assert changed is not None
    assert (changed.level, changed.alpha, changed.spelling, changed.width) == ("character", 0.3, None, 8)
    changed = BeamChanges(width=4, language=words).of(own)
    assert changed is not None
    assert (changed.level, changed.alpha, changed.width) == ("word", 0.9, 4)
    assert changed.spelling is own.spelling
    assert BeamChanges(phrases=("in",)).of(None) == BeamOptions(phrases=("in",))
