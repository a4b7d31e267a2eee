from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trichord.decoding import BeamOptions, NgramModel, decode, log_probability
from trichord.decoding.ctc_paths import ctc_log_probability
from trichord.decoding.lexicon import Lexicon, LexiconSearch, pronunciations_of
from trichord.decoding.metadata import CtcMetadata
from trichord.decoding.ngram import START
from trichord.decoding.options import Pronounced, beam_from_metadata, beam_to_metadata
from trichord.decoding.phones import phones_of
from trichord.decoding.transcriber import transcriber_of
from trichord.errors import ArtifactError, InputError

LABELS = ("", "k", "ae", "t", "s", "n")
WORDS = {"cat": ("k ae t",), "cats": ("k ae t s",), "at": ("ae t",), "sat": ("s ae t",), "tan": ("t ae n",),
         "can": ("k ae n",), "kat": ("k ae t",)}  # fmt: skip
NEAR = 0.1
"""Nats: where two sentences meet in the tree, the likelier goes on with its own paths alone."""
SENTENCES = [["cat", "sat"], ["cats", "sat", "at", "tan"], ["can", "cat", "at"], ["tan", "cats"]]
LANGUAGE = NgramModel.train(SENTENCES, 2)
HEAD = {"kind": "ctc", "units": "phone", "labels": list(LABELS)}


def options(**changes: object) -> BeamOptions:
    values = {"width": 200, "symbols": 6, "language": LANGUAGE, "alpha": 0.7, "beta": 0.3}
    return BeamOptions(**(values | {"pronounced": Pronounced(WORDS)} | changes))  # type: ignore[arg-type]


def spoken(phones: str, sure: float = 6.0, seed: int = 0) -> np.ndarray:
    """Logits of phones, two steps each and a blank after."""
    rows = []
    for phone in phones.split():
        rows += [LABELS.index(phone)] * 2 + [0]
    logits = np.random.default_rng(seed).normal(0, 1, (len(rows), len(LABELS)))
    logits[np.arange(len(rows)), rows] += sure
    return logits


def log_probs_of(logits: np.ndarray) -> np.ndarray:
    return logits - np.log(np.exp(logits).sum(1, keepdims=True))


def search(logits: np.ndarray, chosen: BeamOptions) -> LexiconSearch:
    assert chosen.pronounced is not None
    found = LexiconSearch(
        Lexicon(pronunciations_of(chosen.pronounced.words, LABELS), chosen.language), chosen
    )
    found.feed(log_probs_of(logits))
    return found


def test_phones_become_words_with_their_times() -> None:
    said = decode(HEAD, spoken("k ae t s ae t"), rate=25.0, beam=options())
    assert said.value == "cat sat"
    assert [event.what for event in said.events] == ["cat", "sat"]
    assert said.events[1].start == pytest.approx(9 / 25, abs=0.05)
    assert said.confidence is not None and said.confidence > 0.9


def test_what_sounds_alike_is_told_apart_by_the_words_before() -> None:
    language = NgramModel.train([["can", "kat"], ["tan", "cat"]] * 3, 2)
    for first, second in (("can", "kat"), ("tan", "cat")):
        phones = f"{WORDS[first][0]} k ae t"
        assert decode(HEAD, spoken(phones), beam=options(language=language)).value == f"{first} {second}"


def test_without_a_search_the_phones_are_the_answer() -> None:
    assert decode(HEAD, spoken("k ae t")).value == "k ae t"
    assert decode(HEAD, np.zeros((0, 6)), beam=options()).value == ""
    quiet = np.zeros((5, 6))
    quiet[:, 0] = 9
    assert decode(HEAD, quiet, beam=options()).value == ""


def exhaustive(logits: np.ndarray, most: int = 2) -> dict[tuple[str, ...], float]:
    """Return the score of every sentence of so many words, by all paths of each."""
    log_probs = log_probs_of(logits)
    words = pronunciations_of(WORDS, LABELS)
    scores = {}
    for count in range(most + 1):
        for sentence in itertools.product(words, repeat=count):
            labels = [label for word in sentence for label in words[word][0]]
            acoustic = float(ctc_log_probability(log_probs[None], [len(log_probs)], labels)[0])
            scores[sentence] = acoustic + 0.7 * LANGUAGE.sentence_score(sentence) + 0.3 * len(sentence)
    return scores


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10**6), steps=st.integers(3, 7))
def test_the_search_finds_what_trying_everything_finds(seed: int, steps: int) -> None:
    logits = np.random.default_rng(seed).normal(0, 2, (steps, len(LABELS)))
    found = search(logits, options(width=10_000))
    scores = exhaustive(logits, most=3)
    best = max(scores.values())
    answer = tuple(one.word for one in found.best())
    assert scores[answer] == pytest.approx(best, abs=NEAR)
    ended = [one.score + found._end(key[0]) for key, one in found.beam.items() if key[1] == 0]
    assert max(ended) == pytest.approx(best, abs=NEAR)


def test_words_that_sound_alike_do_not_share_what_is_heard() -> None:
    heard = np.log(np.array([[1e-9, 0.55, 0.45]]))
    two = {"a": [(1,)], "b": [(2,)]}
    for words in (two, {**two, "c": [(2,)]}):
        found = LexiconSearch(Lexicon(words, None), BeamOptions(alpha=0))
        found.feed(heard)
        assert [one.word for one in found.best()] == ["a"]


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10**6), cuts=st.lists(st.integers(0, 18), max_size=5))
def test_any_pieces_say_what_the_whole_says(seed: int, cuts: list[int]) -> None:
    logits = spoken("k ae t s ae t", sure=2.0, seed=seed)
    whole = search(logits, options())
    pieces = LexiconSearch(whole.lexicon, options())
    for part in np.split(log_probs_of(logits), sorted(cuts)):
        pieces.feed(part)
    assert pieces.best() == whole.best()
    assert pieces.best(final=False) == whole.best(final=False)


def test_what_is_settled_never_changes_and_grows_into_the_answer() -> None:
    logits = np.concatenate([spoken("k ae t s ae t t ae n", seed=seed) for seed in range(3)])
    head = CtcMetadata.model_validate(HEAD)
    transcriber, before = transcriber_of(head, options(width=20)), [""]
    for frame in log_probs_of(logits):
        transcriber.feed(frame[None])
        text, settled = transcriber.so_far()
        words = text.split()[:settled]
        assert words[: len(before)] == before or before == [""]
        before = words or before
    said = transcriber.answer(log_probs_of(logits), 25.0)
    whole = decode(HEAD, logits, rate=25.0, beam=options(width=20))
    assert said.value == whole.value and said.confidence == pytest.approx(whole.confidence)
    assert [(e.what, e.start, e.end) for e in said.events] == [(e.what, e.start, e.end) for e in whole.events]
    assert len(before) >= 5 and str(said.value).split()[: len(before)] == before


def test_words_that_the_language_does_not_know_can_be_said() -> None:
    known = NgramModel.train([["cat"], ["sat"]], 2, open_vocabulary=True)
    assert decode(HEAD, spoken("t ae n"), beam=options(language=known)).value == "tan"
    lexicon = Lexicon(pronunciations_of(WORDS, LABELS), known)
    assert lexicon.outside == pytest.approx(-math.log(5))
    assert lexicon.scores(["tan"], (START,)) < lexicon.scores(["cat"], (START,))


def test_words_are_joined_as_their_language_writes_them() -> None:
    pronounced = Pronounced(WORDS, joiner="")
    assert decode(HEAD, spoken("k ae t s ae t"), beam=options(pronounced=pronounced)).value == "catsat"


def test_options_survive_the_metadata_and_score_words() -> None:
    head = {**HEAD, "beam": beam_to_metadata(options())}
    read = beam_from_metadata(head)
    assert read is not None and read.pronounced is not None
    assert read.pronounced.words == WORDS and read.pronounced.joiner == " "
    logits = spoken("k ae t s ae t")
    assert phones_of(head, logits, "cat sat") == "k ae t s ae t"
    assert log_probability(head, logits, "cat sat") == pytest.approx(
        log_probability(HEAD, logits, "k ae t s ae t")
    )
    assert phones_of(head, logits, "dog") is None
    assert log_probability(head, logits, "dog") == -math.inf


@pytest.mark.parametrize(
    "broken", [{"words": {"a": "k"}}, {"words": [1]}, {"words": {"a": ["k"]}, "joiner": 3}]
)
def test_a_broken_dictionary_is_refused(broken: object) -> None:
    with pytest.raises(ArtifactError):
        beam_from_metadata({**HEAD, "beam": {**beam_to_metadata(options()), "pronounced": broken}})


def test_a_word_is_scored_as_it_was_said() -> None:
    pronounced = Pronounced({"read": ("k ae", "k t"), "it": ("ae t",)})
    head = {**HEAD, "beam": beam_to_metadata(options(pronounced=pronounced, language=None))}
    for phones in ("k t ae t", "k ae ae t"):
        logits = spoken(phones)
        said = decode(head, logits, beam=beam_from_metadata(head))
        assert said.value == "read it"
        assert log_probability(head, logits, "read it") == pytest.approx(said.log_score)


def test_a_dictionary_of_other_phones_is_refused() -> None:
    with pytest.raises(InputError, match="no word"):
        decode(HEAD, spoken("k ae t"), beam=options(pronounced=Pronounced({"zoo": ("z uw",)})))


def test_a_word_without_labels_is_refused_and_unknown_phones_are_left_out() -> None:
    with pytest.raises(InputError, match="one label or more"):
        Lexicon({"mute": [()]}, None)
    assert pronunciations_of({"cat": ("k ae t", "k zh t"), "zoo": ("z uw",)}, LABELS) == {"cat": [(1, 2, 3)]}
    with pytest.raises(InputError, match="phrases"):
        decode(HEAD, spoken("k ae t"), beam=options(phrases=("cat",)))
