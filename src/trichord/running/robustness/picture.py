"""Robustness as a picture: every head's score along every sweep, side by side, and the streams' shares."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trichord.metrics import Interval
from trichord.running.figures import new_figure, save_figure
from trichord.running.robustness.report import Level, Robustness, Sweep
from trichord.running.robustness.table import headlines, shown
from trichord.running.robustness.trust import Trust

PANEL_INCHES = (4.2, 3.2)
MAX_HEADS = 6


@dataclass(frozen=True, slots=True)
class Line:
    """What one line shows: a subset's scores over the levels of a sweep."""

    label: str
    colour: str
    levels: Sequence[Level]
    subset: str = "all"


@dataclass(frozen=True, slots=True)
class Panel:
    """Lines over the same strengths."""

    axis: str
    lines: Sequence[Line]

    def draw_scores(self, axis: Any, head: str, metric: str) -> None:
        found = [[level.scores[line.subset][head][metric] for level in line.levels] for line in self.lines]
        for line, scores in zip(self.lines, found, strict=True):
            draw(axis, line.label, scores, line.colour)
        self.name_strengths(axis)
        negative = any(score.value < 0 or score.low < 0 for scores in found for score in scores)
        axis.set(title=head, ylabel=metric, ylim=(None if negative else 0, None))

    def draw_shares(self, axis: Any, colours: Mapping[str, str]) -> None:
        """Draw the streams' shares, where they were measured at every level."""
        levels = self.lines[0].levels
        if not all(level.shares for level in levels):
            axis.set_axis_off()
            return
        for stream in levels[0].shares:
            draw(axis, stream, [level.shares[stream] for level in levels], colours[stream])
        axis.axhline(0, color="black", linewidth=0.8)
        self.name_strengths(axis)
        axis.set(title="share of the answer", ylabel="mean signed Shapley share")

    def name_strengths(self, axis: Any) -> None:
        levels = self.lines[0].levels
        ticks = ["clean" if level.strength is None else f"{level.strength:g}" for level in levels]
        axis.set_xticks(range(len(ticks)), ticks)
        axis.set_xlabel(self.axis)


def save_picture(path: str | Path, report: Robustness) -> None:
    """Write a picture (.png, .svg or .pdf): a row for each of the first six heads, the last for the shares.

    Raises MissingError without matplotlib.
    """
    heads = dict(list(headlines(report).items())[:MAX_HEADS])
    names = dict.fromkeys([*report.clean.shares, *report.clean.scores])  # a stream has one colour everywhere
    colours = {name: f"C{number}" for number, name in enumerate(names)} | {"all": "black"}
    panels = panels_of(report, colours)
    columns = max(1, len(panels) + bool(report.trust))
    figure = new_figure(PANEL_INCHES[0] * columns, PANEL_INCHES[1] * (len(heads) + 1))
    grid = figure.subplots(len(heads) + 1, columns, squeeze=False)
    for (head, metric), row in zip(heads.items(), grid, strict=False):
        for axis, panel in zip(row, panels, strict=False):
            panel.draw_scores(axis, head, metric)
        if report.trust:
            draw_follows(row[-1], head, report.trust, colours)
    for axis, panel in zip(grid[-1], panels, strict=False):
        panel.draw_shares(axis, colours)
    if report.trust:
        draw_bars(grid[-1][-1], {trust.stream: trust.shares for trust in report.trust}, colours)
        grid[-1][-1].set(title="share of the answer", xlabel="stream that was swapped")
    for axis in grid[0]:  # lines and bars mean the same all the way down
        if axis.get_legend_handles_labels()[0]:
            axis.legend(frameon=False, fontsize=8)
    save_figure(figure, path)


def panels_of(report: Robustness, colours: Mapping[str, str]) -> list[Panel]:
    """Return a panel for each stream's noise, one for all outliers, one for what is missing, and so on."""
    of_kind: dict[str, list[Sweep]] = {}
    for sweep in report.sweeps:
        of_kind.setdefault(sweep.disturbed, []).append(sweep)
    panels = [
        Panel(sweep.axis, [Line(name, colours[name], sweep.levels, name) for name in report.clean.scores])
        for sweep in of_kind.get("noise", ())
    ]
    for kind, axis in (
        ("outliers", "share of outliers in one stream, all given"),
        ("missing", "share of clips without one stream"),
    ):
        if sweeps := of_kind.get(kind):
            panels.append(Panel(axis, [Line(s.stream, colours[s.stream], s.levels) for s in sweeps]))
    attacks: dict[str, list[Sweep]] = {}
    for sweep in of_kind.get("attack", ()):
        attacks.setdefault(sweep.stream, []).append(sweep)
    return panels + [
        Panel(f"attack on {stream}, {sweeps[0].unit}",
              [Line(sweep.source, f"C{number}", sweep.levels) for number, sweep in enumerate(sweeps)])
        for stream, sweeps in attacks.items()
    ]  # fmt: skip


def draw(axis: Any, name: str, scores: Sequence[Interval], colour: str) -> None:
    """Draw a score over the levels, with its 95 % interval."""
    axis.plot([score.value for score in scores], marker="o", markersize=3, label=name, color=colour)
    low, high = [score.low for score in scores], [score.high for score in scores]
    axis.fill_between(range(len(scores)), low, high, color=colour, alpha=0.15, linewidth=0)


def draw_follows(axis: Any, head: str, trust: Sequence[Trust], colours: Mapping[str, str]) -> None:
    """Draw whose clip's target the answers follow, by swapped stream, and how well the swap is noticed."""
    draw_bars(axis, {one.stream: one.heads[head].follows for one in trust}, colours)
    noticed = [f"{one.stream}\nAUC {shown(one.heads[head].detection, '.2f')}" for one in trust]
    axis.set_xticks(range(len(trust)), noticed)
    axis.set(title=f"{head}, one stream swapped", ylabel="share of answers that follow", ylim=(0, 1.3))


def draw_bars(axis: Any, groups: Mapping[str, Mapping[str, Interval]], colours: Mapping[str, str]) -> None:
    """Draw a group of bars for each swapped stream, one bar a stream, with their intervals."""
    streams = list(dict.fromkeys(name for values in groups.values() for name in values))
    width = 0.8 / max(len(streams), 1)
    for number, stream in enumerate(streams):
        places = [place + (number - (len(streams) - 1) / 2) * width for place in range(len(groups))]
        found = [values.get(stream, NOTHING) for values in groups.values()]
        heights = [one.value for one in found]
        errors = [
            [max(one.value - one.low, 0) for one in found],
            [max(one.high - one.value, 0) for one in found],
        ]
        axis.bar(
            places,
            heights,
            width,
            yerr=errors,
            label=stream,
            color=colours[stream],
            error_kw={"linewidth": 1},
        )
    axis.axhline(0, color="black", linewidth=0.8)
    axis.set_xticks(range(len(groups)), list(groups))


NOTHING = Interval(0.0, 0.0, 0.0, 0)
