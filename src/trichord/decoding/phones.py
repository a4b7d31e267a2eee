"""CTC logits over phones -> the words of a pronouncing dictionary, with their times."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from trichord.clip import Event
from trichord.decoding.answer import Decoded
from trichord.decoding.ctc_paths import BLANK, align
from trichord.decoding.ctc_scores import confidence_of, log_score
from trichord.decoding.lexicon import Lexicon, LexiconSearch, Spoken, pronunciations_of
from trichord.decoding.logits import Floats
from trichord.decoding.options import BeamOptions
from trichord.errors import InputError


def decode_phones(
    labels: tuple[str, ...], log_probs: Floats, rate: float | None, options: BeamOptions
) -> Decoded:
    """Return the likeliest words in `log_probs (time, classes)`."""
    search = LexiconSearch(lexicon_of(labels, options), options)
    search.feed(log_probs)
    return worded(search.best(), log_probs, rate, options)


@lru_cache(maxsize=8)
def lexicon_of(labels: tuple[str, ...], options: BeamOptions) -> Lexicon:
    """Return the tree of the words that the options let be said, over these labels."""
    if options.pronounced is None:
        raise InputError("phones become words by a pronouncing dictionary; these options have none")
    if options.phrases:
        raise InputError("phrases cannot be favoured in a model of phones; add them to its dictionary")
    return Lexicon(pronunciations_of(options.pronounced.words, labels), options.language)


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
    return Decoded(
        joiner.join(word.word for word in found),
        confidence_of(peaks),
        log_score(log_probs, labels),
        events=tuple(events),
    )


def phones_of(head: Mapping[str, Any], text: str) -> str | None:
    """Return the phones of a text by a head's own dictionary, the first way of each word; None without one.

    Texts that are not made of its words are phones already.
    """
    pronounced = (head.get("beam") or {}).get("pronounced")
    if not pronounced:
        return None
    words = text.split() if pronounced.get("joiner", " ") else list(text)
    ways = [pronounced["words"].get(word) for word in words]
    return " ".join(way[0] for way in ways if way) if all(ways) else None
