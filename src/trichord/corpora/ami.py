"""AMI meetings, in the layout of pyannote.database: who speaks when."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from typing import TypeVar

from trichord.clip import Clip, Event, Target
from trichord.corpora.corpus import SPLITS, About, Corpus, Index, split_called
from trichord.corpora.paths import find_media, inside, read_lines
from trichord.corpora.rttm import read_rttm, read_uem
from trichord.errors import InputError
from trichord.media import AudioFile

Span = tuple[float, float]
"""From and to, in seconds."""
Value = TypeVar("Value")


class Ami(Corpus):
    """Excerpts of AMI meetings, and whatever else lies in lists, RTTM and UEM files (Carletta et al. 2005).

    Input: `audio`. Targets: `speakers`, an event for each turn, called by its speaker; turns may overlap.
    `voices`, an event for each stretch in which somebody speaks, called by how many do: `1`, `2` ...
    About: `uri`, the recording's name.

    The split is that of the lists NAME.{train,development,test}.lst, one recording a line, which have
    NAME.SPLIT.rttm and NAME.SPLIT.uem beside them. A clip is one scored region of the UEM file, the turns
    cut to it and timed from its start; a recording without any is one clip. A list may spell a name with
    accents that the other files leave out. A recording in neither RTTM nor UEM has no targets.
    """

    name = "ami"
    lies_in = "ami-excerpts"
    about = About(
        title="AMI meeting excerpts",
        licence="CC-BY-4.0 (the excerpts' repository: MIT)",
        commercial=None,
        source="the repository pyannote/pyannote-audio (tests/data)",
        size_mb=1.1,
        hours=0.13,
        tasks=("diarisation", "voice activity"),
        language="english",
    )

    def read(self) -> Index:
        index: dict[str, list[Clip]] = {split: [] for split in SPLITS}
        for path in sorted(self.root.glob("*.lst")):
            if split := split_called(path.stem.rpartition(".")[2]):
                rttm, uem = path.with_suffix(".rttm"), path.with_suffix(".uem")
                turns = read_rttm(rttm) if rttm.is_file() else {}
                regions = read_uem(uem) if uem.is_file() else {}
                for line in read_lines(path):
                    index[split] += self.recording(line.strip(), turns, regions)
        if not any(index.values()):
            raise InputError(
                f"{self.root}: expected lists such as debug.train.lst, with .rttm and .uem beside"
            )
        return index

    def recording(
        self, uri: str, turns: Mapping[str, Sequence[Event]], regions: Mapping[str, Sequence[Span]]
    ) -> Iterator[Clip]:
        """Yield a clip for each scored region of a recording."""
        path = find_media(inside(self.root, f"{uri}.wav"))
        said, scored = of(turns, uri), of(regions, uri)
        for count, (start, end) in enumerate(scored or ((0.0, None),), 1):
            if end is not None and end <= start:
                raise InputError(f"{path}: the scored region from {start} s to {end} s ends before it starts")
            name = uri if len(scored or ()) < 2 else f"{uri}-{count}"
            targets: dict[str, Target] = {}
            if said is not None or scored is not None:
                turns_here = tuple(within(said or (), start, end))
                targets = {"speakers": turns_here, "voices": tuple(counted(turns_here))}
            yield Clip(name, {"audio": AudioFile(path, start, end)}, targets, {"uri": uri, "group": uri})


def of(table: Mapping[str, Value], uri: str) -> Value | None:
    """Return what is under a recording's name, else under that name without accents."""
    plain = unicodedata.normalize("NFKD", uri).encode("ascii", "ignore").decode()
    return table.get(uri, table.get(plain))


def within(turns: Sequence[Event], start: float, end: float | None) -> Iterator[Event]:
    """Yield the turns that lie in a region, cut to it, timed from its start."""
    for turn in turns:
        begin = max(turn.start, start)
        stop = turn.end if end is None or turn.end is None else min(turn.end, end)
        if stop is not None and begin < stop:
            yield Event(turn.what, begin - start, stop - start)


def counted(turns: Sequence[Event]) -> Iterator[Event]:
    """Yield the stretches in which equally many people speak, called by how many, but none."""
    changes: dict[float, int] = {}
    until: dict[str, float] = {}
    for turn in sorted((turn for turn in turns if turn.end is not None), key=lambda turn: turn.start):
        begin, end = round(max(turn.start, until.get(turn.what, 0.0)), 3), round(turn.end or 0.0, 3)
        until[turn.what] = max(end, until.get(turn.what, 0.0))
        if begin < end:
            changes[begin] = changes.get(begin, 0) + 1
            changes[end] = changes.get(end, 0) - 1
    count, since = 0, 0.0
    for at, change in sorted(changes.items()):
        if change:
            if count:
                yield Event(str(count), since, at)
            count, since = count + change, at
