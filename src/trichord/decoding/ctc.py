"""CTC logits -> a transcript, its words with their times, and how sure it is."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

from numpy.typing import ArrayLike

from trichord.clip import Event
from trichord.decoding.answer import Decoded, Value
from trichord.decoding.beam import beam_search
from trichord.decoding.ctc_paths import (
    BLANK,
    Symbol,
    align,
    best_path,
    check_cells,
    ctc_log_probability,
)
from trichord.decoding.ctc_scores import confidence_of, log_score
from trichord.decoding.language import language_of
from trichord.decoding.logits import Floats, checked_logits, log_softmax
from trichord.decoding.metadata import CtcMetadata
from trichord.decoding.options import BeamOptions
from trichord.decoding.phones import decode_phones
from trichord.decoding.subword import MARK, pieces_of, split_word
from trichord.errors import InputError


def decode_ctc(
    head: CtcMetadata, logits: ArrayLike, rate: float | None = None, beam: BeamOptions | None = None
) -> Decoded:
    """Return the transcript of logits `(time, classes)`: of the best path, or of a beam search.

    Where the best path writes nothing, nothing is searched for. Words carry times where `rate`, frames per
    second, is known. Where characters hold no blank between words, each is a word. A word's confidence is the
    geometric mean of its labels' highest probabilities; the transcript's is that of all labels, or of the
    blank where nothing is said. The log-score of subwords is that of the value's words, split as learned.
    Raises InputError for frames beyond what a beam search can align.
    """
    log_probs = log_softmax(checked_logits(logits, len(head.labels)))
    if not len(log_probs):
        return Decoded("", None, 0.0)
    best = best_path(log_probs)
    if beam is None or not best:  # a language of sentences must not invent one where nobody spoke
        return spelled(head, log_probs, None, rate)
    check_cells(len(log_probs), len(best))  # before a search whose answer could not be aligned
    if beam.pronounced is not None:
        return decode_phones(head.labels, log_probs, rate, beam)
    found = beam_search(log_probs, beam, language_of(head.labels, head.units, beam))
    return spelled(head, log_probs, found, rate)


def spelled(head: CtcMetadata, log_probs: Floats, found: Sequence[int] | None, rate: float | None) -> Decoded:
    """Return the transcript that labels `found` in `log_probs (time, classes)` spell, or the best path's."""
    if found is None:
        path = best_path(log_probs)
        symbols = [path[i] for i in single_spaced(head, [s.label for s in path])]
    else:
        symbols = align(log_probs, [found[i] for i in single_spaced(head, found)])
    peaks = [s.log_peak for s in symbols] or log_probs[:, BLANK].tolist()
    labels = [s.label for s in symbols]
    value = text_of(head, labels)
    if head.units == "subword":
        labels = labels_of(head, value) or labels
    return Decoded(
        value=value,
        confidence=confidence_of(peaks),
        log_score=log_score(log_probs, labels),
        events=() if rate is None else tuple(event_of(head, w, rate) for w in words_of(head, symbols)),
    )


def ctc_answer_log_probability(head: CtcMetadata, logits: ArrayLike, answer: Value) -> float:
    """Return the log-probability of a transcript: over all paths that spell it, -inf where none does.

    Of phones, the answer is phones too; see `phones.phones_of`.
    """
    log_probs = checked_logits(logits, len(head.labels))
    labels = labels_of(head, str(answer))
    if labels is None:
        return -math.inf
    return float(ctc_log_probability(log_probs[None], [len(log_probs)], labels)[0])


def labels_of(head: CtcMetadata, text: str) -> list[int] | None:
    """Return a transcript's label indices, or None where it holds something that is no label."""
    index = {label: i for i, label in enumerate(head.labels) if i != BLANK}
    found = [index.get(unit) for unit in units_of(head, text, index)]
    return None if None in found else [i for i in found if i is not None]


def units_of(head: CtcMetadata, text: str, ranks: Mapping[str, int]) -> Iterable[str]:
    """Return a text's units; `ranks` are the places of the head's labels."""
    if head.units == "subword":
        return [unit for word in text.split() for unit in split_word(word, ranks)]
    return text if head.units == "character" else text.split()


def text_of(head: CtcMetadata, labels: Sequence[int]) -> str:
    if head.units == "character":
        return "".join(head.labels[i] for i in labels)
    pieces = pieces_of(head.labels, head.units)
    return "".join(pieces[i] for i in labels).removeprefix(MARK).replace(MARK, " ")


def single_spaced(head: CtcMetadata, labels: Sequence[int]) -> list[int]:
    """Return the places of the labels to keep, so that blanks stand only between words, one each."""
    if head.units == "subword":
        return single_marked(head, labels)
    kept: list[int] = []
    for place, label in enumerate(labels):
        if head.labels[label] != " " or (kept and head.labels[labels[kept[-1]]] != " "):
            kept.append(place)
    return kept[:-1] if kept and head.labels[labels[kept[-1]]] == " " else kept


def single_marked(head: CtcMetadata, labels: Sequence[int]) -> list[int]:
    """Return the places of the subwords to keep, so that no word's mark stands alone."""
    following = [head.labels[label] for label in labels[1:]] + [MARK]
    return [
        place for place, (label, unit) in enumerate(zip(labels, following, strict=True))
        if head.labels[label] != MARK or not unit.startswith(MARK)
    ]  # fmt: skip


def words_of(head: CtcMetadata, symbols: Sequence[Symbol]) -> list[list[Symbol]]:
    """Return the labels of each word."""
    if head.units in ("word", "phone") or (head.units == "character" and " " not in head.labels):
        return [[symbol] for symbol in symbols]
    words: list[list[Symbol]] = [[]]
    for symbol in symbols:
        label = head.labels[symbol.label]
        if label == " " or (head.units == "subword" and label.startswith(MARK)):
            words.append([])
        if label != " ":
            words[-1].append(symbol)
    return [word for word in words if word]


def event_of(head: CtcMetadata, word: Sequence[Symbol], rate: float) -> Event:
    text = text_of(head, [s.label for s in word])
    confidence = confidence_of([s.log_peak for s in word])
    return Event(text, word[0].start / rate, word[-1].end / rate, confidence)


def check_rate(rate: float | None) -> None:
    if rate is not None and not (rate > 0 and math.isfinite(rate)):
        raise InputError(f"a rate must be above 0 Hz, or None where steps have no times; got {rate}")
