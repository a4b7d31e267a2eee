"""How words are spelled that no list holds."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from trichord.decoding.logits import Floats
from trichord.decoding.ngram import END, START, Context, NgramModel
from trichord.decoding.scores import after, keep
from trichord.decoding.subword import MARK

MAX_LETTERS = 100
"""An unknown word grows no longer than this."""


class Spelling:
    """How unknown words are spelled: by a character model, by any letters without one, or not at all."""

    def __init__(self, pieces: Sequence[str], model: NgramModel | None, is_open: bool) -> None:
        self.model, self.is_open = model, is_open
        self.tails = [piece.removeprefix(MARK) for piece in pieces]
        self.kept: dict[Context, Floats] = {}
        self.steps: dict[tuple[Context, str], tuple[float, Context]] = {}

    def of(self, text: str) -> tuple[float, Floats, float]:
        """Return ln P of the letters of a text begun, of them and each label, and of them and their end."""
        letters = text.removeprefix(MARK)
        never = np.full(len(self.tails), -np.inf)
        if not self.is_open:
            return -math.inf, never, -math.inf
        if self.model is None:
            return 0.0, np.zeros(len(self.tails)) if len(letters) < MAX_LETTERS else never, 0.0
        score, context = self.read(letters, (START,))
        if (row := self.kept.get(context)) is None:
            row = np.array([self.read(tail, context)[0] for tail in self.tails])
            keep(self.kept, context, row, row.size)
        grown = score + row if len(letters) < MAX_LETTERS else never
        return score, grown, score + self.model.score(END, context)

    def read(self, letters: str, context: Context) -> tuple[float, Context]:
        """Return ln P of letters, and the context after them."""
        score = 0.0
        for letter in letters:
            if (step := self.steps.get((context, letter))) is None:
                assert self.model is not None
                step = self.model.score(letter, context), after(self.model, context, letter)
                keep(self.steps, (context, letter), step, 8)
            score += step[0]
            context = step[1]
        return score, context
