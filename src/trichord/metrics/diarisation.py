"""Who spoke when: the diarisation error rate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from trichord.clip import Event
from trichord.errors import InputError
from trichord.metrics.sums import Floats, divide

Span: TypeAlias = tuple[float, float]
Mask: TypeAlias = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class DiarisationErrors:
    """Seconds of speech missed, invented, and given to a wrong speaker, and of all reference speech.

    Where two speak at once, each one's seconds count. `speakers`: by hypothesis name, the reference's.
    """

    missed: float
    false_alarm: float
    confusion: float
    speech: float
    speakers: Mapping[str, str] = field(default_factory=dict)

    @property
    def rate(self) -> float:
        """The diarisation error rate (DER); NaN where nobody was to speak."""
        return float(diarisation_error_of(self.row()))

    def row(self) -> Floats:
        """Return the four sums, `(4,)`, as `diarisation_error_of` takes them."""
        return np.array([self.missed, self.false_alarm, self.confusion, self.speech])


def diarisation_error_of(sums: Floats) -> Floats:
    """Return the error rate of sums `(..., 4)` over recordings: missed, false alarm, confusion, speech."""
    return divide(sums[..., :3].sum(axis=-1), sums[..., 3])


def diarisation_errors(
    reference: Sequence[Event],
    hypothesis: Sequence[Event],
    *,
    collar: float = 0.0,
    skip_overlap: bool = False,
    scored: Sequence[Span] | None = None,
) -> DiarisationErrors:
    """Compare who speaks when (NIST, The Rich Transcription 2009 evaluation plan).

    Events name their speaker and have an end. The names of both are paired so that they agree for the longest
    time.
    collar: seconds to either side of each begin and end in the reference that are not scored.
    skip_overlap: leave out where more than one speaks in the reference.
    scored: regions (UEM) in seconds; by default from the first begin to the last end of either.
    """
    if collar < 0:
        raise InputError(f"a collar must be 0 s or more; got {collar}")
    turns = [*map(span_of, [*reference, *hypothesis])]
    regions = [(min(turns)[0], max(end for _, end in turns))] if scored is None and turns else scored or []
    collars = [(at - collar, at + collar) for turn in turns[: len(reference)] for at in turn]
    bounds = np.unique([at for span in [*turns, *regions, *collars] for at in span])
    kept = covered(bounds, regions) & ~covered(bounds, collars if collar else [])
    names, truth = activity(bounds, reference)
    said_names, said = activity(bounds, hypothesis)
    if skip_overlap:
        kept &= truth.sum(0) < 2
    lengths = np.where(kept, np.diff(bounds), 0.0)
    shared: Floats = np.where(truth, lengths, 0.0) @ said.T.astype(np.float64)  # (true, said speakers)
    pairs = [(row, column) for row, column in assignment(shared) if shared[row, column] > 0]
    right = sum((truth[row] & said[column]).astype(np.int64) for row, column in pairs)
    true, told = truth.sum(0), said.sum(0)
    return DiarisationErrors(
        missed=float((lengths * np.maximum(true - told, 0)).sum()),
        false_alarm=float((lengths * np.maximum(told - true, 0)).sum()),
        confusion=float((lengths * (np.minimum(true, told) - right)).sum()),
        speech=float((lengths * true).sum()),
        speakers={said_names[column]: names[row] for row, column in pairs},
    )


def span_of(event: Event) -> Span:
    if event.end is None or event.end < event.start:
        raise InputError(f"a turn of {event.what!r:.60} lasts from {event.start} to {event.end} s")
    return event.start, event.end


def covered(bounds: Floats, spans: Sequence[Span]) -> Mask:
    """Return which of the pieces between bounds lie in some span; spans begin and end at bounds."""
    depth = np.zeros(max(len(bounds), 1), np.int64)
    for begin, end in spans:
        if begin < end:
            depth[np.searchsorted(bounds, begin)] += 1
            depth[np.searchsorted(bounds, end)] -= 1
    inside: Mask = np.cumsum(depth)[:-1] > 0
    return inside


def activity(bounds: Floats, events: Sequence[Event]) -> tuple[list[str], Mask]:
    """Return the speakers, and who speaks in each piece between bounds, `(speakers, pieces)`."""
    names = sorted({event.what for event in events})
    rows = [covered(bounds, [span_of(event) for event in events if event.what == name]) for name in names]
    return names, np.array(rows, bool).reshape(len(names), max(len(bounds) - 1, 0))


def assignment(worth: Floats) -> list[tuple[int, int]]:
    """Return pairs of a row and a column, each in one pair at most, of the greatest total worth.

    The Hungarian method by shortest augmenting paths (Jonker and Volgenant, 1987).
    """
    if worth.shape[0] > worth.shape[1]:
        return sorted((row, column) for column, row in assignment(worth.T))
    rows, columns = worth.shape
    by_row, by_column = np.zeros(rows + 1), np.zeros(columns + 1)  # prices; number 0 stands for none
    owner = np.zeros(columns + 1, np.int64)
    for row in range(1, rows + 1):
        owner[0], column = row, 0
        slack, came_from = np.full(columns + 1, np.inf), np.zeros(columns + 1, np.int64)
        used = np.zeros(columns + 1, bool)
        while owner[column]:
            used[column] = True
            cost = -worth[owner[column] - 1] - by_row[owner[column]] - by_column[1:]
            better = ~used[1:] & (cost < slack[1:])
            slack[1:][better], came_from[1:][better] = cost[better], column
            column = int(np.where(used[1:], np.inf, slack[1:]).argmin()) + 1
            step = slack[column]
            by_row[owner[used]] += step
            by_column[used] -= step
            slack[~used] -= step
        while column:
            owner[column] = owner[came_from[column]]
            column = int(came_from[column])
    return sorted((int(owner[column]) - 1, column - 1) for column in range(1, columns + 1) if owner[column])
