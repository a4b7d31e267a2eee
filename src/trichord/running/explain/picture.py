"""An explanation as a picture: stream shares, what each moment did, and the words in between."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from trichord.clip import Event
from trichord.running.explain.occlusion import Curve
from trichord.running.explain.shapley import Attribution
from trichord.running.figures import new_figure, save_figure


def save_picture(
    path: str | Path,
    attribution: Attribution,
    curves: Mapping[str, Curve] | None = None,
    events: Sequence[Event] = (),
    title: str = "",
) -> None:
    """Write a picture (.png, .svg or .pdf) of shares, occlusion curves by stream, and timed events.

    Raises MissingError without matplotlib.
    """
    curves = curves or {}
    figure = new_figure(8, 1.6 + 1.3 * len(curves))
    axes = figure.subplots(1 + len(curves), 1, squeeze=False)[:, 0]
    draw_shares(axes[0], attribution)
    axes[0].set_title(title, loc="left")
    for axis, (name, curve) in zip(axes[1:], curves.items(), strict=True):
        draw_curve(axis, name, curve, events)
    if curves:
        axes[-1].set_xlabel("seconds")
    save_figure(figure, path)


def draw_shares(axis: Any, attribution: Attribution) -> None:
    """Draw one bar a stream, to the left of zero where it spoke against the answer."""
    shares = attribution.shares
    bars = axis.barh(list(shares), list(shares.values()), color=[colour(share) for share in shares.values()])
    axis.bar_label(bars, [f"{share:+.0%}" for share in shares.values()], padding=3)
    axis.axvline(0, color="black", linewidth=0.8)
    axis.set_xlim(min(-0.2, *shares.values(), 0) - 0.15, 1.15)
    axis.invert_yaxis()
    axis.set_xlabel("share of the answer" + ("" if attribution.learned else " (not trained without streams)"))


def draw_curve(axis: Any, name: str, curve: Curve, events: Sequence[Event]) -> None:
    """Draw how far blanking each moment lowers the answer's log-probability, under the words."""
    axis.fill_between(curve.times, curve.drop, color="tab:blue", alpha=0.4, linewidth=0)
    axis.plot(curve.times, curve.drop, color="tab:blue", linewidth=1)
    axis.axhline(0, color="black", linewidth=0.8)
    axis.set_ylabel(f"{name}\nnats")
    for event in events:
        axis.axvline(event.start, color="grey", linewidth=0.5)
        axis.text(event.start, 1.0, event.what, transform=axis.get_xaxis_transform(), fontsize=8, va="bottom")


def colour(share: float) -> str:
    return "tab:blue" if share >= 0 else "tab:red"
