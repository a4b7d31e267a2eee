"""The commands that make and measure language models of text."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from trichord.cli.use import AsJson
from trichord.progress import console, output

app = typer.Typer(help="Make and measure language models of text.", no_args_is_help=True)

Text = Annotated[Path, typer.Argument(help="A sentence a line, UTF-8; .gz is unpacked.")]


@app.command()
def train(
    text: Text,
    out: Annotated[Path, typer.Argument(help="The ARPA file to write.")],
    order: Annotated[int, typer.Option(min=1, max=10, help="Words, or characters, that it looks at.")] = 3,
    characters: Annotated[bool, typer.Option("--characters", help="Of characters, not words.")] = False,
) -> None:
    """Learn what follows what in a text, with back-off, and write it as ARPA text."""
    from trichord.decoding.arpa import save_arpa
    from trichord.decoding.ngram import NgramModel

    model = NgramModel.train(sentences(text, characters=characters), order, open_vocabulary=not characters)
    save_arpa(model, out)
    units = "characters" if characters else "words"
    console.print(f"{out}: order {model.order}, {len(model.vocabulary)} {units}", soft_wrap=True)


@app.command()
def perplexity(
    model: Annotated[Path, typer.Argument(help="An ARPA file; .gz is unpacked.")],
    text: Text,
    as_json: AsJson = False,
) -> None:
    """Measure how well a language model foretells a text: unknown words count as <unk>."""
    from trichord.decoding.arpa import load_arpa

    language = load_arpa(model)
    read = list(sentences(text, characters=language.spells))
    known = language.vocabulary
    unknown = sum(token not in known for sentence in read for token in sentence)
    tokens = sum(map(len, read))
    report = {
        "perplexity": language.perplexity(read), "sentences": len(read), "tokens": tokens,
        "unknown": unknown / max(tokens, 1),
    }  # fmt: skip
    if as_json:
        typer.echo(json.dumps(report))
        return
    table = Table(*report)
    table.add_row(f"{report['perplexity']:.2f}", str(len(read)), str(tokens), f"{report['unknown']:.1%}")
    output.print(table)


def sentences(path: Path, *, characters: bool) -> Iterator[list[str]]:
    """Give a text's sentences, normalised, as words or characters; lines without a word are left out."""
    from trichord.decoding.arpa import read_lines
    from trichord.metrics import normalise_text

    for line in read_lines(path):
        if text := normalise_text(line):
            yield list(text) if characters else text.split()
