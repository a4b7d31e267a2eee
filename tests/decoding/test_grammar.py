from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trichord.decoding import BeamOptions, decode, log_probability
from trichord.decoding.grammar import Grammar, told, untold
from trichord.decoding.ngram import END, START
from trichord.decoding.options import Pronounced, beam_from_metadata, beam_to_metadata
from trichord.errors import ArtifactError, InputError

EXPRESSIONS = {
    "order": ["[I want, get (me)] a $size:size $drink:first (and a $drink:second)", "a $drink:first please"],
    "stop": ["stop (it)", "[never mind]"],
}
SLOTS = {"size": ["small", "very large"], "drink": ["tea", "iced tea", "Latte"]}
GRAMMAR = Grammar(EXPRESSIONS, SLOTS)
WORDS = sorted(GRAMMAR.vocabulary)
LETTERS = sorted({letter for word in WORDS for letter in word})
LABELS = ["", *LETTERS]
PRONOUNCED = Pronounced({word: (" ".join(word),) for word in WORDS})
HEAD = {"kind": "ctc", "units": "phone", "labels": LABELS,
        "beam": beam_to_metadata(BeamOptions(width=60, grammar=GRAMMAR, pronounced=PRONOUNCED))}  # fmt: skip


def logits_of(text: str, sure: float = 8.0, seed: int = 0) -> np.ndarray:
    steps = [step for letter in text.replace(" ", "") for step in (LABELS.index(letter), 0)]
    logits = np.random.default_rng(seed).normal(0, 1, (len(steps), len(LABELS)))
    logits[np.arange(len(steps)), steps] += sure
    return logits.astype(np.float32)


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ("i want a small latte", "order first=Latte size=small"),
        ("get me a very large tea and a iced tea", "order first=tea second=iced tea size=very large"),
        ("get a small iced tea", "order first=iced tea size=small"),
        ("a tea please", "order first=tea"),
        ("stop", "stop"),
        ("never mind", "stop"),
        ("a tea", None),
        ("get me a very tea", None),
        ("", None),
    ],
)
def test_words_have_a_meaning_or_none(text: str, meaning: str | None) -> None:
    expected = meaning and meaning.replace("Latte", "latte")
    assert GRAMMAR.meaning(text.split()) == expected


def test_every_sentence_that_means_something_is_found() -> None:
    ways = GRAMMAR.ways("order first=tea size=small")
    assert sorted(" ".join(way) for way in ways) == [
        "get a small tea", "get me a small tea", "i want a small tea",
    ]  # fmt: skip
    assert GRAMMAR.ways("order first=Latte size=small") == GRAMMAR.ways("order first=latte size=small") != []
    assert {" ".join(way) for way in GRAMMAR.ways("stop")} == {"stop", "stop it", "never mind"}
    assert GRAMMAR.ways("order size=small") == GRAMMAR.ways("fly") == GRAMMAR.ways("order first=coal") == []


MEANINGS = st.builds(
    lambda first, second, size: told("order", {"first": first, "size": size} | second),
    st.sampled_from(["tea", "iced tea", "latte"]),
    st.sampled_from([{}, {"second": "latte"}, {"second": "iced tea"}]),
    st.sampled_from(["small", "very large"]),
)


@given(MEANINGS)
def test_meanings_are_told_and_untold_and_every_way_has_that_meaning(meaning: str) -> None:
    assert told(*untold(meaning)) == meaning
    ways = GRAMMAR.ways(meaning)
    assert ways and all(GRAMMAR.meaning(way) == meaning for way in ways)


@given(st.lists(st.sampled_from(WORDS), max_size=7))
def test_as_a_language_it_allows_what_has_a_meaning_and_nothing_else(words: list[str]) -> None:
    context, allowed = (START,), True
    for word in words:
        allowed = allowed and GRAMMAR.score(word, context) == 0
        context = GRAMMAR.known((*context, word))
    assert (allowed and GRAMMAR.score(END, context) == 0) == (GRAMMAR.meaning(words) is not None)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000))
def test_a_search_answers_only_what_may_be_meant(seed: int) -> None:
    said = decode(HEAD, logits_of("get me a small tea", sure=2.0, seed=seed), beam=beam_from_metadata(HEAD))
    assert said.value == "" or GRAMMAR.ways(str(said.value))


def test_answers_are_meanings_with_the_words_times_and_a_probability() -> None:
    logits = logits_of("get me a very large iced tea")
    said = decode(HEAD, logits, rate=25.0, beam=beam_from_metadata(HEAD))
    assert said.value == "order first=iced tea size=very large"
    assert [event.what for event in said.events] == ["get", "me", "a", "very", "large", "iced", "tea"]
    assert log_probability(HEAD, logits, str(said.value)) == pytest.approx(said.log_score, abs=1e-4)
    assert log_probability(HEAD, logits, "order first=tea size=small") < said.log_score - 20


def test_metadata_bring_the_grammar_back() -> None:
    read = beam_from_metadata(HEAD)
    assert read is not None and read.grammar is not None
    assert read.grammar.to_metadata() == GRAMMAR.to_metadata()


@pytest.mark.parametrize(
    ("expression", "told"),
    [
        ("", "empty"), ("[a", "closed"), ("a]", "closes nothing"), ("[a, ]", "nothing between"),
        ("$size", "'\\$' begins"), ("$colour:c", "kind 'colour'"), ("(" * 30 + "a", "brackets within"),
        ("a " * 300, "150 words"), ("[(a), b]", "nothing between"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_said(expression: str, told: str) -> None:
    if expression == "[(a), b]":  # an optional part may stand alone in a choice
        assert Grammar({"go": [expression]}, {}).meaning(["a"]) == "go"
        return
    with pytest.raises(InputError, match=told):
        Grammar({"go": [expression]}, SLOTS)


def test_empty_and_huge_grammars_are_refused() -> None:
    for intents, slots in (({}, {}), ({"go": []}, {}), ({"1": ["a"]}, {}), ({"go": ["a"]}, {"s": [" "]}),
                           ({"go": ["a"]}, {"s": []})):  # fmt: skip
        with pytest.raises(InputError, match="grammar"):
            Grammar(intents, slots)
    many = Grammar({"go": [" ".join(["[a, b]"] * 20)]}, {})
    with pytest.raises(InputError, match="more than 10000 sentences"):
        many.ways("go")
    with pytest.raises(InputError, match="200000 nodes"):
        Grammar({"go": [f"$s:s{number}" for number in range(300)]}, {"s": [f"w{n} x" for n in range(1000)]})


def test_hostile_metadata_are_refused() -> None:
    for grammar in ({"intents": {"go": ["[a"]}, "slots": {}}, {"intents": {}, "slots": {}}, {"intents": 3}):
        with pytest.raises(ArtifactError):
            beam_from_metadata({**HEAD, "beam": {**HEAD["beam"], "grammar": grammar}})
    with pytest.raises(ArtifactError, match="pronounced"):
        beam_from_metadata({**HEAD, "beam": {**HEAD["beam"], "pronounced": None}})
