"""CTC logits over phones -> the words of a pronouncing dictionary, with their times."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from itertools import chain
from typing import Any

from numpy.typing import ArrayLike

from trichord.clip import Event
from trichord.decoding.answer import Decoded
from trichord.decoding.ctc_paths import BLANK, align
from trichord.decoding.ctc_scores import confidence_of, log_score
from trichord.decoding.grammar import grammar_of
from trichord.decoding.lexicon import (
    Language,
    Lexicon,
    LexiconSearch,
    Pronunciation,
    Spoken,
    pronunciations_of,
)
from trichord.decoding.logits import Floats, checked_logits, log_softmax
from trichord.decoding.options import BeamOptions, Pronounced
from trichord.errors import InputError


def decode_phones(
    labels: tuple[str, ...], log_probs: Floats, rate: float | None, options: BeamOptions
) -> Decoded:
    """Return the likeliest words in `log_probs (time, classes)`."""
    search = LexiconSearch(lexicon_of(labels, options), options)
    search.feed(log_probs)
    return worded(search.best(), log_probs, rate, options)


def lexicon_of(labels: tuple[str, ...], options: BeamOptions) -> Lexicon:
    """Return the tree of the words that the options let be said, over these labels.

    Raises InputError where there is no dictionary, or none of its words is made of the labels.
    """
    if options.pronounced is None:
        raise InputError("phones become words by a pronouncing dictionary; these options have none")
    if options.phrases:
        raise InputError("phrases cannot be favoured in a model of phones; add them to its dictionary")
    return tree_of(labels, options.pronounced, options.grammar or options.language)


@lru_cache(maxsize=4)
def tree_of(labels: tuple[str, ...], pronounced: Pronounced, language: Language | None) -> Lexicon:
    words = pronunciations_of(pronounced.words, labels)
    if not words:
        raise InputError("no word of the pronouncing dictionary is made of the phones that are the labels")
    return Lexicon(words, language)


def worded(found: Sequence[Spoken], log_probs: Floats, rate: float | None, options: BeamOptions) -> Decoded:
    """Return words found in `log_probs (time, classes)` as an answer, each where its phones are."""
    labels = [label for word in found for label in word.labels]
    symbols = align(log_probs, labels)
    peaks = [symbol.log_peak for symbol in symbols] or log_probs[:, BLANK].tolist()
    events: list[Event] = []
    if rate is not None:
        for word in found:
            spoken, symbols = symbols[: len(word.labels)], symbols[len(word.labels) :]
            sure = confidence_of([symbol.log_peak for symbol in spoken])
            events.append(Event(word.word, spoken[0].start / rate, spoken[-1].end / rate, sure))
    joiner = options.pronounced.joiner if options.pronounced else " "
    words = [word.word for word in found]
    return Decoded(
        joiner.join(words) if options.grammar is None else options.grammar.meaning(words) or "",
        confidence_of(peaks),
        log_score(log_probs, labels),
        events=tuple(events),
    )


def phones_of(head: Mapping[str, Any], logits: ArrayLike, text: str) -> str | None:
    """Return the phones of a text in logits `(time, classes)`, by a head's own dictionary; None without one.

    Of each word's pronunciations the likeliest is taken, one word after another; where there is a grammar, of
    what may be said to mean the text. Texts that are not made of the dictionary's words are phones already.
    """
    labels = tuple(head["labels"])
    log_probs = log_softmax(checked_logits(logits, len(labels)))
    if grammar := (head.get("beam") or {}).get("grammar"):
        return likeliest(head, log_probs, grammar_of(grammar).ways(text))
    if not (ways := ways_of(head, text)):
        return None
    chosen = [word[0] for word in ways]
    for place, word in enumerate(ways):
        tried = [[*chosen[:place], way, *chosen[place + 1 :]] for way in word]
        if len(tried) > 1:
            chosen = max(tried, key=lambda spoken: log_score(log_probs, list(chain.from_iterable(spoken))))
    return " ".join(labels[label] for label in chain.from_iterable(chosen))


def likeliest(head: Mapping[str, Any], log_probs: Floats, sentences: Sequence[Sequence[str]]) -> str | None:
    """Return the phones of the likeliest sentence, each word by the first of its pronunciations."""
    spelled = [[label for way in ways_of(head, " ".join(words)) for label in way[0]] for words in sentences]
    best = max(spelled, key=lambda labels: log_score(log_probs, labels), default=None)
    return " ".join(head["labels"][label] for label in best) if best else None


def ways_of(head: Mapping[str, Any], text: str) -> list[list[Pronunciation]]:
    """Return each word's pronunciations by a head's own dictionary; none where that lacks a word."""
    pronounced = (head.get("beam") or {}).get("pronounced")
    if not pronounced:
        return []
    words, written = text.split() if pronounced.get("joiner", " ") else list(text), pronounced["words"]
    ways = pronunciations_of({word: written.get(word, ()) for word in words}, head["labels"])
    return [ways[word] for word in words] if all(word in ways for word in words) else []
