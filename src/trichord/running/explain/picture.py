"""An explanation as a picture: stream shares, what each moment and part did, and the words in between."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from trichord.clip import Event
from trichord.running.explain.occlusion import Curve
from trichord.running.explain.parts import Parts
from trichord.running.explain.shapley import Attribution
from trichord.running.figures import new_figure, save_figure

MAX_FEATURES = 200
Draw: TypeAlias = Callable[[Any], None]


def save_picture(
    path: str | Path,
    attribution: Attribution,
    curves: Mapping[str, Curve] | None = None,
    events: Sequence[Event] = (),
    title: str = "",
    parts: Mapping[str, Parts] | None = None,
) -> None:
    """Write a picture (.png, .svg or .pdf) of shares, occlusion curves by stream, and timed events.

    `parts`, by stream, adds what their integrated gradients say. Raises MissingError without matplotlib.
    """
    rows: list[Draw] = [
        partial(draw_curve, name=f"{name}\noccluded", curve=curve, events=events)
        for name, curve in (curves or {}).items()
    ]
    for name, part in (parts or {}).items():
        rows += part_rows(name, part, events)
    figure = new_figure(8, 1.6 + 1.3 * len(rows))
    axes = figure.subplots(1 + len(rows), 1, squeeze=False)[:, 0]
    draw_shares(axes[0], attribution)
    axes[0].set_title(title, loc="left")
    for axis, draw in zip(axes[1:], rows, strict=True):
        draw(axis)
    save_figure(figure, path)


def part_rows(name: str, part: Parts, events: Sequence[Event]) -> list[Draw]:
    """Return how to draw a stream's parts, one row each."""
    label = f"{name}\ngradients"
    if part.kind == "tokens":
        return [partial(draw_tokens, name=label, part=part)]
    curve = partial(draw_curve, name=label, curve=part.curve, events=events if part.rate else (),
                    unit="seconds" if part.rate else "steps")  # fmt: skip
    if part.kind == "frames":
        return [curve, partial(draw_strongest, name=name, part=part)]
    if part.kind == "array" and part.nats.shape[1] <= MAX_FEATURES:
        return [curve, partial(draw_features, name=name, part=part)]
    return [curve]


def draw_shares(axis: Any, attribution: Attribution) -> None:
    """Draw one bar a stream, to the left of zero where it spoke against the answer."""
    shares = attribution.shares
    bars = axis.barh(list(shares), list(shares.values()), color=[colour(share) for share in shares.values()])
    axis.bar_label(bars, [f"{share:+.0%}" for share in shares.values()], padding=3)
    axis.axvline(0, color="black", linewidth=0.8)
    axis.set_xlim(min(-0.2, *shares.values(), 0) - 0.15, 1.15)
    axis.invert_yaxis()
    axis.set_xlabel("share of the answer" + ("" if attribution.learned else " (not trained without streams)"))


def draw_curve(axis: Any, name: str, curve: Curve, events: Sequence[Event], unit: str = "seconds") -> None:
    """Draw how much each moment added to the answer's log-probability, under the words."""
    axis.fill_between(curve.times, curve.drop, color="tab:blue", alpha=0.4, linewidth=0)
    axis.plot(curve.times, curve.drop, color="tab:blue", linewidth=1)
    axis.axhline(0, color="black", linewidth=0.8)
    axis.set_ylabel(f"{name}\nnats")
    axis.set_xlabel(unit)
    for event in events:
        axis.axvline(event.start, color="grey", linewidth=0.5)
        axis.text(event.start, 1.0, event.what, transform=axis.get_xaxis_transform(), fontsize=8, va="bottom")


def draw_tokens(axis: Any, name: str, part: Parts) -> None:
    """Draw a bar for each token, in order."""
    axis.bar(range(len(part.tokens)), part.steps, color=[colour(nats) for nats in part.steps])
    axis.axhline(0, color="black", linewidth=0.8)
    axis.set_xticks(range(len(part.tokens)), part.tokens, rotation=30 if len(part.tokens) > 8 else 0)
    axis.set_ylabel(f"{name}\nnats")


def draw_strongest(axis: Any, name: str, part: Parts) -> None:
    """Draw the picture that did most: as it is, and what its pixels did, blue for and red against."""
    number, heat = part.strongest
    assert part.pictures is not None
    shown = part.pictures[number] if part.pictures.ndim == 4 else part.pictures[number][..., None]
    grey = np.repeat(shown.mean(-1, keepdims=True) / 255, 3, -1)
    scale = np.abs(heat).max() or 1.0
    height, width = heat.shape
    axis.imshow(grey, extent=(0, width, height, 0))
    axis.imshow(heat, cmap="RdBu", vmin=-scale, vmax=scale, extent=(width * 1.1, width * 2.1, height, 0))
    axis.set_xlim(0, width * 2.1)
    axis.set(xticks=[], yticks=[], ylabel=f"{name}\nframe {number}")


def draw_features(axis: Any, name: str, part: Parts) -> None:
    """Draw what each feature did at each step, blue for and red against."""
    scale = np.abs(part.nats).max() or 1.0
    end = len(part.nats) / (part.rate or 1.0)
    axis.imshow(part.nats.T, cmap="RdBu", vmin=-scale, vmax=scale, aspect="auto", interpolation="nearest",
                extent=(0, end, part.nats.shape[1], 0))  # fmt: skip
    axis.set(ylabel=f"{name}\nfeature", xlabel="seconds" if part.rate else "steps")


def colour(share: float) -> str:
    return "tab:blue" if share >= 0 else "tab:red"
