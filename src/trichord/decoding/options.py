"""How a beam search is set, and how a head's metadata carries that."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import Field

from trichord.decoding.arpa import from_metadata, to_metadata
from trichord.decoding.metadata import Finite, HeadMetadata, Label, read_head
from trichord.decoding.ngram import NgramModel
from trichord.errors import ArtifactError, InputError


@dataclass(frozen=True, slots=True)
class BeamOptions:
    """How to search: `width` prefixes, each extended by the `symbols` likeliest labels of a frame.

    The answer maximises ln P(labels | logits) + alpha * ln P(language) + beta * units, where a unit is
    what the `language` model counts, at its `level`: a word or a character. `lexicon` holds the words
    that may be said; without one, a word model allows its own vocabulary, unless `open_vocabulary`.
    """

    width: int = 16
    symbols: int = 20
    language: NgramModel | None = None
    level: Literal["word", "character"] = "word"
    alpha: float = 0.5
    beta: float = 0.0
    lexicon: frozenset[str] | None = None
    open_vocabulary: bool = False

    def __post_init__(self) -> None:
        if not 1 <= self.width <= 10_000 or self.symbols < 1:
            raise InputError(f"a beam needs a width from 1 to 10000 and at least 1 symbol; got "
                             f"{self.width} and {self.symbols}")  # fmt: skip
        if not (np.isfinite(self.alpha) and np.isfinite(self.beta)):
            raise InputError(f"alpha and beta must be finite; got {self.alpha} and {self.beta}")


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
    }


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
    except InputError as error:
        raise ArtifactError(f"a head's 'beam': {error}") from None
    lexicon = None if read.lexicon is None else frozenset(read.lexicon)
    return BeamOptions(
        read.width, read.symbols, language, read.level, read.alpha, read.beta, lexicon, read.open_vocabulary
    )
