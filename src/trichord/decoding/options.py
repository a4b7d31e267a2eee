"""How a beam search is set, and how a head's metadata carries that."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Annotated, Any, Literal, TypeAlias

import numpy as np
from pydantic import Field

from trichord.decoding.arpa import from_metadata, to_metadata
from trichord.decoding.grammar import Grammar, grammar_of
from trichord.decoding.metadata import Finite, HeadMetadata, Label, read_head
from trichord.decoding.ngram import NgramModel
from trichord.errors import ArtifactError, InputError


@dataclass(frozen=True, slots=True, eq=False)
class Pronounced:
    """How words are spoken, phones with blanks between, and what stands between two words in writing."""

    words: Mapping[str, tuple[str, ...]]
    joiner: str = " "


@dataclass(frozen=True, slots=True)
class BeamOptions:
    """How to search: `width` prefixes, each extended by the `symbols` likeliest labels of a frame.

    The answer maximises ln P(labels | logits) + alpha * ln P(language) + beta * units, where a unit is
    what the `language` model counts, at its `level`: a word or a character. `lexicon` holds the words
    that may be said; without one, a word model allows its own vocabulary, unless `open_vocabulary` or a
    `spelling` model, of characters, scores the words that it does not know. Every character of one of the
    `phrases`, or word where labels are words, adds `phrase_boost` to the score of an answer that holds it.
    Where labels are phones, words are those that are `pronounced`, and a `grammar` may say which sentences
    there are, in place of a language model; the answer is then what is meant.
    """

    width: int = 16
    symbols: int = 20
    language: NgramModel | None = None
    level: Literal["word", "character"] = "word"
    alpha: float = 0.5
    beta: float = 0.0
    lexicon: frozenset[str] | None = None
    open_vocabulary: bool = False
    spelling: NgramModel | None = None
    phrases: Sequence[str] = ()
    phrase_boost: float = 1.5
    pronounced: Pronounced | None = None
    grammar: Grammar | None = None

    def __post_init__(self) -> None:
        if not 1 <= self.width <= 10_000 or self.symbols < 1:
            raise InputError(f"a beam needs a width from 1 to 10000 and at least 1 symbol; got "
                             f"{self.width} and {self.symbols}")  # fmt: skip
        if not (np.isfinite(self.alpha) and np.isfinite(self.beta)):
            raise InputError(f"alpha and beta must be finite; got {self.alpha} and {self.beta}")
        if not 0 <= self.phrase_boost < np.inf:
            raise InputError(f"phrase_boost must be finite and 0 or more; got {self.phrase_boost}")
        if isinstance(self.phrases, str) or any(not phrase.strip() for phrase in self.phrases):
            raise InputError(f"phrases must be several texts, none empty; got {self.phrases!r:.80}")
        if self.spelling is not None and (self.language is None or self.lexicon is not None):
            raise InputError("a spelling model serves a word model that has no lexicon beside it")
        if self.grammar is not None and (self.language is not None or self.pronounced is None):
            raise InputError(
                "a grammar is of words that are pronounced, and leaves nothing to a language model"
            )
        object.__setattr__(self, "phrases", tuple(self.phrases))


@dataclass(frozen=True, slots=True)
class BeamChanges:
    """What a caller changes of the search that a model asks for; what is None stays as it is.

    Another `language` model's words alone may be said, unless the model knows how others are spelled.
    """

    width: int | None = None
    language: NgramModel | None = None
    alpha: float | None = None
    beta: float | None = None
    phrases: Sequence[str] | None = None
    phrase_boost: float | None = None

    def of(self, own: BeamOptions | None) -> BeamOptions | None:
        """Return what to search with in place of a model's own options, or of none."""
        given = {field.name: getattr(self, field.name) for field in fields(self)}
        changes = {name: value for name, value in given.items() if value is not None}
        if not changes:
            return own
        changed = own or BeamOptions()
        if self.language is not None:
            characters = self.language.spells
            spelling = None if characters else changed.spelling
            changed = replace(changed, level="character" if characters else "word", spelling=spelling)
        return replace(changed, **changes)


Phrases: TypeAlias = Annotated[tuple[Annotated[str, Field(max_length=2000)], ...], Field(max_length=20_000)]


class PronouncedMetadata(HeadMetadata):
    """`Pronounced` as plain JSON values."""

    words: Annotated[
        dict[Label, Annotated[tuple[Label, ...], Field(max_length=100)]], Field(max_length=500_000)
    ]
    joiner: Annotated[str, Field(max_length=10)] = " "


class GrammarMetadata(HeadMetadata):
    """A `Grammar` as plain JSON values."""

    intents: Annotated[dict[Label, Phrases], Field(max_length=1000)]
    slots: Annotated[dict[Label, Phrases], Field(max_length=1000)]


class BeamMetadata(HeadMetadata):
    """`BeamOptions` as plain JSON values."""

    width: Annotated[int, Field(ge=1, le=10_000)] = 16
    symbols: Annotated[int, Field(ge=1)] = 20
    language: dict[str, Any] | None = None
    level: Literal["word", "character"] = "word"
    alpha: Finite = 0.5
    beta: Finite = 0.0
    lexicon: Annotated[tuple[Label, ...], Field(max_length=1_000_000)] | None = None
    open_vocabulary: bool = False
    spelling: dict[str, Any] | None = None
    phrases: Annotated[tuple[Label, ...], Field(max_length=100_000)] = ()
    phrase_boost: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 1.5
    pronounced: PronouncedMetadata | None = None
    grammar: GrammarMetadata | None = None


def beam_to_metadata(options: BeamOptions) -> dict[str, Any]:
    """Return the options as plain JSON values, for a head's metadata under the key `beam`."""
    return {
        "width": options.width,
        "symbols": options.symbols,
        "language": None if options.language is None else to_metadata(options.language),
        "level": options.level,
        "alpha": options.alpha,
        "beta": options.beta,
        "lexicon": None if options.lexicon is None else sorted(options.lexicon),
        "open_vocabulary": options.open_vocabulary,
        "spelling": None if options.spelling is None else to_metadata(options.spelling),
        "phrases": list(options.phrases),
        "phrase_boost": options.phrase_boost,
        "pronounced": None if options.pronounced is None else written(options.pronounced),
        "grammar": None if options.grammar is None else options.grammar.to_metadata(),
    }


def written(pronounced: Pronounced) -> dict[str, Any]:
    words = {word: list(ways) for word, ways in pronounced.words.items()}
    return {"words": words, "joiner": pronounced.joiner}


def beam_from_metadata(head: Mapping[str, Any]) -> BeamOptions | None:
    """Return the options under a head's key `beam`, or None; read them once per model, not per clip.

    Raises ArtifactError where they are not valid.
    """
    if head.get("beam") is None:
        return None
    if not isinstance(head["beam"], Mapping):
        raise ArtifactError(f"a head's 'beam' must be a mapping; got {head['beam']!r:.60}")
    read = read_head(BeamMetadata, head["beam"])
    try:
        language = None if read.language is None else from_metadata(read.language)
        spelling = None if read.spelling is None else from_metadata(read.spelling)
        lexicon = None if read.lexicon is None else frozenset(read.lexicon)
        return BeamOptions(
            read.width, read.symbols, language, read.level, read.alpha, read.beta, lexicon,
            read.open_vocabulary, spelling, read.phrases, read.phrase_boost,
            None if read.pronounced is None else Pronounced(read.pronounced.words, read.pronounced.joiner),
            None if read.grammar is None else grammar_of(read.grammar.model_dump()),
        )  # fmt: skip
    except InputError as error:
        raise ArtifactError(f"a head's 'beam': {error}") from None
