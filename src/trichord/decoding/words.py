"""A word model over labels that spell: characters with a blank between words, or subwords.

While a word grows, all words that begin like it stand for it (language-model look-ahead: S. Ortmanns et al.,
ICSLP 1996); its end replaces their probability by its own, so that a whole answer's score is the model's.
A word that the model does not know is ln P(<unk> | words before) + ln P(its letters), by a model of how words
are spelled (I. Bazzi and J. Glass, Modeling Out-of-Vocabulary Words for Robust Speech Recognition, 2000).
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from trichord.decoding.logits import Floats
from trichord.decoding.ngram import END, START, UNKNOWN, Context, NgramModel
from trichord.decoding.options import BeamOptions
from trichord.decoding.scores import TokenScores, after, keep
from trichord.decoding.spelling import Spelling
from trichord.decoding.subword import MARK, pieces_of

Indices: TypeAlias = NDArray[np.intp]
State: TypeAlias = tuple[Context, str]

LARGE = 20_000
TINY = 1e-12
"""The least that words count together while one of them grows: their sum is a difference of sums."""


class WordLanguage:
    """A state is the words before, as far as they matter, and the text of the word begun after its mark."""

    def __init__(self, labels: tuple[str, ...], units: str, options: BeamOptions) -> None:
        self.words = spelled_words(
            pieces_of(labels, units), options.language, options.spelling, options.lexicon,
            options.open_vocabulary,
        )  # fmt: skip
        self.alpha = 0.0 if options.language is None else options.alpha
        self.beta = options.beta
        self.start: State = ((START,), MARK if units == "character" else "")
        self.rows: dict[State, Floats] = {}

    def row(self, state: State) -> Floats:
        if (row := self.rows.get(state)) is None:
            context, text = state
            words = self.words
            row = np.full(len(words.pieces), -np.inf)
            if not text:
                row[words.opening] = self.weighed(words.ahead(context, "")[words.opening])
            else:
                here = self.alpha * words.potential(context, text)
                row[words.joining] = self.weighed(words.ahead(context, text)[words.joining]) - here
                if (ended := self.ended(context, text)) > -np.inf:
                    opened = words.ahead(words.after(context, text), "")[words.opening]
                    row[words.opening] = self.weighed(opened) + (ended - here)
            keep(self.rows, state, row, row.size)
        return row

    def weighed(self, scores: Floats) -> Floats:
        """Return scores times alpha, -inf left as it is whatever alpha is."""
        allowed = scores > -np.inf
        return np.where(allowed, self.alpha * np.where(allowed, scores, 0.0), -np.inf)

    def ended(self, context: Context, text: str) -> float:
        """Return the score of ending a word: -inf where none is begun, or it is not allowed."""
        score = self.words.whole(context, text)
        return score if score == -np.inf else self.alpha * score + self.beta

    def next(self, state: State, label: int) -> State:
        context, text = state
        piece = self.words.pieces[label]
        if not piece.startswith(MARK):
            return context, text + piece
        return self.words.after(context, text), piece

    def end(self, state: State) -> float:
        context, text = state
        score = 0.0
        if text not in ("", MARK):
            if (score := self.ended(context, text)) == -np.inf:
                return score
            score -= self.alpha * self.words.potential(context, text)
        return score + self.alpha * self.words.stop(self.words.after(context, text))


@dataclass(frozen=True, slots=True)
class Begun:
    """A text begun: the words `[low, high)` that begin so, and with each label more, `(classes,)` each.

    `spelling`, and `spellings` with each label more, are ln P of the letters so far; `whole` with their end.
    """

    low: int
    high: int
    lows: Indices
    highs: Indices
    spelling: float
    spellings: Floats
    whole: float


@lru_cache(maxsize=4)
def spelled_words(
    pieces: tuple[str, ...], language: NgramModel | None, spelling: NgramModel | None,
    lexicon: frozenset[str] | None, open_vocabulary: bool,
) -> SpelledWords:  # fmt: skip
    """Return what languages that differ in weights alone share."""
    words = lexicon
    if words is None:
        words = frozenset() if language is None else language.vocabulary
    is_open = lexicon is None and (open_vocabulary or spelling is not None)
    return SpelledWords(pieces, sorted(words), language, Spelling(pieces, spelling, is_open))


class SpelledWords:
    """How likely the words are that begin with a text; sorted, they lie side by side."""

    def __init__(
        self, pieces: tuple[str, ...], words: Sequence[str], language: NgramModel | None, spelling: Spelling
    ) -> None:
        self.pieces, self.language, self.spelling = pieces, language, spelling
        opening = np.array([piece.startswith(MARK) for piece in pieces])
        self.opening, self.joining = np.flatnonzero(opening), 1 + np.flatnonzero(~opening[1:])
        self.marks = [label for label, piece in enumerate(pieces) if piece == MARK]
        self.words = [MARK + word for word in words]
        self.scores = None if language is None else TokenScores([*words, UNKNOWN], language)
        self.starting: dict[str, list[int]] = {}
        for label, piece in enumerate(pieces):
            self.starting.setdefault(piece[:1], []).append(label)
        self.heard: dict[Context, tuple[Floats, Floats]] = {}
        self.texts: dict[str, Begun] = {}

    def ahead(self, context: Context, text: str) -> Floats:
        """Return the potential of the text with each label more, `(classes,)`; -inf where it may not be."""
        begun = self.begun(text)
        log_probs, summed = self.after_words(context)
        words = np.maximum(summed[begun.highs] - summed[begun.lows], TINY) * (begun.highs > begun.lows)
        with np.errstate(divide="ignore"):
            ahead: Floats = np.logaddexp(np.log(words), log_probs[-1] + begun.spellings)
        if not text:
            ahead[self.marks] = 0.0
        return ahead

    def potential(self, context: Context, text: str) -> float:
        """Return ln P of all words that begin so, 0 where none is begun."""
        if text in ("", MARK):
            return 0.0
        begun = self.begun(text)
        log_probs, summed = self.after_words(context)
        words = max(float(summed[begun.high] - summed[begun.low]), TINY) if begun.high > begun.low else 0.0
        known = math.log(words) if words else -math.inf
        return float(np.logaddexp(known, log_probs[-1] + begun.spelling))

    def whole(self, context: Context, text: str) -> float:
        """Return ln P of the word; -inf where it is empty or not allowed."""
        if text in ("", MARK):
            return -math.inf
        begun = self.begun(text)
        known = begun.low < begun.high and self.words[begun.low] == text
        spelled = 0.0 if known else begun.whole
        if self.language is None:
            return spelled
        return spelled + self.language.score(text[1:] if known else UNKNOWN, context)

    def after(self, context: Context, text: str) -> Context:
        """Return the context after a word; the same where none is begun."""
        return context if text in ("", MARK) else after(self.language, context, text[1:])

    def stop(self, context: Context) -> float:
        return 0.0 if self.language is None else self.language.score(END, context)

    def after_words(self, context: Context) -> tuple[Floats, Floats]:
        """Return ln P of every word and at last of `<unk>`, and the running sum of P over the words.

        Of a large vocabulary it is the same after all words: only ends of words look at those before.
        """
        context = context if len(self.words) <= LARGE else ()
        if (heard := self.heard.get(context)) is None:
            log_probs = np.zeros(len(self.words) + 1) if self.scores is None else self.scores(context)
            heard = log_probs, np.concatenate(([0.0], np.exp(log_probs[:-1]).cumsum()))
            keep(self.heard, context, heard, log_probs.size)
        return heard

    def begun(self, text: str) -> Begun:
        if (begun := self.texts.get(text)) is None:
            low, high = self.span(text, 0, len(self.words))
            lows, highs = self.spans(text, low, high)
            begun = Begun(low, high, lows, highs, *self.spelling.of(text))
            keep(self.texts, text, begun, 3 * len(self.pieces))
        return begun

    def span(self, text: str, low: int, high: int) -> tuple[int, int]:
        """Return which of the words `[low, high)` begin with a text."""
        low = bisect_left(self.words, text, low, high)
        return low, bisect_right(self.words, text, low, high, key=lambda word: word[: len(text)])

    def spans(self, text: str, low: int, high: int) -> tuple[Indices, Indices]:
        """Return which of the words `[low, high)` begin with a text and each label, `(classes,)` each."""
        lows, highs = np.zeros((2, len(self.pieces)), np.intp)
        if low < high and self.words[low] == text:
            low += 1
        while low < high:
            letter = self.words[low][len(text)]
            low, beyond = self.span(text + letter, low, high)
            for label in self.starting.get(letter, ()):
                lows[label], highs[label] = self.span(text + self.pieces[label], low, beyond)
            low = beyond
        return lows, highs
