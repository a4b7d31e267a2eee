"""An answer as people read it on a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.markup import escape
from rich.table import Table

from trichord.progress import output

if TYPE_CHECKING:
    from trichord.decoding import Decoded

SHOWN_EVENTS = 8


def show_answer(answer: Any) -> None:
    table = Table("head", "answer", "confidence")
    for name in answer.heads:
        decoded = answer[name]
        sure = "" if decoded.confidence is None else f"{decoded.confidence:.2f}"
        table.add_row(name, escape(shown(decoded)), sure)
    output.print(table)


def shown(decoded: Decoded) -> str:
    """Return an answer in a line: numbers with three decimals; of labelled steps, the first events."""
    value = decoded.value
    values = value if isinstance(value, tuple) else (value,)
    numbers = [f"{number:.3f}" for number in values if not isinstance(number, str)]
    if numbers:
        return ", ".join(numbers)
    return value if isinstance(value, str) else events_shown(decoded)


def events_shown(decoded: Decoded) -> str:
    """Return events with their begin and end, in seconds or steps, and how many more there are."""
    events = decoded.events
    told = [f"{event.what} {event.start:.6g}-{event.end:.6g}" for event in events[:SHOWN_EVENTS]]
    more = [f"and {len(events) - SHOWN_EVENTS} more"] if len(events) > SHOWN_EVENTS else []
    return ", ".join(told + more)
