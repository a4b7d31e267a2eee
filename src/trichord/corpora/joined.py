"""Several corpora as one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Annotated

from pydantic import Field

from trichord.clip import Clip
from trichord.corpora.corpus import About, Corpus, Index, share, together
from trichord.errors import InputError
from trichord.kinds import Kinds, nearest

PERSONAL = ("speaker", "group")
"""What names things within one corpus, and not the same things in another."""
Share = Annotated[float, Field(gt=0, le=1)]
LENDING = 1
"""Seed of the hashes that choose what is lent: those that divide a corpus would choose a split's clips."""


class Others(Mapping[str, type[Corpus]]):
    """Every other kind of corpus, looked up when it is asked for: the dict of kinds names this one too."""

    def kinds(self) -> dict[str, type[Corpus]]:
        from trichord.corpora import CORPORA

        return {kind: cls for kind, cls in CORPORA.items() if cls is not Joined}

    def __getitem__(self, kind: str) -> type[Corpus]:
        return self.kinds()[kind]

    def __iter__(self) -> Iterator[str]:
        return iter(self.kinds())

    def __len__(self) -> int:
        return len(self.kinds())


class Joined(Corpus):
    """Several corpora as one: the first is what is learnt, the others lend it their clips.

    Training clips are those of all corpora; validation and test clips are the first's alone, so that scores
    stay comparable, unless `pooled` or `unheard` say otherwise. Clips keep their inputs and targets, and lack
    what their corpus lacks. Ids, speakers and groups of the others are prefixed by the name of their corpus,
    which `about` gives as `corpus`, and as `language` what is spoken in it.

    of: the corpora, as a recipe would name each.
    whole: whether validation and test clips of the others train too.
    pooled: whether they validate and test, beside those of the first.
    unheard: others that lend nothing to learn from, and all of whose clips are test clips.
    rename: targets to call otherwise, `{sentence: transcript}`, wherever a clip has them.
    about_as_targets: what `about` says of a clip that a head shall answer, such as its speaker.
    targets: the names, after renaming, of the targets to keep; by default all.
    absent: what a clip of the others says where it lacks a target: `{keyword: ""}` for one without keywords.
    shares: how much of the clips that another corpus lends, to whatever split, by the hash of their ids:
        `{speechocean: 0.3}`.
    """

    name = "joined"
    about = About(
        title="Several corpora as one",
        licence="those of the corpora",
        commercial=None,
        source="the corpora that a recipe joins",
        tasks=("whatever the corpora are for",),
    )

    def __init__(
        self,
        of: Annotated[list[Annotated[Corpus, Kinds(Others())]], Field(min_length=1)],
        whole: bool = False,
        pooled: bool = False,
        unheard: tuple[str, ...] = (),
        rename: dict[str, str] | None = None,
        about_as_targets: tuple[str, ...] = (),
        targets: tuple[str, ...] = (),
        absent: dict[str, str] | None = None,
        shares: dict[str, Share] | None = None,
    ) -> None:
        super().__init__()
        self.of = of
        self.whole = whole
        self.pooled = pooled
        self.unheard = unheard
        self.rename = rename
        self.about_as_targets = about_as_targets
        self.targets = targets
        self.absent = absent
        self.shares = shares
        for option, names in (("shares", shares or {}), ("unheard", unheard)):
            for name in names:
                if name not in labels(of)[1:]:
                    raise ValueError(f"{option}: no other corpus {name!r}{nearest(name, labels(of)[1:])}")
        if both := set(shares or {}) & set(unheard):
            raise ValueError(f"shares: all clips of {min(both)!r} are tests, for it is unheard")
        if whole and pooled:
            raise ValueError("whole: validation and test clips cannot train where they are pooled")
        self.about = together([corpus.about for corpus in of])  # type: ignore[misc]  # what the class says of itself holds for none of them

    def read(self) -> Index:
        first, *others = self.of
        absent = self.absent or {}
        index = {split: [tagged(clip, first) for clip in first.clips(split)] for split in filled(first)}
        for label, corpus in zip(labels(self.of)[1:], others, strict=True):
            for split, joins in self.lent(label, corpus).items():
                some = part_of(corpus.clips(split), (self.shares or {}).get(label, 1.0))
                lent = [prefixed(tagged(clip, corpus), label) for clip in some]
                index.setdefault(joins, []).extend(
                    replace(clip, targets={**absent, **clip.targets}) for clip in lent
                )
        index = {split: [self.described(clip) for clip in clips] for split, clips in index.items()}
        names = self.names({name for clips in index.values() for clip in clips for name in clip.targets})
        return {split: [choose(clip, names) for clip in clips] for split, clips in index.items()}

    def lent(self, label: str, corpus: Corpus) -> dict[str, str]:
        """Return which splits another corpus lends, and which split each joins."""
        if label in self.unheard:
            return dict.fromkeys(filled(corpus), "test")
        if self.pooled:
            return {split: split for split in filled(corpus)}
        return dict.fromkeys(filled(corpus) if self.whole else ("train",), "train")

    def described(self, clip: Clip) -> Clip:
        said = {name: clip.about[name] for name in self.about_as_targets if name in clip.about}
        return replace(clip, targets={**clip.targets, **said}) if said else clip

    def names(self, have: set[str]) -> dict[str, str]:
        """Return old name -> new name of the targets to keep; InputError for one that no clip has."""
        renamed = self.rename or {}
        for name in renamed:
            if name not in have:
                raise InputError(f"joined: rename: no clip has a target {name!r}{nearest(name, have)}")
        names = {name: renamed.get(name, name) for name in have}
        for name in self.targets:
            if name not in names.values():
                raise InputError(f"joined: no clip has a target {name!r}{nearest(name, names.values())}")
        return {old: new for old, new in names.items() if not self.targets or new in self.targets}


def filled(corpus: Corpus) -> tuple[str, ...]:
    """Return the splits that hold clips; raises InputError where none does."""
    if not corpus.splits():
        raise InputError(f"joined: {corpus.name} holds no clips")
    return corpus.splits()


def labels(corpora: list[Corpus]) -> list[str]:
    """Return each corpus's name, numbered from its second occurrence on."""
    names = [corpus.name for corpus in corpora]
    counts = [names[: place + 1].count(name) for place, name in enumerate(names)]
    return [name if count == 1 else f"{name}-{count}" for name, count in zip(names, counts, strict=True)]


def part_of(clips: Sequence[Clip], part: float) -> list[Clip]:
    """Return about so much of the clips, whichever others there are; a smaller part lies within a larger."""
    return [clip for clip in clips if share(clip.id, LENDING) < part]


def tagged(clip: Clip, corpus: Corpus) -> Clip:
    spoken = {"language": corpus.about.language} if corpus.about.language else {}
    return replace(clip, about={**spoken, **clip.about, "corpus": corpus.name})


def choose(clip: Clip, names: Mapping[str, str]) -> Clip:
    return replace(clip, targets={names[old]: said for old, said in clip.targets.items() if old in names})


def prefixed(clip: Clip, label: str) -> Clip:
    personal = {key: f"{label}/{clip.about[key]}" for key in PERSONAL if key in clip.about}
    return replace(clip, id=f"{label}/{clip.id}", about={**clip.about, **personal})
