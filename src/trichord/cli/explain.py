"""The command that tells why: one answer's streams, moments and parts, or a whole corpus by class."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from rich.markup import escape
from rich.table import Table

from trichord.cli.answer import show_answer
from trichord.cli.use import AsJson, ModelName, TextInput, clip_of, clips_of, open_model
from trichord.errors import InputError, MissingError
from trichord.progress import console, output, track

STEPS = 64
WINDOW_SECONDS, STEP_SECONDS = 0.4, 0.1
"""How much is blanked at once of a clip that is not too long for it, and how far windows lie apart."""


def explain(
    model: ModelName,
    clip: Annotated[Path | None, typer.Argument(help="A media file; not with --on.")] = None,
    text: TextInput = None,
    head: Annotated[
        list[str] | None, typer.Option("--head", help="Explain this answer alone. Repeatable with --on.")
    ] = None,
    on: Annotated[
        str | None,
        typer.Option(
            metavar="CORPUS:SPLIT",
            help="Explain a corpus by class, not a clip; its test split, unless you name one.",
        ),
    ] = None,
    data: Annotated[Path | None, typer.Option("--data", help="Where the corpus lies.")] = None,
    against: Annotated[
        Literal["average", "uniform"] | None,
        typer.Option(
            help="With --on: the guess that shares are measured from, by default the model's average."
        ),
    ] = None,
    steps: Annotated[
        int | None,
        typer.Option(min=1, max=1024, help=f"Points of a run's integrated gradients, {STEPS} by default."),
    ] = None,
    picture: Annotated[Path | None, typer.Option(help="Write a picture here, .png or .svg.")] = None,
    as_json: AsJson = False,
) -> None:
    """Tell what each stream contributed to an answer, and which moments mattered; or --on a corpus, by class.

    Of a run's folder, a picture or --json also tell what each token, pixel and feature did.
    """
    from trichord.running.figures import check_picture

    loaded = open_model(model)
    if (clip is None) == (on is None):
        raise InputError("name a clip to explain, or a corpus with --on; one of the two")
    if picture is not None:
        check_picture(picture)
    if clip is None:
        refuse({"--text": text, "--steps": steps}, "a clip, not with --on")
        explain_corpus(loaded, clips_of(on, data, loaded.metadata.recipe), head or [], against or "average",
                       picture, as_json)  # fmt: skip
        return
    refuse({"--data": data, "--against": against}, "--on, not with a clip")
    if len(head or []) > 1:
        raise InputError("--head names one answer to explain; leave it out for all together")
    explain_clip(loaded, Path(model), clip, text, head[0] if head else None, steps or STEPS, picture, as_json)


def refuse(options: Mapping[str, Any], mode: str) -> None:
    """Raise InputError for an option that another mode has."""
    for option, given in options.items():
        if given is not None:
            raise InputError(f"{option} goes with {mode}")


def explain_clip(
    model: Any, folder: Path, file: Path, text: str | None, head: str | None, steps: int,
    picture: Path | None, as_json: bool,
) -> None:  # fmt: skip
    """Explain one answer; `folder` is what the model was named by."""
    from trichord.running.explain import save_picture

    clip = clip_of(file, text)
    inputs = model.preparations(clip)
    answer = model.answers([clip], [inputs])[0]
    attribution = answer.explain(head)
    if not as_json:
        show_answer(answer)
        show_attribution(attribution)
        if picture is None:
            return
    step = step_for(model, inputs)
    curves = answer.occlude(head, window=WINDOW_SECONDS / STEP_SECONDS * step, step=step)
    asked = {name: answer[name].best for name in answer if head in (None, name)}
    felt, parts = gradients_of(folder, model, inputs, asked, steps)
    if as_json:
        tell(answer, attribution, curves, felt, parts, steps)
    if picture is not None:
        events = answer.events if head is None else answer[head].events
        save_picture(picture, attribution, curves, events, file.name, parts)
        console.print(f"wrote {picture}")


def step_for(model: Any, inputs: dict[str, Any]) -> float:
    """Return how far occluded windows lie apart, in seconds, so that a long clip has not too many."""
    from trichord.running.evaluate import seconds
    from trichord.running.explain.occlusion import MAX_WINDOWS

    return max(STEP_SECONDS, seconds(model, inputs) / MAX_WINDOWS)


def tell(
    answer: Any, attribution: Any, curves: dict[str, Any], felt: Any, parts: dict[str, Any], steps: int
) -> None:
    """Print all that is known of one answer as JSON."""
    told = answer.to_dict() | {
        "attribution": attribution.shares,
        "nats": dict(attribution.nats),
        "full": attribution.full,
        "empty": attribution.empty,
        "learned": attribution.learned,
        "moments": {name: {"seconds": curve.times.tolist(), "nats": curve.drop.tolist()}
                    for name, curve in curves.items()},
    }  # fmt: skip
    if felt is not None:
        told["gradients"] = {
            "steps": steps, "full": felt.full, "baseline": felt.baseline, "error": felt.error,
            "streams": {name: part.to_dict() for name, part in parts.items()},
        }  # fmt: skip
    typer.echo(json.dumps(told, ensure_ascii=False))


def gradients_of(
    folder: Path, model: Any, inputs: dict[str, Any], answers: dict[str, Any], steps: int
) -> tuple[Any, dict[str, Any]]:
    """Return the integrated gradients of a run's folder, and what they say of each stream's parts.

    None and nothing where `folder` is no run's, or torch is not installed: a model file holds no gradients.
    """
    if not (folder / "weights.safetensors").exists():
        return None, {}
    from trichord.cli.learn import needs_training
    from trichord.running.explain import parts_of

    try:
        needs_training()
    except MissingError as error:
        console.print(f"no gradients: {error}")
        return None, {}
    from trichord.learning.gradients import integrated_gradients
    from trichord.learning.training import RunFolder

    _, learned = RunFolder(folder).load()
    specs = {name: stream.input.spec for name, stream in model.streams.items()}
    felt = integrated_gradients(learned, specs, model.heads, inputs, answers, steps=steps)
    if felt.error > 0.05 * abs(felt.full - felt.baseline) + 0.05:
        console.print(f"the gradients miss {felt.error:.2g} nats of their sum; raise --steps")
    return felt, parts_of(model.streams, inputs, felt.nats, felt.rates)


def show_attribution(attribution: Any) -> None:
    table = Table("stream", "share", "nats")
    for stream, share in attribution.shares.items():
        table.add_row(stream, f"{share:+.2f}", f"{attribution.nats[stream]:+.2f}")
    output.print(table)
    if not attribution.learned:
        console.print("this model was not trained without streams, so these shares mean little")


def explain_corpus(
    model: Any, clips: Any, heads: list[str], against: Literal["average", "uniform"],
    picture: Path | None, as_json: bool,
) -> None:  # fmt: skip
    """Tell how much each stream matters on a corpus, by head and class."""
    from trichord.running.evaluate import by_name
    from trichord.running.explain.by_class import save_class_picture, shares_by_class

    prepared = ((clip, model.preparations(clip)) for clip in track(clips, "explaining"))
    shares = shares_by_class(model, prepared, heads, against=against)
    if as_json:
        by_head = {
            head: {group: by_name(row) for group, row in groups.items()} for head, groups in shares.items()
        }
        told = {"model": model.metadata.name, "against": against, "learned": model.metadata.stream_dropout,
                "heads": by_head}  # fmt: skip
        typer.echo(json.dumps(told, ensure_ascii=False))
    else:
        show_shares(shares, learned=model.metadata.stream_dropout)
    if picture is not None:
        save_class_picture(picture, shares, model.metadata.name)
        console.print(f"wrote {picture}")


def show_shares(shares: Any, *, learned: bool) -> None:
    """Print one table: a row for each head and class, a column for each stream."""
    streams = dict.fromkeys(name for groups in shares.values() for row in groups.values() for name in row)
    table = Table("head", "class", "clips", *streams)
    for head, groups in shares.items():
        for group, row in groups.items():
            cells = [f"{s.value:+.2f} ({s.low:+.2f} to {s.high:+.2f})" if (s := row.get(name)) else ""
                     for name in streams]  # fmt: skip
            clips = max((share.n for share in row.values()), default=0)
            table.add_row(head, escape(group), str(clips), *cells)
    output.print(table)
    if not learned:
        console.print("this model was not trained without streams, so these shares mean little")
