"""The command that says whose voice it is. It needs no torch."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from trichord.cli.use import AsJson, ModelName, find_files, open_model
from trichord.errors import InputError
from trichord.progress import output


def who(
    model: ModelName,
    clips: Annotated[list[Path], typer.Argument(help="Files, or folders of files.")],
    known: Annotated[
        list[str],
        typer.Option(
            metavar="NAME=PATH",
            help="A person, and a file or a folder of files in which they alone speak. Repeatable.",
        ),
    ],
    threshold: Annotated[
        float | None,
        typer.Option(
            min=-1, max=1, help="Cosine from which on a voice is known; by default the model's own."
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Say whose voice is heard in each clip: one of the known people, or nobody known.

    With one person it is verification: trichord who speaker.onnx call.wav --known anna=anna.wav
    """
    from trichord.running.voice import KnownVoices

    people = KnownVoices(open_model(model), named(known), threshold=threshold)
    table = Table("clip", "who", *(f"as {name}" for name in map(escape, people.names)))
    for file in find_files(clips):
        found = people(file)
        if as_json:
            told = {"clip": str(file), "who": found.name, "cosines": found.cosines}
            typer.echo(json.dumps(told, ensure_ascii=False))
        table.add_row(escape(str(file)), escape(found.name or "nobody known"),
                      *(f"{cosine:.3f}" for cosine in found.cosines.values()))  # fmt: skip
    if not as_json:
        output.print(table)


def named(known: Sequence[str]) -> dict[str, list[Path]]:
    """Return the files of each person; raises InputError for anything but NAME=PATH, or no files."""
    people: dict[str, list[Path]] = {}
    for given in known:
        name, equals, path = given.partition("=")
        files = [*find_files([Path(path)])] if name and equals and path else []
        if not files:
            raise InputError(
                f"--known {given!r:.80}: expected NAME=PATH, a file or a folder with files in it"
            )
        people.setdefault(name, []).extend(files)
    return people
