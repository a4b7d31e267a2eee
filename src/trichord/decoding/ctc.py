"""CTC logits -> a transcript, its words with their times, and how sure it is."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from trichord.clip import Event
from trichord.decoding.answer import Decoded, Value
from trichord.decoding.beam import beam_search
from trichord.decoding.ctc_paths import (
    BLANK,
    MAX_CELLS,
    Symbol,
    align,
    best_path,
    check_cells,
    ctc_log_probability,
)
from trichord.decoding.language import language_of
from trichord.decoding.logits import Floats, checked_logits, log_softmax
from trichord.decoding.metadata import CtcMetadata
from trichord.decoding.options import BeamOptions
from trichord.errors import InputError

BEST_PATH_SCORE = MAX_CELLS // 8
"""Cells beyond which a transcript's log-score is its best path's alone, a lower bound: the sum over all
paths would take longer than the rest of the work."""


def decode_ctc(
    head: CtcMetadata, logits: ArrayLike, rate: float | None = None, beam: BeamOptions | None = None
) -> Decoded:
    """Return the transcript of logits `(time, classes)`: of the best path, or of a beam search.

    Where the best path writes nothing, nothing is searched for. Words carry times where `rate`, frames per
    second, is known. Where the labels hold no blank between words, each is a word. A word's confidence is the
    geometric mean of its labels' highest probabilities; the transcript's is that of all labels, or of the
    blank where nothing is said.
    Raises InputError for frames beyond what a beam search can align.
    """
    log_probs = log_softmax(checked_logits(logits, len(head.labels)))
    if not len(log_probs):
        return Decoded("", None, 0.0)
    symbols = best_path(log_probs)
    if beam is None or not symbols:  # a language of sentences must not invent one where nobody spoke
        symbols = [symbols[i] for i in single_spaced(head, [s.label for s in symbols])]
    else:
        check_cells(len(log_probs), len(symbols))  # before a search whose answer could not be aligned
        found = beam_search(log_probs, beam, language_of(head.labels, head.units, beam))
        symbols = align(log_probs, [found[i] for i in single_spaced(head, found)])
    peaks = [s.log_peak for s in symbols] or log_probs[:, BLANK].tolist()
    return Decoded(
        value=text_of(head, [s.label for s in symbols]),
        confidence=confidence_of(peaks),
        log_score=log_score(log_probs, [s.label for s in symbols]),
        events=() if rate is None else tuple(event_of(head, w, rate) for w in words_of(head, symbols)),
    )


def ctc_answer_log_probability(head: CtcMetadata, logits: ArrayLike, answer: Value) -> float:
    """Return the log-probability of a transcript: over all paths that spell it, -inf where none does."""
    log_probs = checked_logits(logits, len(head.labels))
    labels = labels_of(head, str(answer))
    if labels is None:
        return -math.inf
    return float(ctc_log_probability(log_probs[None], [len(log_probs)], labels)[0])


def labels_of(head: CtcMetadata, text: str) -> list[int] | None:
    """Return a transcript's label indices, or None where it holds something that is no label."""
    index = {label: i for i, label in enumerate(head.labels) if i != BLANK}
    found = [index.get(unit) for unit in (text.split() if head.units == "word" else text)]
    return None if None in found else [i for i in found if i is not None]


def text_of(head: CtcMetadata, labels: Sequence[int]) -> str:
    return (" " if head.units == "word" else "").join(head.labels[i] for i in labels)


def single_spaced(head: CtcMetadata, labels: Sequence[int]) -> list[int]:
    """Return the places of the labels to keep, so that blanks stand only between words, one each."""
    kept: list[int] = []
    for place, label in enumerate(labels):
        if head.labels[label] != " " or (kept and head.labels[labels[kept[-1]]] != " "):
            kept.append(place)
    return kept[:-1] if kept and head.labels[labels[kept[-1]]] == " " else kept


def words_of(head: CtcMetadata, symbols: Sequence[Symbol]) -> list[list[Symbol]]:
    """Return the labels of each word."""
    if head.units == "word" or " " not in head.labels:
        return [[symbol] for symbol in symbols]
    words: list[list[Symbol]] = [[]]
    for symbol in symbols:
        if head.labels[symbol.label] == " ":
            words.append([])
        else:
            words[-1].append(symbol)
    return [word for word in words if word]


def event_of(head: CtcMetadata, word: Sequence[Symbol], rate: float) -> Event:
    text = text_of(head, [s.label for s in word])
    confidence = confidence_of([s.log_peak for s in word])
    return Event(text, word[0].start / rate, word[-1].end / rate, confidence)


def confidence_of(log_peaks: Sequence[float]) -> float:
    return math.exp(min(0.0, float(np.mean(log_peaks))))


def log_score(log_probs: Floats, labels: Sequence[int]) -> float:
    """Return ln P(labels), of all paths or, for very long ones, a lower bound: of the best."""
    if len(log_probs) * (2 * len(labels) + 1) > BEST_PATH_SCORE:
        return float(log_probs.max(axis=1).sum())
    return float(ctc_log_probability(log_probs[None], [len(log_probs)], labels)[0])


def check_rate(rate: float | None) -> None:
    if rate is not None and not (rate > 0 and math.isfinite(rate)):
        raise InputError(f"a rate must be above 0 Hz, or None where steps have no times; got {rate}")
