"""The commands that look: corpora and doctor."""

from __future__ import annotations

import json
import platform
from collections.abc import Mapping
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from trichord.errors import InputError
from trichord.progress import bar, output

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
EXTRAS = {
    "core": ("numpy", "av", "soxr", "onnxruntime", "pydantic", "rapidfuzz", "rich", "typer"),
    "vision": ("opencv-contrib-python-headless",),
    "train": (
        "torch",
        "lightning-fabric",
        "safetensors",
        "onnx",
        "onnxscript",
        "scipy",
        "matplotlib",
        "pyarrow",
    ),
    "huggingface": ("datasets",),
}


def corpora(as_json: AsJson = False) -> None:
    """List the corpora Trichord reads: licence, size, where to get them, and whether they are here."""
    from trichord.corpora import CORPORA

    rows = [
        {
            "corpus": kind,
            "title": cls.about.title,
            "licence": cls.about.licence,
            "commercial": {True: "yes", False: "no", None: "unstated"}[cls.about.commercial],
            "hours": cls.about.hours,
            "megabytes": cls.about.size_mb,
            "source": cls.about.source,
            "here": cls.present(),
        }
        for kind, cls in CORPORA.items()
    ]
    if as_json:
        typer.echo(json.dumps(rows, indent=1))
        return
    for row in rows:
        size = ", ".join(
            f"{row[key]:g} {unit}" for key, unit in (("hours", "h"), ("megabytes", "MB")) if row[key]
        )
        output.print(f"[bold]{row['corpus']}[/]: {row['title']} ({whereabouts(row)})")
        output.print(
            f"  licence {row['licence']}, commercial use {row['commercial']}{', ' * bool(size)}{size}"
        )
        output.print(f"  from {row['source']}\n")


def whereabouts(row: Mapping[str, Any]) -> str:
    if row["hours"] is None and row["megabytes"] is None:
        return "reads your own data"
    return "here" if row["here"] else "not here"


def doctor(
    data: Annotated[str | None, typer.Argument(help="A corpus name, or a folder of classes.")] = None,
    folder: Annotated[Path | None, typer.Option(help="Where the named corpus lies.")] = None,
    as_json: AsJson = False,
) -> None:
    """Check the install; or a corpus: durations, duplicates, speakers across splits, leaks, broken files."""
    if data is None:
        check_install(as_json)
    else:
        check_corpus(data, folder, as_json)


def check_install(as_json: bool) -> None:
    found = {package: installed(package) for packages in EXTRAS.values() for package in packages}
    if as_json:
        typer.echo(json.dumps({"python": platform.python_version(), "packages": found}))
        return
    table = Table("extra", "package", "version")
    for extra, packages in EXTRAS.items():
        for package in packages:
            table.add_row(extra, package, found[package] or f"absent: pip install 'trichord[{extra}]'")
    output.print(f"Python {platform.python_version()} on {platform.platform()}")
    output.print(table)


def installed(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def check_corpus(data: str, folder: Path | None, as_json: bool) -> None:
    from trichord.corpora import CORPORA
    from trichord.corpora.inspect import inspect
    from trichord.kinds import Kinds

    described = {"kind": data} | ({"folder": folder} if folder else {})
    if data not in CORPORA and Path(data).is_dir():
        described = {"kind": "folder", "folder": data}
    try:
        corpus = Kinds(CORPORA).make(described)
    except ValueError as error:
        raise InputError(f"{data}: {error}") from None
    with bar(f"reading {data}") as advance:
        report = inspect(corpus, progress=advance)
    if as_json:
        typer.echo(json.dumps(asdict(report)))
        return
    table = Table("split", "clips", "hours", "shortest", "middle", "longest (s)", "labels")
    for split, found in report.splits.items():
        lasts = [
            "" if value is None else f"{value:.2f}" for value in (found.shortest, found.middle, found.longest)
        ]
        labels = ", ".join(f"{name} {len(counts)}" for name, counts in found.labels.items())
        table.add_row(split, str(found.clips), f"{found.hours:.3f}", *lasts, labels)
    output.print(table)
    for warning in report.warnings or ["nothing to warn of"]:
        output.print(escape(warning))
