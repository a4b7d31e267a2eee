"""Progress bars: shown on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TypeVar

from rich.console import Console
from rich.progress import Progress
from rich.progress import track as rich_track

T = TypeVar("T")

console = Console(stderr=True)
"""Where people read: bars and remarks go to standard error, so that standard output stays for programs."""


output = Console(highlight=False)
"""Where a command prints what it was asked for."""


def track(items: Sequence[T], what: str) -> Iterable[T]:
    """Yield the items with a progress bar; off a terminal, say only what begins."""
    if not sys.stderr.isatty():
        console.print(f"{what} ({len(items)})")
        return iter(items)
    return rich_track(items, what, console=console, transient=True)


@contextmanager
def bar(what: str) -> Iterator[Callable[[int, int], None]]:
    """Give a function that is told how many are done, and how many there are."""
    with Progress(console=console, transient=True, disable=not sys.stderr.isatty()) as progress:
        task = progress.add_task(what)
        yield lambda done, total: progress.update(task, completed=done, total=total)
