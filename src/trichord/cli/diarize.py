"""The command that says who spoke when. It needs no torch."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from trichord.cli.use import AsJson, open_model
from trichord.progress import output

RATE = 16_000


def diarize(
    clip: Annotated[Path, typer.Argument(help="A file with sound.")],
    model: Annotated[
        str | None,
        typer.Option(metavar="MODEL", help="A model with a contrastive head; by default MFCC tell voices."),
    ] = None,
    crowd: Annotated[
        str | None,
        typer.Option(metavar="MODEL", help="A model that counts voices, to name several who speak at once."),
    ] = None,
    speakers: Annotated[
        int | None, typer.Option(min=1, help="How many there are, where that is known.")
    ] = None,
    threshold: Annotated[
        float | None,
        typer.Option(
            min=0,
            max=2,
            help="Mean cosine distance below which voices are one; by default what the model thinks.",
        ),
    ] = None,
    detector: Annotated[str, typer.Option(help="What finds speech: silero or energy.")] = "silero",
    rttm: Annotated[Path | None, typer.Option(help="Write the turns as RTTM, too.")] = None,
    as_json: AsJson = False,
) -> None:
    """Say who spoke when: turns of speakers S1, S2 ... in the order in which they first speak."""
    turns = turns_of(clip, model, crowd, speakers, threshold, detector)
    if rttm is not None:
        from trichord.corpora.rttm import write_rttm

        write_rttm(rttm, {clip.stem: turns})
    if as_json:
        told = [{"speaker": turn.what, "start": turn.start, "end": turn.end} for turn in turns]
        typer.echo(json.dumps({"clip": str(clip), "turns": told}, ensure_ascii=False))
        return
    if not turns:
        output.print("no speech")
        return
    table = Table("speaker", "begin (s)", "end (s)")
    for turn in turns:
        table.add_row(escape(turn.what), f"{turn.start:.2f}", f"{turn.end:.2f}")
    output.print(table)


def turns_of(
    clip: Path, model: str | None, crowd: str | None, speakers: int | None, threshold: float | None,
    detector: Any,
) -> tuple[Any, ...]:  # fmt: skip
    from trichord.media import read_audio
    from trichord.running.voice import ActivitySettings, DiariseSettings, ModelVoice, diarise, how_many_speak

    embed = None if model is None else ModelVoice(open_model(model))
    near = threshold if threshold is not None or embed is None else embed.distance
    chosen: dict[str, Any] = {} if near is None else {"threshold": near}
    settings = DiariseSettings(speakers=speakers, activity=ActivitySettings(detector=detector), **chosen)
    audio = read_audio(clip, rate=RATE)
    many = None if crowd is None else how_many_speak(open_model(crowd), audio)
    return diarise(audio, settings, embed=embed, crowd=many)
