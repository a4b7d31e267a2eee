"""The options of commands that search for words: phrases that are likely, another language model."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from trichord.errors import InputError

PhraseList = Annotated[
    str | None,
    typer.Option(
        "--phrases", metavar="LIST", help="Names and such that are likely: a,b c,d or a file of lines."
    ),
]
PhraseBoost = Annotated[
    float | None, typer.Option(min=0, help="How likely: nats for each character of a phrase.")
]
LanguageFile = Annotated[
    Path | None, typer.Option("--language", metavar="ARPA", help="Search with this language model.")
]
LanguageWeight = Annotated[
    float | None, typer.Option(min=0, help="How much the language model counts beside what is heard.")
]


def search_of(
    width: int | None, phrases: str | None, boost: float | None, language: Path | None, weight: float | None
) -> Any:
    """Return what is asked of a beam search, for `Model.__call__`."""
    if phrases is None and boost is None and language is None and weight is None:
        return width
    from trichord.decoding import BeamChanges
    from trichord.decoding.arpa import load_arpa

    if width == 0:
        raise InputError("--beam 0 takes the best path, which no phrase or language model changes")
    model = None if language is None else load_arpa(language)
    listed = None if phrases is None else tuple(phrases_of(phrases))
    return BeamChanges(width, model, weight, phrases=listed, phrase_boost=boost)


def phrases_of(written: str) -> list[str]:
    """Return phrases from a list with commas between them, or from a file with one a line."""
    from trichord.decoding.arpa import read_lines

    lines = read_lines(Path(written)) if Path(written).is_file() else written.split(",")
    if not (phrases := [line.strip() for line in lines if line.strip()]):
        raise InputError(f"--phrases: {written!r:.60} holds no phrase")
    return phrases
