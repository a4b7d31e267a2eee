"""Speaker turns as others write them: RTTM (NIST, 2009), and the regions that are scored, UEM."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

from trichord.clip import Event
from trichord.corpora.paths import read_lines
from trichord.errors import InputError
from trichord.files import write_text

RTTM_FIELDS, UEM_FIELDS = 8, 4


def read_rttm(path: Path) -> dict[str, tuple[Event, ...]]:
    """Return the turns by recording, in the order of their beginnings; each event is named for its speaker.

    Lines other than SPEAKER are left out. Raises InputError for a line that cannot be read.
    """
    found: dict[str, list[Event]] = {}
    for number, line in enumerate(read_lines(path), 1):
        fields = line.split()
        if not fields or fields[0] != "SPEAKER":
            continue
        if len(fields) < RTTM_FIELDS:
            raise InputError(f"{path}:{number}: {len(fields)} fields; a SPEAKER line has 10")
        begin, lasting = seconds(path, number, fields[3]), seconds(path, number, fields[4])
        found.setdefault(fields[1], []).append(Event(fields[7], begin, begin + lasting))
    return {name: tuple(sorted(turns, key=lambda turn: turn.start)) for name, turns in found.items()}


def read_uem(path: Path) -> dict[str, tuple[tuple[float, float], ...]]:
    """Return the scored regions (begin, end) by recording, in seconds."""
    found: dict[str, list[tuple[float, float]]] = {}
    for number, line in enumerate(read_lines(path), 1):
        fields = line.split()
        if not fields or fields[0].startswith(";"):
            continue
        if len(fields) < UEM_FIELDS:
            raise InputError(f"{path}:{number}: {len(fields)} fields; a line has 4")
        begin, end = seconds(path, number, fields[2]), seconds(path, number, fields[3])
        found.setdefault(fields[0], []).append((begin, end))
    return {name: tuple(regions) for name, regions in found.items()}


def seconds(path: Path, number: int, written: str) -> float:
    try:
        value = float(written)
    except ValueError:
        value = math.nan
    if not 0 <= value < math.inf:
        raise InputError(f"{path}:{number}: {written!r:.40} is no time in seconds")
    return value


def rttm_lines(recording: str, turns: Sequence[Event]) -> list[str]:
    """Return turns as lines; blanks in names become underscores, for blanks part the fields."""
    lines = []
    for turn in turns:
        lasting = (turn.start if turn.end is None else turn.end) - turn.start
        name, speaker = ("_".join(text.split()) or "_" for text in (recording, turn.what))
        lines.append(f"SPEAKER {name} 1 {turn.start:.3f} {lasting:.3f} <NA> <NA> {speaker} <NA> <NA>")
    return lines


def write_rttm(path: Path, turns: Mapping[str, Sequence[Event]]) -> None:
    """Write the turns of recordings by name, atomically."""
    lines = [line for name, events in turns.items() for line in rttm_lines(name, events)]
    write_text(path, "".join(f"{line}\n" for line in lines))
