"""The command that writes down sound while it comes."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import IO, Annotated, Any

import typer

from trichord.cli.search import LanguageFile, LanguageWeight, PhraseBoost, PhraseList, search_of
from trichord.cli.use import AsJson, BeamWidth, ModelName, open_model
from trichord.progress import console

PIECE_SECONDS = 0.1


def listen(
    model: ModelName,
    sound: Annotated[
        str, typer.Argument(help="A file of any length, or - for raw 16-bit mono samples on standard input.")
    ],
    as_json: AsJson = False,
    beam: BeamWidth = None,
    rate: Annotated[int, typer.Option(min=1000, max=384_000, help="Of standard input, in Hz.")] = 16_000,
    silence: Annotated[
        float, typer.Option(min=0.1, help="Seconds without a word after which an utterance is over.")
    ] = 0.8,
    so_far: Annotated[
        bool, typer.Option("--so-far", help="Print utterances also while they are being said.")
    ] = False,
    phrases: PhraseList = None,
    phrase_boost: PhraseBoost = None,
    language: LanguageFile = None,
    language_weight: LanguageWeight = None,
) -> None:
    """Write down speech while it comes, utterance by utterance, in memory that never grows.

    Needs a file made with 'trichord export --streaming'. A microphone, for instance:
    arecord -q -f S16_LE -r 16000 -c 1 -t raw | trichord listen model.onnx -
    """
    from trichord.running.live import Endpoint, Hearing

    search = search_of(beam, phrases, phrase_boost, language, language_weight)
    hearing = Hearing(open_model(model), beam=search, endpoint=Endpoint(silence_seconds=silence))
    pieces = from_input(sys.stdin.buffer, rate) if sound == "-" else from_file(Path(sound))
    try:
        for piece in pieces:
            tell(hearing.push(piece), as_json=as_json, so_far=so_far)
    except KeyboardInterrupt:
        console.print(f"stopped at {hearing.heard:.1f} s")
    tell(hearing.finish(), as_json=as_json, so_far=so_far)


def tell(utterances: list[Any], *, as_json: bool, so_far: bool) -> None:
    for utterance in utterances:
        if not utterance.final and not so_far:
            continue
        if as_json:
            typer.echo(json.dumps(asdict(utterance), ensure_ascii=False))
        else:
            mark = "" if utterance.final else " …"
            typer.echo(f"{utterance.start:8.2f} {utterance.end:8.2f}  {utterance.text}{mark}")


def from_file(path: Path) -> Iterator[Any]:
    from trichord.media import stream_audio

    return stream_audio(path, block_seconds=PIECE_SECONDS)


def from_input(source: IO[bytes], rate: int) -> Iterator[Any]:
    """Yield raw little-endian 16-bit samples as they come."""
    import numpy as np

    from trichord.clip import Audio

    rest = b""
    while data := source.read1(2 * max(1, round(rate * PIECE_SECONDS))):  # type: ignore[attr-defined]
        data = rest + data
        whole = len(data) // 2 * 2
        rest = data[whole:]
        yield Audio((np.frombuffer(data[:whole], "<i2") / 32768).astype(np.float32), rate)
