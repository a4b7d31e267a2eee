"""The commands that use a model file: run, evaluate, explain. They need no torch."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from trichord.errors import InputError, TrichordError
from trichord.progress import console, output, track

ModelName = Annotated[
    str, typer.Argument(help="A model file, a run's folder, or the name of a shipped model.")
]
Without = Annotated[
    list[str] | None, typer.Option("--without", metavar="STREAM", help="Leave a stream out. Repeatable.")
]
TextInput = Annotated[str | None, typer.Option("--text", help="Typed words that go with the clip.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def open_model(name: str) -> Any:
    """Load a model by path, run folder or name."""
    from trichord.running.runtime import load

    inside = Path(name) / "model.onnx"
    return load(inside if inside.exists() else name)


On = Annotated[
    str | None, typer.Option(metavar="CORPUS:SPLIT", help="By default the model's own corpus: test.")
]
BeamWidth = Annotated[
    int | None,
    typer.Option(
        min=0, help="Width of the beam search for words; 0 is greedy. By default as the model says."
    ),
]


def run(
    model: ModelName,
    clips: Annotated[list[Path], typer.Argument(help="Files, or folders of files: JSON lines for several.")],
    text: TextInput = None,
    without: Without = None,
    as_json: AsJson = False,
    beam: BeamWidth = None,
    live: Annotated[bool, typer.Option("--live", help="Play one clip at real speed, answering on.")] = False,
    every: Annotated[float, typer.Option(min=0.02, help="Seconds between live answers.")] = 0.25,
) -> None:
    """Answer what a model hears, sees and reads in each clip."""
    loaded = open_model(model)
    files = list(find_files(clips))
    if not files:
        raise InputError(f"{clips[0]} holds no files")
    several = len(files) > 1 or any(path.is_dir() for path in clips)
    if live and several:
        raise InputError("--live plays one clip; give one file")
    failed = 0
    for file in files:
        try:
            clip = clip_of(file, text)
            if live:
                from trichord.cli.live import watch

                answer = watch(loaded, clip, as_json=as_json, without=without or (), beam=beam, every=every)
            else:
                answer = loaded(clip, without=without or (), beam=beam)
        except TrichordError as error:
            if not several:
                raise
            failed += 1
            typer.echo(json.dumps({"clip": str(file), "error": str(error)}, ensure_ascii=False))
            continue
        if as_json or several:
            typer.echo(json.dumps(answer.to_dict() | {"clip": str(file)}, ensure_ascii=False))
        else:
            show_answer(answer)
    if failed:
        raise InputError(f"{failed} of {len(files)} clips could not be answered; each one's line says why")


def clip_of(file: Path, text: str | None) -> Any:
    """Return the file as a clip, with typed words beside it if there are any."""
    from trichord.clip import Clip
    from trichord.media import clip_from_file

    clip = clip_from_file(file)
    return clip if text is None else Clip(clip.id, {**clip.inputs, "text": text})


def find_files(paths: list[Path]) -> Iterator[Path]:
    for path in paths:
        if path.is_dir():
            yield from sorted(
                file for file in path.rglob("*") if file.is_file() and not file.name.startswith(".")
            )
        else:
            yield path


def show_answer(answer: Any) -> None:
    table = Table("head", "answer", "confidence")
    for name in answer.heads:
        decoded = answer[name]
        sure = "" if decoded.confidence is None else f"{decoded.confidence:.2f}"
        table.add_row(name, escape(str(decoded.value)), sure)
    output.print(table)


def evaluate(
    model: ModelName,
    on: On = None,
    data: Annotated[Path | None, typer.Option("--data", help="Where the corpus lies.")] = None,
    without: Without = None,
    noise: Annotated[
        str | None,
        typer.Option(
            metavar="SOURCE:SNR",
            help="Noise under the voice: babble:0dB, white:5dB, FOLDER:0dB, babble@FOLDER:0dB.",
        ),
    ] = None,
    room: Annotated[
        float | None, typer.Option(metavar="SECONDS", help="Reverberation: the time to decay by 60 dB.")
    ] = None,
    gaps: Annotated[
        list[str] | None,
        typer.Option(metavar="STREAM=SHARE", help="Lose a share of a stream's time. Repeatable."),
    ] = None,
    beam: BeamWidth = None,
    as_json: AsJson = False,
) -> None:
    """Measure a model on a split of a corpus: metrics by head, with 95 % intervals."""
    from trichord.running.conditions import Conditions
    from trichord.running.evaluate import evaluate as measure

    loaded = open_model(model)
    clips = clips_of(on, data, loaded.metadata.recipe.get("corpus"))
    conditions = Conditions(tuple(without or ()), noise, room, shares_of(gaps or []))
    report = measure(loaded, track(clips, "evaluating"), conditions, beam=beam)
    if as_json:
        typer.echo(json.dumps(report.to_dict()))
        return
    table = Table("head", "metric", "value", "95 % interval", "clips")
    for head, metrics in report.to_dict()["heads"].items():
        for metric, row in metrics.items():
            value, low, high = (written(row[key]) for key in ("value", "low", "high"))
            table.add_row(head, metric, value, f"{low} to {high}", str(row["n"]))
    output.print(table)


def robustness(
    model: ModelName,
    noise: Annotated[
        str, typer.Option(metavar="SOURCE", help="white, pink, babble, FOLDER or babble@FOLDER.")
    ] = "babble",
    snr: Annotated[
        str, typer.Option(metavar="DB,DB,...", help="Signal-to-noise ratios.")
    ] = "20,10,5,0,-5,-10",
    on: On = None,
    data: Annotated[Path | None, typer.Option("--data", help="Where the corpus lies.")] = None,
    beam: BeamWidth = None,
    picture: Annotated[Path | None, typer.Option(help="Write a picture here, .png or .svg.")] = None,
    as_json: AsJson = False,
) -> None:
    """Measure a model as noise rises: each stream alone, all together, and what each then contributes."""
    from trichord.metrics import headline_of
    from trichord.prepare.cache import Cache
    from trichord.running.robustness import robustness as measure
    from trichord.running.robustness import save_picture

    loaded = open_model(model)
    loaded.preparations.cache = Cache()
    clips = clips_of(on, data, loaded.metadata.recipe.get("corpus"))
    levels = measure(loaded, clips, noise, numbers(snr), beam=beam, progress=track)
    if picture is not None:
        save_picture(picture, levels, noise)
        console.print(f"wrote {picture}")
    if as_json:
        typer.echo(json.dumps({"noise": noise, "levels": [level.to_dict() for level in levels]}))
        return
    for head, metrics in levels[0].scores["all"].items():
        if metric := headline_of(metrics):
            table = Table("SNR", *levels[0].scores, *(f"share of {name}" for name in levels[0].shares))
            for level in levels:
                scores = [f"{heads[head][metric].value:.3f}" for heads in level.scores.values()]
                shares = [f"{share.value:+.2f}" for share in level.shares.values()]
                name = "clean" if level.snr_db is None else f"{level.snr_db:g} dB"
                table.add_row(name, *scores, *shares)
            table.title = f"{head} {metric}"
            output.print(table)


def numbers(text: str) -> list[float]:
    """Return a list of numbers that commas part."""
    try:
        return [float(part) for part in text.split(",")]
    except ValueError:
        raise InputError(f"expected numbers parted by commas, such as 10,0,-5; got {text!r:.60}") from None


def shares_of(gaps: list[str]) -> dict[str, float]:
    """Return --gaps by stream."""
    shares = {}
    for pair in gaps:
        stream, _, share = pair.partition("=")
        try:
            shares[stream] = float(share)
        except ValueError:
            raise InputError(f"--gaps: expected STREAM=SHARE, such as lips=0.5; got {pair!r:.60}") from None
    return shares


def written(value: float | None) -> str:
    return "–" if value is None else f"{value:.4f}"


def clips_of(on: str | None, data: Path | None, own: Any) -> Any:
    """Return the clips of CORPUS:SPLIT; what the model's own recipe says of that corpus applies."""
    from trichord.corpora import CORPORA
    from trichord.kinds import Kinds

    kind, _, split = (on or "").partition(":")
    described = (
        dict(own)
        if isinstance(own, dict) and own.get("kind") == (kind or own.get("kind"))
        else {"kind": kind}
    )
    if data is not None:
        described["folder"] = str(data)
    try:
        return Kinds(CORPORA).make(described).clips(split or "test")
    except ValueError as error:
        raise InputError(f"--on {on}: {error}") from None


def explain(
    model: ModelName,
    clip: Annotated[Path, typer.Argument(help="A media file.")],
    text: TextInput = None,
    picture: Annotated[Path | None, typer.Option(help="Write a picture here, .png or .svg.")] = None,
    as_json: AsJson = False,
) -> None:
    """Tell what each stream contributed to the answer, and which moments mattered."""
    from trichord.running.explain import save_picture

    answer = open_model(model)(clip_of(clip, text))
    attribution = answer.explain()
    curves = answer.occlude() if picture is not None or as_json else {}
    if picture is not None:
        save_picture(picture, attribution, curves, answer.events, clip.name)
        console.print(f"wrote {picture}")
    if as_json:
        moments = {
            name: {"seconds": curve.times.tolist(), "nats": curve.drop.tolist()}
            for name, curve in curves.items()
        }
        told = answer.to_dict(attribution=True) | {"nats": dict(attribution.nats), "moments": moments}
        typer.echo(json.dumps(told, ensure_ascii=False))
        return
    show_answer(answer)
    table = Table("stream", "share", "nats")
    for stream, share in attribution.shares.items():
        table.add_row(stream, f"{share:+.2f}", f"{attribution.nats[stream]:+.2f}")
    output.print(table)
    if not attribution.learned:
        console.print("this model was not trained without streams, so these shares mean little")
