"""Who spoke when."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from math import ceil, floor

import numpy as np
from numpy.typing import NDArray

from trichord.clip import Audio, Event
from trichord.errors import InputError
from trichord.running.voice.activity import ActivitySettings, find_speech
from trichord.running.voice.clustering import Labels, centres, cluster, in_order, nearest_centre, smooth
from trichord.running.voice.embeddings import Embed, Floats, MfccVoice, Span

ROUNDS = 5
DIGITS = 3
"""Of a number of people, at most."""


@dataclass(frozen=True, slots=True)
class DiariseSettings:
    """How speakers are told apart.

    window: seconds of sound that an embedding is made of. hop: seconds from one to the next.
    threshold: mean cosine distance, 0 to 2, below which two clusters are one speaker.
    speakers: how many there are, where that is known.
    least: seconds of speech in all that make a speaker; who has less is taken for another.
    change: what a change of speaker must gain in cosine, summed over windows, to be believed.
    overlap: cosine within which a second speaker, next to the likeliest, speaks too; 0 for never.
    """

    window: float = 1.5
    hop: float = 0.25
    threshold: float = 0.9
    speakers: int | None = None
    least: float = 1.0
    change: float = 0.5
    overlap: float = 0.0
    activity: ActivitySettings = field(default_factory=ActivitySettings)

    def __post_init__(self) -> None:
        if not 0 < self.hop <= self.window:
            raise InputError(f"0 < hop <= window must hold; got hop {self.hop}, window {self.window} s")
        if self.speakers is not None and self.speakers < 1:
            raise InputError(f"there must be one speaker at least; got {self.speakers}")
        if min(self.threshold, self.least, self.change, self.overlap) < 0:
            raise InputError("threshold, least, change and overlap must be 0 or more")


def diarise(
    audio: Audio,
    settings: DiariseSettings | None = None,
    *,
    embed: Embed | None = None,
    speech: Sequence[Event] | None = None,
    crowd: Sequence[Event] | None = None,
) -> tuple[Event, ...]:
    """Return the turns of speakers S1, S2 ..., numbered as they first speak, in seconds.

    `embed` makes the embeddings, by default `MfccVoice`; `speech` says when somebody speaks, in place of
    finding it. Turns of different speakers overlap where `crowd` says that several speak, events called by
    how many (see `how_many_speak`), or else by `DiariseSettings.overlap`.
    """
    chosen = settings or DiariseSettings()
    spoken = find_speech(audio, chosen.activity) if speech is None else speech
    pieces = list(pieces_of(spoken, chosen.hop, audio.seconds))
    if not pieces:
        return ()
    windows = [around(piece, chosen.window, audio.seconds) for piece in pieces]
    embeddings = (embed or MfccVoice())(audio, windows)
    labels = cluster(embeddings, threshold=chosen.threshold, count=chosen.speakers)
    labels = without_small(embeddings, labels, pieces, chosen)
    labels, scores = refined(embeddings, labels, chosen.change)
    if crowd is None:
        return tuple(turns(pieces, who_speaks(labels, scores, chosen.overlap)))
    return tuple(turns(pieces, likeliest(labels, scores, counts_in(pieces, crowd))))


def pieces_of(speech: Sequence[Event], hop: float, seconds: float) -> Iterator[Span]:
    """Cut speech at whole multiples of `hop` seconds."""
    for event in speech:
        end = min(seconds if event.end is None else event.end, seconds)
        inside = [hop * step for step in range(floor(event.start / hop) + 1, ceil(end / hop))]
        bounds = [event.start, *(at for at in inside if event.start + 1e-6 < at < end - 1e-6), end]
        yield from (span for span in pairwise(bounds) if span[0] < span[1])


def around(piece: Span, window: float, seconds: float) -> Span:
    """Return the window in whose midst a piece lies, within the recording."""
    begin = min(max(0.0, sum(piece) / 2 - window / 2), max(0.0, seconds - window))
    return begin, min(begin + window, seconds)


def without_small(
    embeddings: Floats, labels: Labels, pieces: Sequence[Span], settings: DiariseSettings
) -> Labels:
    """Give the pieces of clusters that speak too little to those that they are nearest to."""
    lasting = np.zeros(labels.max() + 1)
    np.add.at(lasting, labels, [end - begin for begin, end in pieces])
    large = lasting >= min(settings.least, lasting.max())
    if settings.speakers is not None or large.all():
        return labels
    middles = centres(embeddings, labels)[large]
    return np.where(large[labels], (np.cumsum(large) - 1)[labels], nearest_centre(embeddings, middles))


def refined(embeddings: Floats, labels: Labels, change: float) -> tuple[Labels, Floats]:
    """Return labels that seldom change, and the cosines `(pieces, speakers)` to the speakers' centres.

    Centres and the best path are found in turns, as k-means does.
    """
    for _ in range(ROUNDS):
        scores = embeddings @ centres(embeddings, labels).T
        found = in_order(smooth(scores, change))
        if np.array_equal(found, labels):
            break
        labels = found
    return labels, embeddings @ centres(embeddings, labels).T


def who_speaks(labels: Labels, scores: Floats, overlap: float) -> NDArray[np.bool_]:
    """Return who speaks in each piece, `(pieces, speakers)`: the labelled one, and who is as near."""
    rows = np.arange(len(labels))
    speaks = np.zeros(scores.shape, bool)
    speaks[rows, labels] = True
    if overlap and scores.shape[1] > 1:
        others = np.where(speaks, -np.inf, scores)
        second = others.argmax(1)
        speaks[rows, second] |= others[rows, second] >= scores[rows, labels] - overlap
    return speaks


def counts_in(pieces: Sequence[Span], crowd: Sequence[Event]) -> Floats:
    """Return how many speak in each piece, `(pieces,)`, on average over its time."""
    begins, ends = np.array(pieces, np.float64).reshape(-1, 2).T
    numbers = np.array([count_of(event) for event in crowd], np.float64)
    times = np.array([(event.start, np.inf if event.end is None else event.end) for event in crowd])
    times = np.minimum(times.reshape(-1, 2), ends.max(initial=0.0))
    at, change = np.concatenate([times[:, 0], times[:, 1]]), np.concatenate([numbers, -numbers])
    order = at.argsort(kind="stable")
    at, speaking = np.append(0.0, at[order]), np.append(0.0, change[order].cumsum())
    seconds = np.append(0.0, np.cumsum(speaking[:-1] * np.diff(at)))  # of speech up to each time
    within = np.interp(ends, at, seconds) - np.interp(begins, at, seconds)
    return np.asarray(within / (ends - begins))


def is_count(what: str) -> bool:
    """Whether a label is a number of people."""
    return what.isascii() and what.isdecimal() and len(what) <= DIGITS


def count_of(event: Event) -> int:
    """Return how many speak in an event of a crowd; raises InputError for one that is called otherwise."""
    if not is_count(event.what):
        raise InputError(f"events of a crowd are called by how many speak; got {event.what!r:.60}")
    return int(event.what)


def likeliest(labels: Labels, scores: Floats, counts: Floats) -> NDArray[np.bool_]:
    """Return who speaks in each piece, `(pieces, speakers)`: the labelled one, then the nearest others.

    As many as `counts (pieces,)` says, to the nearest whole number, and one at least.
    """
    ranked = scores.copy()
    ranked[np.arange(len(labels)), labels] = np.inf
    ranks = (-ranked).argsort(1).argsort(1)
    return np.asarray(ranks < np.maximum(np.round(counts), 1)[:, None])


def turns(pieces: Sequence[Span], speaks: NDArray[np.bool_]) -> list[Event]:
    """Return each speaker's pieces, those that touch joined, in the order of their beginnings."""
    found: list[Event] = []
    for speaker, column in enumerate(speaks.T, 1):
        for index in np.flatnonzero(column).tolist():
            begin, end = pieces[index]
            if found and found[-1].what == f"S{speaker}" and found[-1].end == begin:
                begin = found.pop().start
            found.append(Event(f"S{speaker}", begin, end))
    return sorted(found, key=lambda turn: (turn.start, turn.what))
