"""The command that notices phrases."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from trichord.cli.learn import needs_training
from trichord.cli.listen import from_file, from_input
from trichord.cli.use import AsJson, ModelName, open_model
from trichord.clip import Event
from trichord.errors import InputError

if TYPE_CHECKING:
    from trichord.running.live import Spotter


def spot(
    model: ModelName,
    sound: Annotated[
        str, typer.Argument(help="A file of any length, or - for raw 16-bit mono samples on standard input.")
    ],
    phrases: Annotated[
        list[str] | None,
        typer.Option(
            "--phrase",
            metavar="TEXT[=PROBABILITY]",
            help="What to notice, and its own threshold if it has one; by default what the model keeps, or "
            "each of its words. Repeatable.",
        ),
    ] = None,
    threshold: Annotated[
        float | None,
        typer.Option(
            help="Probability, below 1, from which on a phrase is noticed; by default what the model keeps, "
            "or 0.5."
        ),
    ] = None,
    window: Annotated[
        float | None,
        typer.Option(
            help="Seconds within which a whole phrase is said; by default what the model keeps, or 1."
        ),
    ] = None,
    keep: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Write the model with these phrases, thresholds and window; it then notices them by itself.",
        ),
    ] = None,
    head: Annotated[str | None, typer.Option(help="Which transcript, where there are several.")] = None,
    as_json: AsJson = False,
    rate: Annotated[int, typer.Option(min=1000, max=384_000, help="Of standard input, in Hz.")] = 16_000,
) -> None:
    """Notice wake words and other phrases, and say when.

    Sound of any length needs a file made with 'trichord export --streaming'; other files hear a clip as long
    as they accept. A microphone, for instance:
    arecord -q -f S16_LE -r 16000 -c 1 -t raw | trichord spot model.onnx - --phrase "smart mirror"
    """
    from trichord.running.live import Spotter

    wanted, own = with_thresholds(phrases, threshold)
    spotter = Spotter(open_model(model), wanted, threshold=own, window_seconds=window, head=head)
    if keep is not None:
        write_down(spotter, keep)
    if spotter.ear is None and sound != "-":
        tell(spotter.whole(Path(sound)), as_json=as_json)
        return
    pieces = from_input(sys.stdin.buffer, rate) if sound == "-" else from_file(Path(sound))
    try:
        for piece in pieces:
            tell(spotter.push(piece), as_json=as_json)
    except KeyboardInterrupt:
        pass
    tell(spotter.finish(), as_json=as_json)


def with_thresholds(
    phrases: Sequence[str] | None, threshold: float | None
) -> tuple[list[str] | None, float | dict[str, float] | None]:
    """Return the phrases without their thresholds, and each one's threshold."""
    if phrases is None:
        return None, threshold
    names, own = [], {}
    for given in phrases:
        phrase, equals, value = given.rpartition("=")
        names.append(phrase if equals else given)
        try:
            probability = float(value) if equals else threshold
        except ValueError:
            raise InputError(f"--phrase {given!r}: expected a probability after '=', as alexa=0.6") from None
        if probability is not None:
            own[names[-1]] = probability
    return names, own


def write_down(spotter: Spotter, target: Path) -> None:
    """Write the spotter's model with what it notices in its metadata."""
    needs_training()
    from trichord.learning.export import set_metadata

    metadata, kept = spotter.model.metadata, {"noticed": spotter.noticed().model_dump()}
    heads = metadata.heads | {spotter.head: metadata.heads[spotter.head] | kept}
    set_metadata(spotter.model.path, metadata.model_copy(update={"heads": heads}), target)


def tell(events: Sequence[Event], *, as_json: bool) -> None:
    for event in events:
        if as_json:
            told = asdict(event)
            typer.echo(json.dumps({name: told[name] for name in ("what", "start", "confidence")}))
        else:
            typer.echo(f"{event.start:8.2f}  {event.what}  {event.confidence or 0.0:.3g}")
