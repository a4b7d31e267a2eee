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
from trichord.errors import InputError, TrichordError
from trichord.progress import console, output


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
            min=-1,
            max=1,
            help="Cosine from which on a voice is known; by default the model's own, which fits one known "
            "person: the more there are, the higher it should be.",
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Say whose voice is heard in each clip: one of the known people, or nobody known.

    With one person it is verification: trichord who speaker.onnx call.wav --known anna=anna.wav
    """
    from trichord.running.voice import KnownVoices

    files = list(find_files(clips))
    if not files:
        raise InputError(f"{clips[0]} holds no files")
    people = KnownVoices(open_model(model), named(known), threshold=threshold)
    if people.threshold is None:
        console.print("the model knows no threshold, so the nearest voice is named; --threshold sets one")
    table = Table("clip", "who", *(f"as {name}" for name in map(escape, people.names)))
    table.columns[0].overflow = "fold"
    failed = 0
    for file in files:
        try:
            found = people(file)
        except TrichordError as error:
            failed += 1
            console.print(f"{file}: {error}", markup=False, soft_wrap=True)
            continue
        if as_json:
            told = {"clip": str(file), "who": found.name, "cosines": found.cosines}
            typer.echo(json.dumps(told, ensure_ascii=False))
            continue
        table.add_row(escape(str(file)), escape(found.name or "nobody known"),
                      *(f"{cosine:.3f}" for cosine in found.cosines.values()))  # fmt: skip
    if table.row_count:
        output.print(table)
    if failed:
        raise InputError(f"{failed} of {len(files)} clips could not be heard; each one's line says why")


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
