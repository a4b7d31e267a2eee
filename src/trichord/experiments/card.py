"""The model card: what a model is for, what it learned from, how good it is, and where it stops."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from trichord.corpora.corpus import About
from trichord.experiments.plots import number
from trichord.files import write_text
from trichord.learning.heads.classify import Classify
from trichord.learning.heads.ctc import Ctc
from trichord.learning.objectives.mix_noise import MixNoise
from trichord.learning.recipe import Recipe

USE = {True: "any use, with attribution", False: "no commercial use", None: "unstated: research only"}


def write_card(
    path: Path, name: str, recipe: Recipe, about: About, results: Mapping[str, Any], pictures: str = ""
) -> None:
    """Write a model's card; `about` says what it learned from, `results` is its evaluation.

    The evaluation is by split and subset of streams. The recipe's heads must have been fitted or restored:
    what they can say is among the limits.
    """
    lines = [
        f"# {name}",
        "",
        recipe.about or "A model trained with Trichord.",
        "",
        f"- **Senses**: {', '.join(f'{name} (from {part.source})' for name, part in recipe.streams.items())}",
        f"- **Answers**: {', '.join(recipe.heads) or 'nothing; other trainings start from its weights'}",
        f"- **Learned from**: {about.title}; licence {about.licence}",
        f"- **Noise while it learned**: {', '.join(noises(recipe)) or 'none'}",
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
        *limits(recipe),
        "- Measured on clips like those it learned from; these scores do not cover other speakers, "
        "languages, cameras and rooms.",
    ]
    lines += ["", f"Pictures: {pictures}."] if pictures else []
    write_text(path, "\n".join(lines) + "\n")


def limits(recipe: Recipe) -> list[str]:
    """Return what a model has heard and can say, as lines of a list."""
    clips = recipe.clips("train")
    speakers = {clip.about["speaker"] for clip in clips if "speaker" in clip.about}
    told = f" of {len(speakers)} {'speaker' if len(speakers) == 1 else 'speakers'}" if speakers else ""
    lines = [f"- It learned from {round(recipe.training.share * len(clips))} clips{told}."]
    for name, stream in recipe.streams.items():
        if stream.prepare.by is not None:
            lines.append(
                f"- `{name}` is set against all clips of the same {stream.prepare.by}, unlabelled, which it "
                "is given before it is measured; a clip alone is answered as if by anybody, and worse."
            )
    for name, head in recipe.heads.items():
        if isinstance(head, Ctc) and head.units == "word":
            lines.append(f"- `{name}` can write {len(head.labels) - 1} words and no others.")
        elif isinstance(head, Ctc) and head.vocabulary:
            lines.append(
                f"- `{name}` may write the {head.vocabulary} most frequent words of the language beside "
                "those it learned from; how frequent they are is wordfreq's (R. Speer), under CC BY-SA 4.0."
            )
        elif isinstance(head, Classify):
            lines.append(f"- `{name}` chooses among {len(head.labels)} classes.")
    return lines


def noises(recipe: Recipe) -> list[str]:
    """Return where the noise came from that a training laid under its voices."""
    return [objective.source for objective in recipe.objectives if isinstance(objective, MixNoise)]


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
