"""Phrases that are likely to be said, such as names, beside any language.

Shallow-fusion contextual biasing: D. Zhao et al., Shallow-Fusion End-to-End Contextual Biasing, Interspeech
2019. Every character of a phrase begun gains a bonus; where it is left unfinished, all of that is taken back,
so that a phrase counts only as a whole, of whole words.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from trichord.decoding.logits import Floats
from trichord.decoding.options import BeamOptions
from trichord.decoding.scores import keep
from trichord.decoding.subword import MARK, pieces_of
from trichord.errors import InputError

if TYPE_CHECKING:
    from trichord.decoding.language import Language

Places: TypeAlias = tuple[int, ...]

ROOT = 0


class Phrases:
    """A tree of phrases; `places` in it are how far those go that the text now ends with, the root where one
    may begin."""

    def __init__(self, phrases: Sequence[Sequence[str]], *, boost: float, marked: bool) -> None:
        self.boost, self.marked = boost, marked
        self.branches: list[dict[str, int]] = [{}]
        self.pending = [0]  # how many tokens count, since the last phrase that ended on the way
        self.ends = [False]
        for phrase in sorted(phrases, key=len):  # a phrase that begins another is there before it
            self.ends[self.grown(phrase)] = True

    def grown(self, phrase: Sequence[str]) -> int:
        """Return the place of a phrase, made where there is none yet."""
        place = ROOT
        for token in phrase:
            if token not in self.branches[place]:
                self.branches[place][token] = len(self.branches)
                self.branches.append({})
                kept = self.ends[place] and self.breaks(token)
                self.pending.append((0 if kept else self.pending[place]) + (token != MARK))
                self.ends.append(False)
            place = self.branches[place][token]
        return place

    def breaks(self, token: str) -> bool:
        """Whether a word is over before a token; where words have no marks, each token is one."""
        return not self.marked or token == MARK

    def begun(self, places: Places) -> float:
        """Return the bonus that what is begun has gained so far."""
        return self.boost * max((self.pending[place] for place in places), default=0)

    def ended(self, places: Places) -> float:
        """Return the bonus that stays if a word is over."""
        return self.boost * max((self.pending[place] for place in places if self.ends[place]), default=0)

    def step(self, places: Places, token: str) -> tuple[Places, float]:
        """Return the places after a token, and the bonus that it gains, below 0 where some is taken back."""
        reached = {self.branches[place][token] for place in places if token in self.branches[place]}
        if not self.marked or token == MARK:
            reached.add(ROOT)
        after = tuple(sorted(reached))
        kept = self.ended(places) if self.breaks(token) else 0.0
        return after, kept + self.begun(after) - self.begun(places)


class Biased:
    """A language, or none, and what phrases add to it; a state is the language's and the phrases' places."""

    def __init__(
        self, labels: Sequence[str], units: str, options: BeamOptions, language: Language | None
    ) -> None:
        self.language = language
        marked = units == "subword" or (units == "character" and " " in labels)
        self.tokens = [tuple(tokens_of(piece, units)) for piece in pieces_of(labels, units)]
        known = {token for tokens in self.tokens for token in tokens}
        spelled = [phrase_tokens(phrase, units, marked, known) for phrase in options.phrases]
        self.phrases = Phrases(spelled, boost=options.phrase_boost, marked=marked)
        self.start: tuple[Any, Places] = (None if language is None else language.start, (ROOT,))
        self.rows: dict[Places, Floats] = {}

    def row(self, state: tuple[Any, Places]) -> Floats:
        inner, places = state
        if (row := self.rows.get(places)) is None:
            row = np.array([self.step(places, label)[1] for label in range(len(self.tokens))])
            keep(self.rows, places, row, row.size)
        return row if self.language is None else self.language.row(inner) + row

    def step(self, places: Places, label: int) -> tuple[Places, float]:
        """Return the places after a label, and the bonus of all that it writes."""
        bonus = 0.0
        for token in self.tokens[label]:
            places, gained = self.phrases.step(places, token)
            bonus += gained
        return places, bonus

    def next(self, state: tuple[Any, Places], label: int) -> tuple[Any, Places]:
        inner, places = state
        return None if self.language is None else self.language.next(inner, label), self.step(places, label)[
            0
        ]

    def end(self, state: tuple[Any, Places]) -> float:
        inner, places = state
        bonus = self.phrases.ended(places) - self.phrases.begun(places)
        return bonus if self.language is None else self.language.end(inner) + bonus


def tokens_of(piece: str, units: str) -> Iterator[str]:
    """Give what phrases are compared by: characters, but whole words where those are the labels."""
    yield from [piece] if units == "word" and piece else piece


def phrase_tokens(phrase: str, units: str, marked: bool, known: set[str]) -> list[str]:
    """Return a phrase as the labels write it; InputError where none writes a part of it."""
    words = phrase.split()
    if units == "word":
        tokens = [MARK + word for word in words]
    else:
        tokens = list((MARK if marked else "").join(words))
    for token in tokens:
        if token not in known:
            raise InputError(f"phrase {phrase!r:.60} holds {token.removeprefix(MARK) or token!r}, which this "
                             "model cannot write; leave the phrase out or spell it otherwise")  # fmt: skip
    return tokens
