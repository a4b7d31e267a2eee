"""docs/results.json -> docs/results.md, for people."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
DATA = ROOT / "docs" / "results.json"
PAGE = ROOT / "docs" / "results.md"

INTRODUCTION = """\
# Measured

Every number that this project claims, with the command that regenerates it. This page is made from
[results.json](results.json) by `python benchmarks/report.py`: change neither by hand. A spread in
brackets is the one that the note names, else a 95 % interval; a bar is what the number was to reach.
"""


def render(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return the page: one section for each first part of the ids."""
    if not rows:
        return f"{INTRODUCTION}\nNothing is measured yet.\n"
    groups = groupby(rows, key=lambda row: row["id"].partition("/")[0])
    return "\n".join([INTRODUCTION, *(section(name, list(group)) for name, group in groups)])


def section(name: str, rows: Sequence[Mapping[str, Any]]) -> str:
    lines = [
        f"## {name}\n",
        "| id | metric | value | n | bar | note |",
        "|---|---|---|---|---|---|",
        *(table_line(row) for row in rows),
        "",
        *(f"- {line}" for line in dict.fromkeys(source(row) for row in rows)),
        "",
    ]
    return "\n".join(lines)


def table_line(row: Mapping[str, Any]) -> str:
    cells = [row["id"], row["metric"], value(row), count(row), row["bar"], row["note"]]
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def value(row: Mapping[str, Any]) -> str:
    spread = row["spread"]
    return f"{row['value']:g}" + (f" [{spread[0]:g}, {spread[1]:g}]" if spread else "")


def count(row: Mapping[str, Any]) -> str:
    seeds = f"{len(row['seeds'])} seeds" if row["seeds"] else ""
    return ", ".join(part for part in (f"{row['n']:,}" if row["n"] else "", seeds) if part)


def source(row: Mapping[str, Any]) -> str:
    versions = ", ".join(f"{name} {version}" for name, version in row["versions"].items())
    return f"`{row['command']}` on {row['date']}, {row['machine']}; {versions}"


def read(path: Path = DATA) -> list[dict[str, Any]]:
    """Return the rows, none where there is no file yet."""
    return json.loads(path.read_text("utf-8")) if path.exists() else []


def write(path: Path, text: str) -> None:
    """Write a file as a whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(f".{os.getpid()}.tmp")
    temporary.write_text(text, "utf-8")
    temporary.replace(path)


if __name__ == "__main__":
    write(PAGE, render(read()))
    sys.stdout.write(f"{PAGE.relative_to(ROOT)}: {len(read())} rows\n")
