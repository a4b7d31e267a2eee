"""How a model holds as noise rises: each sense alone, all together, and which of them it then listens to."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np

from trichord.clip import Clip
from trichord.errors import InputError
from trichord.metrics import Interval, bootstrap, headline_of, ratio, with_count
from trichord.running.conditions import Conditions
from trichord.running.evaluate import Answers, answer_all, plain, report_on
from trichord.running.figures import new_figure, save_figure
from trichord.running.runtime.model import Beam, Model

Progress = Callable[[Sequence[Clip], str], Iterable[Clip]]


@dataclass(frozen=True, slots=True)
class Level:
    """What a model said at one signal-to-noise ratio, None for clean.

    `scores`: metrics by subset of streams (`all`, or names joined by +), then by head, then by name.
    `shares`: each stream's mean signed share in the answers given all streams.
    """

    snr_db: float | None
    scores: Mapping[str, Mapping[str, Mapping[str, Interval]]]
    shares: Mapping[str, Interval]

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        scores = {
            subset: {head: {name: plain(value) for name, value in metrics.items()}
                     for head, metrics in heads.items()}
            for subset, heads in self.scores.items()
        }  # fmt: skip
        shares = {name: plain(share) for name, share in self.shares.items()}
        return {"snr_db": self.snr_db, "scores": scores, "shares": shares}


def robustness(
    model: Model,
    clips: Sequence[Clip],
    noise: str,
    snrs_db: Sequence[float],
    *,
    batch: int = 8,
    beam: Beam | None = None,
    progress: Progress = lambda clips, what: clips,
) -> list[Level]:
    """Measure a model without noise and with `noise` (see `NoiseSource`) at each ratio, the quietest first.

    Raises InputError where no stream is made of samples.
    """
    deaf = [name for name, stream in model.streams.items() if stream.input.kind != "samples"]
    if len(deaf) == len(model.streams):
        raise InputError("the model has no stream of samples, so noise changes nothing")
    levels: list[Level] = []
    for snr_db in (None, *sorted(snrs_db, reverse=True)):
        said = f"{noise}:{snr_db:g}dB" if snr_db is not None else None
        scores: dict[str, Mapping[str, Mapping[str, Interval]]] = {}
        shares: Mapping[str, Interval] = {}
        for kept in subsets(list(model.streams)):
            name = subset_name(kept, model)
            if levels and set(kept) <= set(deaf):  # noise changes nothing there
                scores[name] = levels[0].scores[name]
                continue
            without = withheld(kept, model)
            watched = progress(clips, f"{said or 'clean'}, {name}")
            conditions = Conditions(without, said)
            answers = answer_all(model, watched, conditions, batch=batch, beam=beam, explain=not without)
            scores[name] = report_on(model, answers).heads
            if not without:
                shares = mean_shares(answers)
        levels.append(Level(snr_db, scores, shares))
    return levels


def mean_shares(answers: Answers) -> dict[str, Interval]:
    """Return each stream's mean share, over the clips that have it."""
    names = dict.fromkeys(name for shares in answers.shares for name in shares)
    found = {name: [shares[name] for shares in answers.shares if name in shares] for name in names}
    return {name: bootstrap(with_count(np.array(values)), ratio) for name, values in found.items()}


def subsets(streams: Sequence[str]) -> list[tuple[str, ...]]:
    """Return all the streams, every subset that lacks one, and each stream alone, without repetition."""
    sizes = dict.fromkeys(size for size in (len(streams), len(streams) - 1, 1) if size)
    return [kept for size in sizes for kept in combinations(streams, size)]


def withheld(kept: Sequence[str], model: Model) -> tuple[str, ...]:
    """Return the model's streams that are not kept."""
    return tuple(stream for stream in model.streams if stream not in kept)


def subset_name(kept: Sequence[str], model: Model) -> str:
    return "all" if len(kept) == len(model.streams) else "+".join(kept)


def save_picture(path: str | Path, levels: Sequence[Level], noise: str) -> None:
    """Write a picture (.png, .svg or .pdf): each head's score against the ratio, and the streams' shares.

    Raises MissingError without matplotlib.
    """
    heads = {head: metric for head, metrics in levels[0].scores["all"].items()
             if (metric := headline_of(metrics))}  # fmt: skip
    figure = new_figure(4.5 * (len(heads) + 1), 3.8)
    *axes, last = figure.subplots(1, len(heads) + 1, squeeze=False)[0]
    names = dict.fromkeys([*levels[0].shares, *levels[0].scores])  # a stream has one colour on both sides
    colours = {name: f"C{number}" for number, name in enumerate(names)} | {"all": "black"}
    for axis, (head, metric) in zip(axes, heads.items(), strict=True):
        for subset in levels[0].scores:
            draw(axis, subset, [level.scores[subset][head][metric] for level in levels], colours[subset])
        axis.set(title=head, ylabel=metric, ylim=(0, None))
    for stream in levels[0].shares:
        draw(last, stream, [level.shares[stream] for level in levels], colours[stream])
    last.axhline(0, color="black", linewidth=0.8)
    last.set(title="share of the answer", ylabel="mean signed Shapley share")
    ratios = ["clean" if level.snr_db is None else f"{level.snr_db:g}" for level in levels]
    for axis in (*axes, last):
        axis.set_xticks(range(len(levels)), ratios)
        axis.set_xlabel(f"{noise}, SNR in dB")
        axis.legend(frameon=False)
    save_figure(figure, path)


def draw(axis: Any, name: str, scores: Sequence[Interval], colour: str) -> None:
    """Draw a score over the levels, with its 95 % interval."""
    axis.plot([score.value for score in scores], marker="o", markersize=3, label=name, color=colour)
    low, high = [score.low for score in scores], [score.high for score in scores]
    axis.fill_between(range(len(scores)), low, high, color=colour, alpha=0.15, linewidth=0)
