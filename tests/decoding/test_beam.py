from __future__ import annotations

from itertools import pairwise
from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_ctc_paths import enumerated

from trichord.decoding import BeamOptions, NgramModel, decode
from trichord.decoding import words as words_module
from trichord.decoding.beam import BeamSearch, beam_search
from trichord.decoding.language import language_of
from trichord.decoding.logits import log_softmax
from trichord.decoding.ngram import START
from trichord.decoding.options import beam_from_metadata, beam_to_metadata
from trichord.decoding.spelling import MAX_LETTERS
from trichord.decoding.words import WordLanguage
from trichord.errors import ArtifactError, InputError

LABELS = ("", " ", "a", "b")
HEAD = {"kind": "ctc", "units": "character", "labels": list(LABELS)}
WIDE = 100_000
LETTERS = NgramModel.train([list("a b"), list("ab"), list("ba a"), list("b")], order=2)
WORDS = NgramModel.train([["a", "b"], ["ab", "a"], ["b", "ab", "b"]], order=2)
OPEN = NgramModel.train([["a", "b"], ["ab", "a"], ["b", "ab", "b"]], order=2, open_vocabulary=True)
SPELLING = NgramModel.train(["a", "ab", "ba"], order=2)


def random_log_probs(seed, time, classes=4):
    return log_softmax(np.random.default_rng(seed).normal(0, 2, (time, classes)))


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10_000), time=st.integers(1, 6))
def test_wide_beam_finds_the_likeliest_answer(seed, time):
    log_probs = random_log_probs(seed, time, 3)
    totals, _ = enumerated(log_probs)
    found = tuple(beam_search(log_probs, BeamOptions(width=10_000, symbols=3), None))
    assert totals[found] == pytest.approx(max(totals.values()))


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10_000), time=st.integers(1, 5), alpha=st.floats(0, 3), beta=st.floats(-1, 3))
def test_wide_beam_with_a_character_model(seed, time, alpha, beta):
    log_probs = random_log_probs(seed, time)
    options = BeamOptions(10_000, 4, LETTERS, "character", alpha, beta)

    def fused(answer, acoustic):
        text = [LABELS[label] for label in answer]
        return acoustic + alpha * LETTERS.sentence_score(text) + beta * len(text)

    scores = {answer: fused(answer, score) for answer, score in enumerated(log_probs)[0].items()}
    found = tuple(beam_search(log_probs, options, language_of(LABELS, "character", options)))
    assert scores[found] == pytest.approx(max(scores.values()))


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10_000), time=st.integers(1, 5), alpha=st.floats(0, 3), free=st.booleans())
def test_wide_beam_with_a_word_model(seed, time, alpha, free):
    log_probs = random_log_probs(seed, time)
    options = BeamOptions(10_000, 4, WORDS, "word", alpha, 0.5, open_vocabulary=free)

    def fused(answer, acoustic):
        text = "".join(LABELS[label] for label in answer)
        words = text.split()
        stray = text.startswith(" ") or "  " in text
        if stray or not (free or set(words) <= WORDS.vocabulary):
            return -np.inf
        return acoustic + alpha * WORDS.sentence_score(words) + 0.5 * len(words)

    scores = {answer: fused(answer, score) for answer, score in enumerated(log_probs)[0].items()}
    found = tuple(beam_search(log_probs, options, language_of(LABELS, "character", options)))
    assert scores[found] == pytest.approx(max(scores.values()))


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10_000), time=st.integers(1, 25), width=st.integers(1, 8))
def test_a_lexicon_lets_nothing_else_be_said(seed, time, width):
    logits = np.random.default_rng(seed).normal(0, 2, (time, 4))
    lexicon = frozenset({"ab", "bba"})
    answer = decode(HEAD, logits, beam=BeamOptions(width, lexicon=lexicon))
    assert set(answer.value.split()) <= lexicon
    again = decode(HEAD, logits, beam=BeamOptions(width, language=WORDS, lexicon=lexicon))
    assert set(again.value.split()) <= lexicon


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 10_000), time=st.integers(1, 30), width=st.integers(1, 12),
    cuts=st.lists(st.integers(0, 30), max_size=6), kind=st.sampled_from(["none", "words", "open", "phrases"]),
)  # fmt: skip
def test_any_pieces_give_what_the_whole_gives(seed, time, width, cuts, kind):
    log_probs = random_log_probs(seed, time)
    options = {
        "none": BeamOptions(width), "words": BeamOptions(width, language=WORDS),
        "open": BeamOptions(width, language=WORDS, spelling=SPELLING),
        "phrases": BeamOptions(width, language=WORDS, open_vocabulary=True, phrases=("ab", "b a")),
    }[kind]  # fmt: skip
    language = language_of(LABELS, "character", options)
    search, settled = BeamSearch(options, language), []
    for piece in np.split(log_probs, sorted(cuts)):
        search.feed(piece)
        assert search.settled[: len(settled)] == settled
        settled = list(search.settled)
        assert search.best(final=False)[: len(settled)] == settled
    best = search.best()
    assert [written.label for written in best] == beam_search(log_probs, options, language)
    assert all(a.frame < b.frame for a, b in pairwise(best))
    assert search.frames == time


def test_a_search_forgets_what_can_no_longer_change():
    search = BeamSearch(BeamOptions(8), None)
    for seed in range(40):
        search.feed(random_log_probs(seed, 50))
    assert len(search.settled) > 500
    tree, nodes = set(), list(search.beam.nodes)
    while nodes:
        tree.add(id(node := nodes.pop()))
        nodes += [node.before] if node.before else []
    assert len(tree) < 200
    assert [w.frame for w in search.settled] == sorted(w.frame for w in search.settled)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10_000), time=st.integers(1, 5), alpha=st.floats(0, 3))
def test_wide_beam_spells_the_words_that_its_model_does_not_know(seed, time, alpha):
    log_probs = random_log_probs(seed, time)
    options = BeamOptions(10_000, 4, OPEN, "word", alpha, 0.5, spelling=SPELLING)

    def fused(answer, acoustic):
        text = "".join(LABELS[label] for label in answer)
        if text.startswith(" ") or "  " in text:
            return -np.inf
        words = text.split()
        spelled = sum(SPELLING.sentence_score(word) for word in words if word not in OPEN.vocabulary)
        return acoustic + alpha * (OPEN.sentence_score(words) + spelled) + 0.5 * len(words)

    scores = {answer: fused(answer, score) for answer, score in enumerated(log_probs)[0].items()}
    found = tuple(beam_search(log_probs, options, language_of(LABELS, "character", options)))
    assert scores[found] == pytest.approx(max(scores.values()))


def walked(language, text):
    """The score of a text, label by label; -inf as soon as one is forbidden."""
    state, total = language.start, 0.0
    for label in map(LABELS.index, text):
        if (total := total + language.row(state)[label]) == -np.inf:
            return total
        state = language.next(state, label)
    return total + language.end(state)


@settings(max_examples=60, deadline=None)
@given(
    text=st.text(" ab", max_size=12), kind=st.sampled_from(["closed", "open", "spelled", "lexicon"]),
    large=st.sampled_from([0, 1000]),
)  # fmt: skip
def test_look_ahead_adds_up_to_the_score_of_the_words(text, kind, large):
    options = {
        "closed": BeamOptions(language=WORDS), "open": BeamOptions(language=WORDS, open_vocabulary=True),
        "spelled": BeamOptions(language=OPEN, spelling=SPELLING),
        "lexicon": BeamOptions(lexicon=frozenset({"ab", "b", "bba"}), language=WORDS),
    }[kind]  # fmt: skip
    with patch.object(words_module, "LARGE", large):
        total = walked(WordLanguage(LABELS, "character", options), " ".join(text.split()))
    words = text.split()
    known = options.lexicon or options.language.vocabulary
    new = [word for word in words if word not in known]
    expected = options.language.sentence_score(words)
    if kind == "spelled":
        expected += sum(SPELLING.sentence_score(word) for word in new)
    allowed = not new or kind in ("open", "spelled")
    assert total == (pytest.approx(0.5 * expected) if allowed else -np.inf)


def test_a_word_model_decides_between_equal_sounds():
    logits = np.log(np.array([[0.02, 0.02, 0.94, 0.02], [0.94, 0.02, 0.02, 0.02], [0.02, 0.94, 0.02, 0.02],
                              [0.04, 0.02, 0.47, 0.47]]))  # fmt: skip
    said = NgramModel.train([["a", "b"]] * 5 + [["b", "a"]] * 5, order=2)
    assert decode(HEAD, logits, beam=BeamOptions(language=said, alpha=1.0)).value == "a b"
    assert said.score("b", ["a"]) > said.score("a", ["a"])


def test_word_labels_follow_a_word_model_and_a_lexicon():
    head = {"kind": "ctc", "units": "word", "labels": ["", "a", "ab", "b"]}
    logits = np.log(np.full((1, 4), 0.25)) + np.array([[0, 0.1, 0, 0.2]])
    assert decode(head, logits).value == "b"
    assert decode(head, logits, beam=BeamOptions(lexicon=frozenset({"a"}))).value == "a"
    first = max(("a", "ab", "b"), key=lambda word: WORDS.sentence_score([word]))
    assert decode(head, logits, beam=BeamOptions(language=WORDS, alpha=50.0, beta=500.0)).value == first


@settings(max_examples=40, deadline=None)
@given(context=st.lists(st.sampled_from(["a", "b", " ", "?", START]), max_size=3))
def test_rows_are_the_scores_of_the_model(context):
    labels = ("", "a", "?", "b", " ", "!")
    options = BeamOptions(language=LETTERS, level="character", alpha=2.0, beta=0.1)
    language = language_of(labels, "character", options)
    row = language.row(LETTERS.known(tuple(context)))
    expected = [2.0 * LETTERS.score(label, context) + 0.1 for label in labels]
    assert row[1:] == pytest.approx(expected[1:])


def test_options_that_cannot_meet_the_labels_are_refused():
    with pytest.raises(InputError, match="no blank between words"):
        language_of(("", "a"), "character", BeamOptions(lexicon=frozenset({"a"})))
    with pytest.raises(InputError, match="character model"):
        language_of(("", "a"), "word", BeamOptions(language=LETTERS, level="character"))
    with pytest.raises(InputError, match="width"):
        BeamOptions(width=0)
    with pytest.raises(InputError, match="spelling"):
        BeamOptions(spelling=SPELLING)
    with pytest.raises(InputError, match="finite"):
        BeamOptions(alpha=float("nan"))


def test_options_travel_in_metadata():
    options = BeamOptions(8, language=OPEN, spelling=SPELLING)
    spelling = beam_from_metadata(HEAD | {"beam": beam_to_metadata(options)}).spelling
    assert spelling.sentence_score("ba") == pytest.approx(SPELLING.sentence_score("ba"))
    options = BeamOptions(8, language=WORDS, lexicon=frozenset({"a", "b"}), beta=1.5)
    restored = beam_from_metadata(HEAD | {"beam": beam_to_metadata(options)})
    assert (restored.width, restored.beta, restored.lexicon) == (8, 1.5, frozenset({"a", "b"}))
    assert restored.language.score("b", [START, "a"]) == pytest.approx(WORDS.score("b", [START, "a"]))
    assert beam_from_metadata(HEAD) is None
    for beam in ("wide", {"width": -1}, {"language": {"kind": "pickle"}}, {"language": {"arpa": "x"}}):
        with pytest.raises(ArtifactError):
            beam_from_metadata({"beam": beam})


@pytest.mark.parametrize("spelling", [None, SPELLING])
def test_an_unknown_word_ends_somewhere(spelling):
    logits = np.full((4 * MAX_LETTERS, 4), -9.0)
    logits[::2, 0], logits[1::2, 2] = 0.0, 0.0  # a, a, a ...
    options = BeamOptions(language=OPEN, spelling=spelling, open_vocabulary=True, alpha=0.01)
    words = decode(HEAD, logits, beam=options).value.split()
    assert max(map(len, words)) == MAX_LETTERS
