"""The commands that use a model file: run, evaluate. They need no torch."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any

import typer
from rich.table import Table

from trichord.cli.answer import show_answer
from trichord.cli.search import LanguageFile, LanguageWeight, PhraseBoost, PhraseList, search_of
from trichord.errors import InputError, TrichordError
from trichord.progress import output, track

ModelName = Annotated[
    str, typer.Argument(help="A model file, a run's folder, or the name of a shipped model.")
]
Without = Annotated[
    list[str] | None, typer.Option("--without", metavar="STREAM", help="Leave a stream out. Repeatable.")
]
TextInput = Annotated[str | None, typer.Option("--text", help="Typed words that go with the clip.")]
NOTHING: Mapping[str, str] = MappingProxyType({})
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
    one_speaker: Annotated[
        bool, typer.Option("--one-speaker", help="All clips are one person's: get used to them first.")
    ] = False,
    live: Annotated[bool, typer.Option("--live", help="Play one clip at real speed, answering on.")] = False,
    every: Annotated[float, typer.Option(min=0.02, help="Seconds between live answers.")] = 0.25,
    phrases: PhraseList = None,
    phrase_boost: PhraseBoost = None,
    language: LanguageFile = None,
    language_weight: LanguageWeight = None,
) -> None:
    """Answer what a model hears, sees and reads in each clip."""
    loaded = open_model(model)
    search = search_of(beam, phrases, phrase_boost, language, language_weight)
    files = list(find_files(clips))
    if not files:
        raise InputError(f"{clips[0]} holds no files")
    several = len(files) > 1 or any(path.is_dir() for path in clips)
    if live and several:
        raise InputError("--live plays one clip; give one file")
    person = get_used_to(loaded, model, files) if one_speaker else {}
    failed = 0
    for file in files:
        try:
            clip = clip_of(file, text, person)
            if live:
                from trichord.cli.live import watch

                answer = watch(loaded, clip, as_json=as_json, without=without or (), beam=search, every=every)
            else:
                answer = loaded(clip, without=without or (), beam=search)
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


def get_used_to(loaded: Any, name: str, files: list[Path]) -> Mapping[str, str]:
    """Accustom a model to the one person of these files; return what says whose they are.

    Files that cannot be read are left out here. Raises InputError for a model that answers about all alike.
    """
    from trichord.prepare import Cache

    person = dict.fromkeys(loaded.preparations.groups, "the one")
    if not person:
        raise InputError(f"{name} answers about everyone alike; leave --one-speaker out")
    loaded.preparations.cache = Cache()
    heard = []
    for file in track(files, "getting used to the speaker"):
        with suppress(TrichordError):
            clip = clip_of(file, None, person)
            loaded.preparations(clip)  # measures it, and raises where it is not fit
            heard.append(clip)
    loaded.preparations.accustom(heard)
    return person


def clip_of(file: Path, text: str | None, about: Mapping[str, str] = NOTHING) -> Any:
    """Return the file as a clip, with typed words beside it if there are any, and what is known about it."""
    from trichord.clip import Clip
    from trichord.media import clip_from_file

    clip = clip_from_file(file)
    inputs = clip.inputs if text is None else {**clip.inputs, "text": text}
    return Clip(clip.id, inputs, clip.targets, {**clip.about, **about})


def find_files(paths: list[Path]) -> Iterator[Path]:
    for path in paths:
        if path.is_dir():
            yield from sorted(
                file for file in path.rglob("*") if file.is_file() and not file.name.startswith(".")
            )
        else:
            yield path


def evaluate(
    model: ModelName,
    on: On = None,
    data: Annotated[Path | None, typer.Option("--data", help="Where the corpus lies.")] = None,
    without: Without = None,
    noise: Annotated[
        list[str] | None,
        typer.Option(
            metavar="SOURCE:SNR",
            help="Noise under the voice: babble:0dB, white:5dB, FOLDER:0dB, babble@FOLDER:0dB; "
            "in one stream: lips=white:0dB. Repeatable.",
        ),
    ] = None,
    room: Annotated[
        float | None, typer.Option(metavar="SECONDS", help="Reverberation: the time to decay by 60 dB.")
    ] = None,
    gaps: Annotated[
        list[str] | None,
        typer.Option(metavar="STREAM=SHARE", help="Lose a share of a stream's time. Repeatable."),
    ] = None,
    outliers: Annotated[
        list[str] | None,
        typer.Option(metavar="STREAM=SHARE", help="Replace a share by wild values. Repeatable."),
    ] = None,
    missing: Annotated[
        list[str] | None,
        typer.Option(metavar="STREAM=RATE", help="Withhold a stream from a share of clips. Repeatable."),
    ] = None,
    swap: Annotated[
        list[str] | None,
        typer.Option(metavar="STREAM", help="Take a stream from another clip. Repeatable."),
    ] = None,
    beam: BeamWidth = None,
    as_json: AsJson = False,
) -> None:
    """Measure a model on a split of a corpus: metrics by head, with 95 % intervals."""
    from trichord.running.conditions import Conditions
    from trichord.running.evaluate import evaluate as measure

    loaded = open_model(model)
    clips = clips_of(on, data, loaded.metadata.recipe)
    conditions = Conditions(
        without=tuple(without or ()),
        noise=noise_of(noise or []),
        room=room,
        gaps=shares_of("--gaps", gaps),
        outliers=shares_of("--outliers", outliers),
        missing=shares_of("--missing", missing),
        swapped=tuple(swap or ()),
    )
    report = measure(loaded, track(clips, "evaluating"), conditions, beam=beam, pool=clips)
    if as_json:
        typer.echo(json.dumps(report.to_dict()))
        return
    table = Table("head", "metric", "value", "95 % interval", "clips")
    for head, metrics in report.to_dict()["heads"].items():
        for metric, row in metrics.items():
            value, low, high = (written(row[key]) for key in ("value", "low", "high"))
            table.add_row(head, metric, value, f"{low} to {high}", str(row["n"]))
    output.print(table)


def noise_of(written: list[str]) -> str | dict[str, str] | None:
    """Return --noise: one for every stream of samples, or one for each stream that is named."""
    named = [text for text in written if "=" in text]
    if named and len(named) == len(written):
        return {stream: noise for stream, _, noise in (text.partition("=") for text in named)}
    if len(written) > 1:
        raise InputError("--noise: say STREAM=SOURCE:SNR for each of several, such as lips=white:0dB")
    return written[0] if written else None


def shares_of(option: str, written: list[str] | None) -> dict[str, float]:
    """Return the shares that an option such as --gaps gives by stream."""
    shares = {}
    for pair in written or ():
        stream, _, share = pair.partition("=")
        try:
            shares[stream] = float(share)
        except ValueError:
            raise InputError(f"{option}: expected STREAM=SHARE, such as lips=0.5; got {pair!r:.60}") from None
    return shares


def written(value: float | None) -> str:
    return "–" if value is None else f"{value:.4f}"


def clips_of(on: str | None, data: Path | None, recipe: Mapping[str, Any]) -> Any:
    """Return the clips of CORPUS:SPLIT; what the model's own recipe says of that corpus, folds too, applies.

    Raises InputError for a corpus or a split that there is none of.
    """
    kind, _, split = (on or "").partition(":")
    own = recipe.get("corpus")
    is_own = isinstance(own, dict) and own.get("kind") == (kind or own.get("kind"))
    described = dict(own) if isinstance(own, dict) and is_own else {"kind": kind}
    if data is not None:
        described["folder"] = str(data)
    try:
        return split_of(described, split or "test", recipe.get("fold") if is_own else None)
    except ValueError as error:
        raise InputError(f"--on {on}: {error}") from None


def split_of(corpus: Mapping[str, Any], split: str, fold: Any) -> Any:
    """Return a split's clips, of the corpus divided anew where there is a fold."""
    from trichord.corpora import CORPORA
    from trichord.corpora.folds import Fold
    from trichord.kinds import Kinds, nearest

    made = Kinds(CORPORA).make(corpus)
    if fold is None:
        return made.clips(split)
    index = Fold.model_validate(fold).divide({name: made.clips(name) for name in made.splits()})
    if not index.get(split):
        raise InputError(f"{made.name}: its fold has no split {split!r}{nearest(split, index)}")
    return index[split]
