"""What a beam search may and should say: n-gram models and word lists as scores for the next label.

A language is an automaton over labels. Its state is a plain hashable value; `row` scores every next
label, -inf forbidding it, and `end` scores stopping. A state's scores are computed once and kept.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from functools import lru_cache
from typing import Any, Protocol

import numpy as np

from trichord.decoding.logits import Floats
from trichord.decoding.ngram import END, START, UNKNOWN, Context, NgramModel
from trichord.decoding.options import BeamOptions
from trichord.errors import InputError

MAX_KEPT_CELLS = 1 << 22


class Language(Protocol):
    """Scores what may come next."""

    start: Any

    def row(self, state: Any) -> Floats:
        """Return the score of every next label, `(classes,)`."""
        ...

    def next(self, state: Any, label: int) -> Hashable:
        """Return the state after a label."""
        ...

    def end(self, state: Any) -> float:
        """Return the score of stopping here."""
        ...


@lru_cache(maxsize=8)
def language_of(labels: tuple[str, ...], units: str, options: BeamOptions) -> Language | None:
    """Return the language that the options ask for over a CTC head's labels, or None.

    Raises InputError where they cannot meet: words over labels that have no blank between words, or a
    character model over word labels.
    """
    if options.language is None and options.lexicon is None:
        return None
    if options.language is not None and options.level == "character":
        if units == "word" or options.lexicon is not None:
            raise InputError("a character model cannot score word labels nor follow a lexicon of words; "
                             "train it on words (level='word')")  # fmt: skip
        return LabelLanguage(labels, options)
    if units == "word":
        return LabelLanguage(labels, options)
    if " " not in labels:
        raise InputError("these labels have no blank between words, so a word model or a lexicon cannot "
                         "apply; train the model on characters (level='character')")  # fmt: skip
    return WordLanguage(labels, options)


class LabelLanguage:
    """Each label is a unit of the model: words over word labels, characters over characters."""

    def __init__(self, labels: Sequence[str], options: BeamOptions) -> None:
        self.labels = labels
        self.options = options
        self.start: Context = (START,)
        self.allowed = np.zeros(len(labels))
        if options.lexicon is not None:
            self.allowed[[label not in options.lexicon for label in labels]] = -np.inf
        words = {} if options.language is None else options.language.log_probs[()]
        self.places: dict[str, list[int]] = {}
        for place, label in enumerate(labels):
            self.places.setdefault(label if label in words else UNKNOWN, []).append(place)
        self.log_probs: dict[Context, Floats] = {}
        self.rows: dict[Context, Floats] = {}

    def row(self, state: Context) -> Floats:
        if (row := self.rows.get(state)) is None:
            row = self.allowed + self.options.beta
            if self.options.language is not None:
                row += self.options.alpha * self.scores(self.options.language, state)
            keep(self.rows, state, row)
        return row

    def scores(self, language: NgramModel, context: Context) -> Floats:
        """Return ln P(label | context), `(classes,)`: the shorter context's, and over them what was seen."""
        if (scores := self.log_probs.get(context)) is None:
            if context:
                scores = self.scores(language, context[1:]) + language.back_offs.get(context, 0.0)
            else:
                scores = np.full(len(self.labels), language.score(UNKNOWN))
            for token, log_prob in language.log_probs.get(context, {}).items():
                scores[self.places.get(token, [])] = log_prob
            keep(self.log_probs, context, scores)
        return scores

    def next(self, state: Context, label: int) -> Context:
        return after(self.options.language, state, self.labels[label])

    def end(self, state: Context) -> float:
        language = self.options.language
        return 0.0 if language is None else self.options.alpha * language.score(END, state)


class WordLanguage:
    """Words spelled by characters: a state is the words before and the letters of the word begun."""

    def __init__(self, labels: Sequence[str], options: BeamOptions) -> None:
        self.labels = labels
        self.options = options
        self.space = labels.index(" ")
        self.start: tuple[Context, str] = ((START,), "")
        self.words = options.lexicon
        if self.words is None and options.language is not None and not options.open_vocabulary:
            self.words = options.language.vocabulary
        words = self.words or ()
        self.prefixes = {word[:end] for word in words for end in range(1, len(word) + 1)}
        self.rows: dict[tuple[Context, str], Floats] = {}

    def row(self, state: tuple[Context, str]) -> Floats:
        if (row := self.rows.get(state)) is None:
            row = np.zeros(len(self.labels))
            if self.words is not None:
                row[[state[1] + label not in self.prefixes for label in self.labels]] = -np.inf
            row[self.space] = self.word_score(*state)
            keep(self.rows, state, row)
        return row

    def word_score(self, context: Context, word: str) -> float:
        """Return the score of ending a word: -inf where none is begun, or it is not allowed."""
        if not word or (self.words is not None and word not in self.words):
            return -np.inf
        language = self.options.language
        score = 0.0 if language is None else self.options.alpha * language.score(word, context)
        return score + self.options.beta

    def next(self, state: tuple[Context, str], label: int) -> tuple[Context, str]:
        context, word = state
        if label != self.space:
            return context, word + self.labels[label]
        return after(self.options.language, context, word), ""

    def end(self, state: tuple[Context, str]) -> float:
        context, word = state
        score = self.word_score(context, word) if word else 0.0
        language = self.options.language
        if language is None or score == -np.inf:
            return score
        context = after(language, context, word) if word else context
        return score + self.options.alpha * language.score(END, context)


def after(language: NgramModel | None, context: Context, token: str) -> Context:
    """Return the context that the next token sees: as little of it as the model reads."""
    return () if language is None else language.known((*context, token))


def keep(rows: dict[Any, Floats], state: Hashable, row: Floats) -> None:
    """Remember a row, in bounded memory."""
    if len(rows) * row.size >= MAX_KEPT_CELLS:
        rows.clear()
    rows[state] = row
