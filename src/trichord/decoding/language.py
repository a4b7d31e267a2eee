"""What a beam search may and should say: n-gram models, word lists and phrases as scores for the next label.

A language is an automaton over labels. Its state is a plain hashable value; `row` scores every next
label, -inf forbidding it, and `end` scores stopping. A state's scores are computed once and kept.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from functools import lru_cache
from typing import Any, Protocol

import numpy as np

from trichord.decoding.logits import Floats
from trichord.decoding.ngram import END, START, Context
from trichord.decoding.options import BeamOptions
from trichord.decoding.phrases import Biased
from trichord.decoding.scores import TokenScores, after, keep
from trichord.decoding.words import WordLanguage
from trichord.errors import InputError


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

    Raises InputError where they cannot meet: words over labels that have no blank between words, a
    character model over word labels, or a phrase of what no label writes.
    """
    language = plain_language(labels, units, options)
    return Biased(labels, units, options, language) if options.phrases else language


def plain_language(labels: tuple[str, ...], units: str, options: BeamOptions) -> Language | None:
    """Return the language without the phrases."""
    if options.language is None and options.lexicon is None:
        return None
    if options.language is not None and options.level == "character":
        if units != "character" or options.lexicon is not None:
            raise InputError("a character model cannot score word or subword labels nor follow a lexicon of "
                             "words; train it on words (level='word')")  # fmt: skip
        return LabelLanguage(labels, options)
    if units == "word":
        return LabelLanguage(labels, options)
    if units == "character" and " " not in labels:
        raise InputError("these labels have no blank between words, so a word model or a lexicon cannot "
                         "apply; train the model on characters (level='character')")  # fmt: skip
    return WordLanguage(labels, units, options)


class LabelLanguage:
    """Each label is a unit of the model: words over word labels, characters over characters."""

    def __init__(self, labels: Sequence[str], options: BeamOptions) -> None:
        self.labels = labels
        self.options = options
        self.start: Context = (START,)
        self.allowed = np.zeros(len(labels))
        if options.lexicon is not None:
            self.allowed[[label not in options.lexicon for label in labels]] = -np.inf
        self.scores = None if options.language is None else TokenScores(labels, options.language)
        self.rows: dict[Context, Floats] = {}

    def row(self, state: Context) -> Floats:
        if (row := self.rows.get(state)) is None:
            row = self.allowed + self.options.beta
            if self.scores is not None:
                row += self.options.alpha * self.scores(state)
            keep(self.rows, state, row, row.size)
        return row

    def next(self, state: Context, label: int) -> Context:
        return after(self.options.language, state, self.labels[label])

    def end(self, state: Context) -> float:
        language = self.options.language
        return 0.0 if language is None else self.options.alpha * language.score(END, state)
