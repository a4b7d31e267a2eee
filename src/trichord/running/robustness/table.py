"""Robustness as tables: a row for every condition, a column for every subset of streams."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from trichord.metrics import HIGHER_IS_BETTER, Interval, headline_of
from trichord.running.robustness.report import Level, Robustness
from trichord.running.robustness.trust import Trust

NOTHING = "–"
Rows = list[list[str]]


def headlines(report: Robustness) -> dict[str, str]:
    """Return each head's one metric that is shown."""
    of_heads = report.clean.scores["all"].items()
    return {head: metric for head, metrics in of_heads if (metric := headline_of(metrics))}


def rows_of(report: Robustness, head: str) -> Rows:
    """Return a head's scores under every condition, the names of the columns first.

    `gain` is by how much all streams together are better than the best alone.
    """
    metric, subsets, streams = headlines(report)[head], list(report.clean.scores), list(report.clean.shares)
    rows = [["condition", *subsets, "gain", *(f"share of {name}" for name in streams)]]
    for condition, level in conditions(report):
        scores = [level.scores[name][head][metric] if name in level.scores else None for name in subsets]
        shares = [shown(level.shares.get(name), "+.2f") for name in streams]
        gained = gain([level.scores[name][head][metric] for name in streams if name in level.scores],
                      scores[0], higher=metric in HIGHER_IS_BETTER, of=len(streams))  # fmt: skip
        rows.append([condition, *(shown(score) for score in scores), gained, *shares])
    return rows


def conditions(report: Robustness) -> Iterator[tuple[str, Level]]:
    """Give every level that was measured, and what it was measured under."""
    yield "clean", report.clean
    for sweep in report.sweeps:
        yield from ((sweep.condition(level), level) for level in sweep.levels[1:])
    for trust in report.trust:
        yield f"{trust.stream}: swapped", Level(None, {"all": trust.scores}, trust.shares)


def gain(alone: Sequence[Interval], together: Interval | None, *, higher: bool, of: int) -> str:
    if together is None or len(alone) < max(of, 2):
        return NOTHING
    values = [score.value for score in alone]
    if any(map(math.isnan, (together.value, *values))):
        return NOTHING
    return f"{together.value - max(values) if higher else min(values) - together.value:+.3f}"


def trust_rows(trust: Sequence[Trust], head: str) -> Rows:
    """Return what one head did where its streams disagreed, the names of the columns first."""
    streams = list(trust[0].shares) if trust else []
    names = [f"follows {name}" for name in streams] + [f"share of {name}" for name in streams]
    rows = [["swapped", "detection AUC", *names]]
    for one in trust:
        found = one.heads[head]
        follows = [shown(found.follows.get(name), ".2f") for name in streams]
        shares = [shown(one.shares.get(name), "+.2f") for name in streams]
        rows.append([one.stream, shown(found.detection), *follows, *shares])
    return rows


def shown(score: Interval | None, form: str = ".3f") -> str:
    return NOTHING if score is None or math.isnan(score.value) else format(score.value, form)


def markdown(report: Robustness) -> str:
    """Return all tables as Markdown."""
    parts = [f"# Robustness of {report.model}, {report.clips} clips"]
    for head, metric in headlines(report).items():
        parts.append(f"## {head}: {metric}\n\n{as_markdown(rows_of(report, head))}")
        if report.trust:
            parts.append(f"### {head}, streams swapped\n\n{as_markdown(trust_rows(report.trust, head))}")
    return "\n\n".join(parts) + "\n"


def as_markdown(rows: Rows) -> str:
    first, *rest = (f"| {' | '.join(row)} |" for row in rows)
    return "\n".join([first, "|" + "---|" * len(rows[0]), *rest])
