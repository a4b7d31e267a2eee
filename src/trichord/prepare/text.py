"""Text as a model reads it: characters or words, as numbers."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable
from typing import Any

import numpy as np

from trichord.clip import Input, Lazy
from trichord.errors import ArtifactError, InputError
from trichord.prepare.inputs import Count, loaded
from trichord.prepare.preparation import Array, InputSpec, Preparation

# Scripts that are written without spaces (Han, kana) are read character by character.
WORD = re.compile(
    r"[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]|[^\W\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]+|[^\w\s]"
)


def normalized(text: str, *, lower: bool) -> str:
    """Return text in Unicode form NFKC, white space collapsed, in lower case if asked."""
    text = " ".join(unicodedata.normalize("NFKC", text).split())
    return text.lower() if lower else text


class Tokens(Preparation):
    """What characters and words share: a vocabulary learned from training text; 0 is the unknown."""

    lower: bool
    max_tokens: int
    min_count: int
    _ids: dict[str, int] | None = None

    def split(self, text: str) -> list[str]:
        """Return the tokens of normalized text."""
        raise NotImplementedError

    def fit(self, inputs: Iterable[Input | Lazy]) -> None:
        """Learn the vocabulary: what occurs `min_count` times, sorted."""
        counts: Counter[str] = Counter()
        for value in inputs:
            counts.update(self.split(normalized(loaded(value, str), lower=self.lower)))
        self._learn(sorted(token for token, count in counts.items() if count >= self.min_count))

    def _learn(self, vocabulary: list[str]) -> None:
        self._ids = {token: index for index, token in enumerate(vocabulary, start=1)}

    @property
    def ids(self) -> dict[str, int]:
        """The number of each token."""
        if self._ids is None:
            raise InputError("the vocabulary is not known yet: call fit with training text, or restore")
        return self._ids

    @property
    def spec(self) -> InputSpec:
        return InputSpec("tokens", vocabulary=len(self.ids) + 1)

    def __call__(self, value: Input | Lazy) -> Array:
        tokens = self.split(normalized(loaded(value, str), lower=self.lower))[: self.max_tokens]
        return np.array([self.ids.get(token, 0) for token in tokens], np.int64)

    def state(self) -> dict[str, Any]:
        return {"vocabulary": list(self.ids)}

    def restore(self, state: dict[str, Any]) -> None:
        vocabulary = state.get("vocabulary")
        if not isinstance(vocabulary, list) or not all(isinstance(token, str) for token in vocabulary):
            raise ArtifactError("a text preparation's state needs 'vocabulary', a list of strings")
        if len(set(vocabulary)) < len(vocabulary):
            raise ArtifactError("a text preparation's vocabulary holds a token twice")
        self._learn(vocabulary)


class Characters(Tokens):
    """The characters of a text, int64 `(time,)`; what training text lacks is 0.

    lower: ignore case.
    max_tokens: longer text is cut off there.
    """

    min_count = 1

    def __init__(self, lower: bool = True, max_tokens: Count = 512) -> None:
        self.lower = lower
        self.max_tokens = max_tokens

    def split(self, text: str) -> list[str]:
        return list(text)


class Words(Tokens):
    """The words and marks of a text, int64 `(time,)`; what training text lacks is 0.

    lower: ignore case.
    max_tokens: longer text is cut off there.
    min_count: rarer words are unknown.
    """

    def __init__(self, lower: bool = True, max_tokens: Count = 512, min_count: Count = 1) -> None:
        self.lower = lower
        self.max_tokens = max_tokens
        self.min_count = min_count

    def split(self, text: str) -> list[str]:
        return WORD.findall(text)
