"""The command that measures how a model holds. Only attacks need torch."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from trichord.cli.use import AsJson, BeamWidth, ModelName, On, clips_of, open_model
from trichord.errors import InputError
from trichord.files import write_text
from trichord.progress import console, output, track


def robustness(
    model: ModelName,
    on: On = None,
    data: Annotated[Path | None, typer.Option("--data", help="Where the corpus lies.")] = None,
    noise: Annotated[
        list[str] | None,
        typer.Option(
            metavar="SOURCE",
            help="white, pink, babble, FOLDER or babble@FOLDER; in one stream: lips=white. Repeatable.",
        ),
    ] = None,
    snr: Annotated[
        str, typer.Option(metavar="DB,DB,...", help="Signal-to-noise ratios.")
    ] = "20,10,5,0,-5,-10",
    outliers: Annotated[
        str | None, typer.Option(metavar="SHARE,...", help="Shares of each stream that are wild values.")
    ] = None,
    missing: Annotated[
        str | None, typer.Option(metavar="RATE,...", help="Shares of the clips that lack a stream.")
    ] = None,
    swap: Annotated[bool, typer.Option("--swap", help="Take each stream from other clips.")] = False,
    attack: Annotated[
        bool, typer.Option("--attack", help="FGSM and PGD on each stream; the model is a run's folder.")
    ] = False,
    clips: Annotated[int | None, typer.Option(min=1, help="Take so many clips, evenly spread.")] = None,
    beam: BeamWidth = None,
    picture: Annotated[Path | None, typer.Option(help="Write a picture here, .png or .svg.")] = None,
    markdown: Annotated[Path | None, typer.Option(help="Write the tables here, as Markdown.")] = None,
    as_json: AsJson = False,
) -> None:
    """Measure a model as its streams are disturbed: each alone, all together, and which it then trusts.

    By default by all that applies: noise, outliers, missing and swapped streams, and attacks on a run.
    """
    from trichord.prepare.cache import Cache
    from trichord.running.figures import check_picture
    from trichord.running.robustness import markdown as as_markdown
    from trichord.running.robustness import robustness as measure
    from trichord.running.robustness import save_picture
    from trichord.running.spread import spread

    loaded = open_model(model)
    loaded.preparations.cache = Cache()
    if attack:
        needs_run(model)
    if picture is not None:
        check_picture(picture)
    everything = not (noise or outliers or missing or swap or attack)
    plan = plan_of(loaded, everything, noise, snr, outliers, missing, swap=swap)
    chosen = spread(clips_of(on, data, loaded.metadata.recipe), clips)
    report = measure(loaded, chosen, plan, beam=beam, progress=track)
    if attack or (everything and can_attack(model)):
        report = replace(report, sweeps=[*report.sweeps, *attacked(model, chosen, report, beam)])
    if as_json:
        typer.echo(json.dumps(report.to_dict()))
    else:
        show(report)
    if markdown is not None:
        write_text(markdown, as_markdown(report))
        console.print(f"wrote {markdown}")
    if picture is not None:
        save_picture(picture, report)
        console.print(f"wrote {picture}")


def plan_of(
    model: Any, everything: bool, noise: list[str] | None, snr: str, outliers: str | None,
    missing: str | None, *, swap: bool,
) -> Any:  # fmt: skip
    """Return what the options ask to measure."""
    from trichord.running.robustness import MISSING, OUTLIERS, Plan, noise_of, usual_noise

    if everything:
        return Plan(usual_noise(model), numbers(snr), OUTLIERS, MISSING, swap=True)
    return Plan(
        noise_of(model, noise or []),
        numbers(snr),
        numbers(outliers) if outliers else (),
        numbers(missing) if missing else (),
        swap,
    )


def is_run(model: str) -> bool:
    """Whether a model is a finished run's folder."""
    return (Path(model) / "weights.safetensors").exists()


def can_attack(model: str) -> bool:
    """Whether a model is a finished run's folder, and the extra `train` is there to attack it."""
    return is_run(model) and all(find_spec(name) is not None for name in ("torch", "lightning_fabric"))


def needs_run(model: str) -> None:
    """Raise InputError for a model, MissingError for an installation, that has no gradients."""
    from trichord.cli.learn import needs_training

    if not is_run(model):
        raise InputError(f"--attack needs a run's folder, whose weights have gradients; {model} is none")
    needs_training()


def attacked(model: str, clips: Sequence[Any], report: Any, beam: int | None) -> Any:
    """Return the sweeps of all attacks on a run."""
    from trichord.experiments.robustness import attack_sweeps

    return attack_sweeps(Path(model), clips, report.clean, beam=beam, progress=track)


def show(report: Any) -> None:
    """Print a table for each head, and one of what it did where its streams disagreed."""
    from trichord.running.robustness import headlines, rows_of, trust_rows

    for head, metric in headlines(report).items():
        print_rows(f"{head} {metric}", rows_of(report, head))
        if report.trust:
            print_rows(f"{head}: streams swapped between clips", trust_rows(report.trust, head))


def print_rows(title: str, rows: Sequence[Sequence[str]]) -> None:
    table = Table(*rows[0], title=title)
    for row in rows[1:]:
        table.add_row(*row)
    output.print(table)


def numbers(text: str) -> list[float]:
    """Return a list of numbers that commas part."""
    try:
        return [float(part) for part in text.split(",")]
    except ValueError:
        raise InputError(f"expected numbers parted by commas, such as 10,0,-5; got {text!r:.60}") from None
