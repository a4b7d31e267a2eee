"""What an n-gram model says of a list of tokens, as arrays; and keeping such arrays in bounded memory."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np

from trichord.decoding.logits import Floats
from trichord.decoding.ngram import UNKNOWN, Context, NgramModel

MAX_KEPT_CELLS = 1 << 22


class TokenScores:
    """ln P(token | context) of a list of tokens, those that the model does not know as `<unk>`."""

    def __init__(self, tokens: Sequence[str], language: NgramModel) -> None:
        self.language = language
        words = language.log_probs[()]
        self.places: dict[str, list[int]] = {}
        for place, token in enumerate(tokens):
            self.places.setdefault(token if token in words else UNKNOWN, []).append(place)
        self.start = np.full(len(tokens), language.score(UNKNOWN))
        self.seen(self.start, ())
        self.rows: dict[Context, Floats] = {}

    def __call__(self, context: Context) -> Floats:
        """Return the scores `(tokens,)`: the shorter context's, and over them what was seen."""
        if not context:
            return self.start
        if (scores := self.rows.get(context)) is None:
            scores = self(context[1:]) + self.language.back_offs.get(context, 0.0)
            self.seen(scores, context)
            keep(self.rows, context, scores, scores.size)
        return scores

    def seen(self, scores: Floats, context: Context) -> None:
        for token, log_prob in self.language.log_probs.get(context, {}).items():
            scores[self.places.get(token, [])] = log_prob


def after(language: NgramModel | None, context: Context, token: str) -> Context:
    """Return the context that the next token sees: as little of it as makes a difference."""
    if language is None:
        return ()
    known = language.known((*context, token))
    while known and known not in language.log_probs and known not in language.back_offs:
        known = known[1:]
    return known


def keep(kept: dict[Any, Any], key: Hashable, value: object, cells: int) -> None:
    """Remember a value of so many cells, in bounded memory."""
    if len(kept) * cells >= MAX_KEPT_CELLS:
        kept.clear()
    kept[key] = value
