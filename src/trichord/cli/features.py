"""The command that measures: what classical features say of a file's sound."""

from __future__ import annotations

import json
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from rich.table import Table

from trichord.cli.use import AsJson
from trichord.progress import console, output


@dataclass(frozen=True, slots=True)
class Measured:
    """A file's sound, cleaned if wanted, and the mean and deviation of each of its features."""

    samples: Any
    rate: int
    frames: int
    moments: dict[str, tuple[float, float]]


def features(
    clip: Annotated[Path, typer.Argument(help="A media file with sound.")],
    plot: Annotated[
        Path | None, typer.Option(help="Write a picture over time here, .png, .svg or .pdf.")
    ] = None,
    denoise: Annotated[
        Literal["subtract", "wiener", "adaptive"] | None,
        typer.Option(
            help="Take noise out first: by spectral subtraction, Wiener's filter, or as it changes."
        ),
    ] = None,
    rate: Annotated[
        int, typer.Option(min=1000, help="Measure the sound at so many samples a second.")
    ] = 16000,
    as_json: AsJson = False,
) -> None:
    """Measure classical features of a file's sound: energy, spectrum, pitch, formants, cepstra."""
    if plot is not None:
        from trichord.running.figures import check_picture

        check_picture(plot)
    measured = measure(clip, denoise, rate)
    show_json(clip, denoise, measured) if as_json else show_table(measured)
    if plot is not None:
        write_picture(plot, clip.name, measured)


def measure(clip: Path, kind: Any, rate: int) -> Measured:
    from trichord.features.audio import denoise, describe, summary
    from trichord.media import read_audio

    samples = read_audio(clip, rate=rate).samples
    if kind:
        samples = denoise(samples, rate, kind)
    described = describe(samples, rate)
    return Measured(samples, rate, len(described.values), summary(described))


def show_json(clip: Path, denoise: str | None, measured: Measured) -> None:
    from trichord.features.audio import UNITS

    rows = {
        name: {"unit": UNITS[name], "mean": number(mean), "std": number(std)}
        for name, (mean, std) in measured.moments.items()
    }
    told = {"clip": str(clip), "rate": measured.rate, "seconds": len(measured.samples) / measured.rate,
            "frames": measured.frames, "denoise": denoise, "features": rows}  # fmt: skip
    typer.echo(json.dumps(told, ensure_ascii=False))


def number(value: float) -> float | None:
    """Return a number as JSON has it, which knows no NaN."""
    return value if isfinite(value) else None


def show_table(measured: Measured) -> None:
    from trichord.features.audio import UNITS

    seconds = len(measured.samples) / measured.rate
    output.print(f"{seconds:.2f} s at {measured.rate} Hz, {measured.frames} frames of 25 ms, 10 ms apart")
    table = Table("feature", "unit", "mean", "std")
    for name, (mean, std) in measured.moments.items():
        values = (f"{value:.4g}" if isfinite(value) else "none" for value in (mean, std))
        table.add_row(name, UNITS[name], *values)
    output.print(table)


def write_picture(path: Path, title: str, measured: Measured) -> None:
    from trichord.features.audio.picture import draw
    from trichord.running.figures import new_figure, save_figure

    figure = new_figure(9, 11)
    figure.suptitle(title)
    draw(figure, measured.samples, measured.rate)
    save_figure(figure, path)
    console.print(f"wrote {path}")
