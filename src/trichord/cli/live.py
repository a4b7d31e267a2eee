"""A clip played at real speed, and what a model makes of it meanwhile: on a terminal, or line by line."""

from __future__ import annotations

import json
import sys
from contextlib import nullcontext
from typing import Any

import typer
from rich.console import Group, RenderableType
from rich.live import Live as Display
from rich.table import Table
from rich.text import Text

from trichord.cli.answer import shown
from trichord.errors import InputError
from trichord.progress import console, output
from trichord.running.live import Live, Receiver, Turn

REFRESHES_PER_SECOND = 8
METER_CELLS = 20
METER_FLOOR_DB = -60.0
SHARES_SECONDS = 1.0


def watch(model: Any, clip: Any, *, as_json: bool = False, **options: Any) -> Any:
    """Show what a model makes of a clip while it plays; return the last answer. Ctrl-C ends it sooner.

    On a terminal as a display that refreshes itself, else as one line a change. `options` are `Live`'s.
    """
    on_terminal = sys.stdout.isatty() and not as_json
    telling = on_terminal and model.metadata.stream_dropout  # else shares would mean little
    live = Live(model, clip, shares_every=SHARES_SECONDS if telling else None, **options)
    screen = Screen(live)
    said: dict[str, str] = {}
    try:
        with screen.display() if on_terminal else nullcontext():
            for turn in live.play():
                screen.turn = turn
                if not on_terminal:
                    said = tell_change(turn, said, as_json)
    except KeyboardInterrupt:
        if screen.turn is None:
            raise typer.Exit from None
        if not screen.turn.final:
            console.print(f"stopped; this is the answer at {screen.turn.end:.2f} s")
    if screen.turn is None:
        raise InputError(f"{clip.id}: there was nothing to answer")
    if screen.turn.begin:
        console.print(
            f"the clip is longer than {model.metadata.max_seconds:g} s, the most that this model accepts "
            f"at once; this is the answer from {screen.turn.begin:.2f} s on"
        )
    return screen.turn.answer


def tell_change(turn: Turn, said: dict[str, str], as_json: bool) -> dict[str, str]:
    """Print a line if the answers are not those `said` before, and are not the final ones; return them."""
    now = {name: shown(decoded) for name, decoded in turn.answer.items()}
    if now == said or turn.final:
        return now
    if as_json:
        values = {name: decoded.value for name, decoded in turn.answer.items()}
        line = {"seconds": round(turn.end, 3), "lag": round(turn.lag, 3), "values": values}
        typer.echo(json.dumps(line, ensure_ascii=False))
    else:
        answers = "   ".join(f"{name}: {value}" for name, value in now.items())
        typer.echo(f"{turn.end:7.2f} s   {answers}")
    return now


class Screen:
    """What a terminal shows of a clip that plays: time and lag, each stream, each head's newest answer."""

    def __init__(self, live: Live) -> None:
        self.live = live
        self.turn: Turn | None = None

    def display(self) -> Display:
        return Display(get_renderable=self.render, console=output, refresh_per_second=REFRESHES_PER_SECOND)

    def render(self) -> RenderableType:
        return Group(self.times(), self.streams(), self.heads())

    def times(self) -> Text:
        parts = [f"{self.live.heard:6.2f} s" if self.ended else f"{self.live.elapsed:6.2f} s"]
        if self.turn is not None:
            parts.append(f"lag {1000 * self.turn.lag:.0f} ms")
        if (factor := self.live.real_time_factor) is not None:
            parts.append(f"real-time factor {factor:.2f}")
        parts.append(f"turns skipped {self.live.skipped}")
        return Text("   ".join(parts), style="bold")

    @property
    def ended(self) -> bool:
        return self.turn is not None and self.turn.final

    def streams(self) -> Table:
        table = Table.grid(padding=(0, 2))
        for name, receiver in self.live.receivers.items():
            share = self.live.shares.get(name)
            table.add_row(
                Text(name, style="bold"), *received(receiver), "" if share is None else f"share {share:+.2f}"
            )
        return table

    def heads(self) -> Table:
        table = Table.grid(padding=(0, 2))
        if self.turn is not None:
            for name, decoded in self.turn.answer.items():
                settled = self.turn.settled.get(name)
                value = Text(shown(decoded)) if settled is None else transcript(str(decoded.value), settled)
                sure = "" if decoded.confidence is None else f"{decoded.confidence:.2f}"
                table.add_row(Text(name, style="bold"), value, Text(sure, style="dim"))
        return table


def received(receiver: Receiver) -> tuple[str, str]:
    """Return a level meter for sound, else nothing; and how much has come."""
    seconds = "" if receiver.rate is None else f" ({receiver.received / receiver.rate:.1f} s)"
    count = f"{receiver.received} steps{seconds}"
    if receiver.level_db is None:
        return "", count
    filled = round(METER_CELLS * (1 - max(receiver.level_db, METER_FLOOR_DB) / METER_FLOOR_DB))
    filled = min(filled, METER_CELLS)
    return "█" * filled + "░" * (METER_CELLS - filled), f"{receiver.level_db:4.0f} dB{seconds}"


def transcript(text: str, settled: int) -> Text:
    """Return a transcript whose words that may still change are dimmed."""
    words = text.split()
    return Text(" ").join(
        Text(word, style="" if place < settled else "dim") for place, word in enumerate(words)
    )
