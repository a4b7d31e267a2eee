"""The model card: what a model is for, what it learned from, how good it is, and where it stops."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from trichord.experiments.plots import number
from trichord.files import write_text
from trichord.learning.recipe import Recipe
from trichord.learning.training import RunFolder

USE = {True: "any use, with attribution", False: "no commercial use", None: "unstated: research only"}


def write_card(run: RunFolder, recipe: Recipe, results: Mapping[str, Any]) -> None:
    """Write `card.md` into a run; `results` is its evaluation by split and subset of streams."""
    about = recipe.corpus.about
    lines = [
        f"# {run.path.name}",
        "",
        recipe.about or "A model trained with Trichord.",
        "",
        f"- **Senses**: {', '.join(f'{name} (from {part.source})' for name, part in recipe.streams.items())}",
        f"- **Answers**: {', '.join(recipe.heads)}",
        f"- **Learned from**: {about.title}; licence {about.licence}",
        f"- **The weights may be used for**: {USE[about.commercial]}",
        f"- **Longest clip**: {recipe.max_seconds:g} s",
        "",
        "The epoch was chosen on the validation split, by " + monitor(recipe) + ". "
        "Brackets hold 95 % bootstrap intervals, over speakers where there are several, else over clips.",
        "",
    ]
    for split, by_subset in results.items():
        lines += [f"## Scores on {split}", "", *table(by_subset), ""]
    lines += [
        "## Limits",
        "",
        "Measured on clips like those it learned from; other speakers, languages, cameras and rooms are not "
        "covered by these scores.",
        "",
        "Pictures: `curves.png`, `streams.png`, `confusion-*.png`, `calibration-*.png`.",
    ]
    write_text(run.path / "card.md", "\n".join(lines) + "\n")


def monitor(recipe: Recipe) -> str:
    return "loss" if recipe.training.monitor == "loss" else f"`{recipe.training.monitor}`"


def table(by_subset: Mapping[str, Any]) -> list[str]:
    """Return a Markdown table: a row for every subset of streams, a column for every metric."""
    columns = [(head, metric) for head, metrics in by_subset["all"]["heads"].items() for metric in metrics]
    rows = ["| streams | " + " | ".join(f"{head} {metric}" for head, metric in columns) + " |"]
    rows.append("|---" * (len(columns) + 1) + "|")
    for subset, report in by_subset.items():
        cells = [cell(report["heads"][head][metric]) for head, metric in columns]
        rows.append(f"| {subset} | " + " | ".join(cells) + " |")
    return rows


def cell(row: Mapping[str, float | None]) -> str:
    value, low, high = (number(row[key]) for key in ("value", "low", "high"))
    return f"{value:.3f} [{low:.3f}, {high:.3f}]"
