"""What a corpus is: a place on disk, read into clips by split."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import ClassVar

from trichord.clip import Clip
from trichord.errors import InputError, MissingError
from trichord.files import data_root
from trichord.kinds import nearest

SPLITS = ("train", "valid", "test")
SPLIT_NAMES = {
    "train": ("train", "training", "tr"),
    "valid": ("valid", "validation", "val", "dev", "development", "cv"),
    "test": ("test", "testing", "eval", "evaluation", "te"),
}
VALID_SHARE = 0.1

Index = Mapping[str, Sequence[Clip]]
Fractions = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class About:
    """What a corpus is and where to get it.

    `licence` is SPDX-like; `commercial` says whether it allows commercial use, None where that is not
    stated; `source` names the project or repository that carries it; `size_mb` (10^6 bytes) and `hours`
    are of the whole corpus, None where that depends on the user's own data. `language` is what is spoken
    in all of it, if that is one.
    """

    title: str
    licence: str
    commercial: bool | None
    source: str
    size_mb: float | None = None
    hours: float | None = None
    tasks: tuple[str, ...] = ()
    language: str | None = None


def together(abouts: Sequence[About]) -> About:
    """Return what holds of all: commercial use is allowed where every corpus allows it."""
    allowed = {about.commercial for about in abouts}
    return About(
        title=each_once(" + ", [about.title for about in abouts]),
        licence=each_once("; ", [about.licence for about in abouts]),
        commercial=False if False in allowed else None if None in allowed else True,
        source=each_once("; ", [about.source for about in abouts]),
        size_mb=round(sum(about.size_mb or 0.0 for about in abouts), 1) or None,
        hours=round(sum(about.hours or 0.0 for about in abouts), 2) or None,
        tasks=tuple(dict.fromkeys(task for about in abouts for task in about.tasks)),
        language=abouts[0].language if len({about.language for about in abouts}) == 1 else None,
    )


def each_once(joiner: str, texts: Iterable[str]) -> str:
    """Return texts joined, which may be joined ones themselves, each part of them once."""
    return joiner.join(dict.fromkeys(part for text in texts for part in text.split(joiner)))


class Corpus:
    """Clips by split, in a fixed order, decoded only when they are used.

    A reader states `name` and `about` and implements `read`; constructor arguments are stored as given.
    `lies_in` is its folder below the corpora's, where that is not called as the corpus is.
    """

    name: ClassVar[str]
    about: ClassVar[About]
    lies_in: ClassVar[str | None] = None

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder

    def splits(self) -> tuple[str, ...]:
        """Return the names of the splits that hold clips."""
        return tuple(split for split in SPLITS if self.index.get(split))

    def clips(self, split: str) -> Sequence[Clip]:
        """Return a split's clips; MissingError for an absent corpus, InputError for an unknown split."""
        if not self.splits():
            raise InputError(f"{self.name}: holds no clips")
        if split not in self.splits():
            raise InputError(f"{self.name}: has no split {split!r}{nearest(split, self.splits())}")
        return self.index[split]

    @cached_property
    def index(self) -> Index:
        """Every clip by split, read once; raises InputError where two clips share an id."""
        index = self.read()
        check_ids(self.name, index)
        return index

    def read(self) -> Index:
        """Read the label files. Raises MissingError for an absent corpus, InputError for a broken one."""
        raise NotImplementedError

    @property
    def root(self) -> Path:
        """The corpus folder; raises MissingError, saying where to get the corpus, if there is none."""
        folder = self.folder if self.folder is not None else data_root() / (self.lies_in or self.name)
        if not folder.is_dir():
            raise MissingError(
                f"{self.name}: no folder {folder}; get it from {self.about.source}, "
                "then give its folder or set TRICHORD_DATA to the folder above it"
            )
        return folder

    @classmethod
    def present(cls) -> bool:
        """Say whether the corpus is where it is looked for when no folder is given."""
        return (data_root() / (cls.lies_in or cls.name)).is_dir()


def check_ids(name: str, index: Index) -> None:
    seen: dict[str, str] = {}
    for split, clips in index.items():
        for clip in clips:
            if clip.id in seen:
                raise InputError(
                    f"{name}: clip {clip.id!r} occurs twice, in {seen[clip.id]} and {split}; ids must differ"
                )
            seen[clip.id] = split


def split_called(name: str) -> str | None:
    """Return the split that a folder, file or table cell names (`dev` is `valid`), None if it names none."""
    lower = name.strip().lower()
    return next((split for split, names in SPLIT_NAMES.items() if lower in names), None)


def share(key: str, seed: int = 0) -> float:
    """Return a number in [0, 1) that depends on the key and the seed alone."""
    digest = hashlib.sha256(f"{seed}:{key}".encode()).digest()
    return int.from_bytes(digest[:6], "big") / 2**48


def hash_split(key: str, fractions: Fractions = (0.8, 0.1, 0.1), seed: int = 0) -> str:
    """Return the split of a clip or group by the hash of its name: other clips never change it."""
    total, position, edge = sum(fractions), share(key, seed), 0.0
    for split, fraction in zip(SPLITS, fractions, strict=True):
        edge += fraction / total
        if position < edge:
            return split
    return next(split for split, fraction in zip(SPLITS[::-1], fractions[::-1], strict=True) if fraction)


def check_fractions(fractions: Fractions) -> None:
    if min(fractions) < 0 or not 0 < sum(fractions) < float("inf"):
        raise InputError(
            f"fractions of train, valid and test must be 0 or more, not all 0; got {list(fractions)}"
        )


def group_of(clip: Clip) -> str:
    """Return what keeps a clip together with others in one split: its group, its speaker, or its own id."""
    return clip.about.get("group") or clip.about.get("speaker") or clip.id


def by_hash(clips: Iterable[Clip], fractions: Fractions = (0.8, 0.1, 0.1), seed: int = 0) -> Index:
    """Divide clips by the hash of their group, so that none is in two splits."""
    check_fractions(fractions)
    index: dict[str, list[Clip]] = {split: [] for split in SPLITS}
    for clip in clips:
        index[hash_split(group_of(clip), fractions, seed)].append(clip)
    return index


def with_valid(index: Index, seed: int = 0) -> Index:
    """Where a corpus gives train and test alone, take a tenth of train as valid, by the hash of the id."""
    if index.get("valid") or not index.get("train"):
        return index
    valid = {clip.id for clip in index["train"] if share(clip.id, seed) < VALID_SHARE}
    return {
        **index,
        "train": [clip for clip in index["train"] if clip.id not in valid],
        "valid": [clip for clip in index["train"] if clip.id in valid],
    }
