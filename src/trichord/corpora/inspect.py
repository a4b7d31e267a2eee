"""Looking a corpus over before training on it: sizes, duplicates, speakers across splits, leaks."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from statistics import median

import numpy as np

from trichord.clip import Audio, Clip, Input, Lazy, Video
from trichord.corpora.corpus import Corpus
from trichord.errors import InputError

MAX_LABELS = 100
MAX_LISTED = 50
ACROSS = ("speaker", "group")

Progress = Callable[[int, int], None]
"""Called with how many clips are done, and how many there are."""


@dataclass(slots=True)
class SplitReport:
    """One split: clips, hours, shortest, middle and longest duration in seconds, labels by target.

    `labels` counts each class of a target; targets of more than 100 different values count as free text,
    under `distinct` alone.
    """

    clips: int = 0
    hours: float = 0.0
    shortest: float | None = None
    middle: float | None = None
    longest: float | None = None
    inputs: dict[str, int] = field(default_factory=dict)
    labels: dict[str, dict[str, int]] = field(default_factory=dict)
    distinct: dict[str, int] = field(default_factory=dict)


@dataclass(slots=True)
class Report:
    """What `inspect` found; plain values throughout, so that `dataclasses.asdict` gives JSON.

    `duplicates` lists clips of one content, as SPLIT:ID. `across` names the speakers and groups that occur in
    several splits. `leaks` counts the clips whose input text is a target, as INPUT=TARGET. `unreadable` says
    why, by SPLIT:ID. The lists hold 50 entries at most; `warnings` counts them all, in sentences.
    """

    corpus: str
    splits: dict[str, SplitReport] = field(default_factory=dict)
    duplicates: list[list[str]] = field(default_factory=list)
    across: dict[str, dict[str, list[str]]] = field(default_factory=dict)
    leaks: dict[str, int] = field(default_factory=dict)
    unreadable: dict[str, str] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Look:
    """What one clip's content gave: duration in seconds, fingerprint, or why it cannot be read."""

    seconds: float | None = None
    content: str | None = None
    problem: str | None = None


def inspect(corpus: Corpus, *, every_input: bool = False, progress: Progress | None = None) -> Report:
    """Read a corpus through and report on it, holding one clip at a time.

    A clip is known by its sound, else by its frames, its features, its text; `every_input` decodes all of
    them, which finds films whose sound is whole and whose pictures are not. Raises MissingError for an absent
    corpus.
    """
    report = Report(corpus.about.title)
    clips = {split: corpus.clips(split) for split in corpus.splits()}
    total, done = sum(map(len, clips.values())), 0
    found: dict[str, list[str]] = defaultdict(list)
    for split, members in clips.items():
        looks = []
        for clip in members:
            look = look_at(clip, every_input)
            looks.append(look)
            if look.problem is not None:
                report.unreadable[f"{split}:{clip.id}"] = look.problem
            if look.content is not None:
                found[look.content].append(f"{split}:{clip.id}")
            done += 1
            if progress is not None:
                progress(done, total)
        report.splits[split] = describe(members, looks)
    report.duplicates = [names for names in found.values() if len(names) > 1]
    report.across = across_splits(clips)
    report.leaks = text_leaks(clip for members in clips.values() for clip in members)
    warn(report)
    return report


def look_at(clip: Clip, every_input: bool) -> Look:
    """Decode a clip's telling input, or all of them."""
    names = sorted(clip.inputs, key=lambda name: ({"audio": 0, "video": 1, "text": 3}.get(name, 2), name))
    look = Look() if names else Look(problem="the clip has no inputs")
    for name in names if every_input else names[:1]:
        try:
            value = clip.load(name)
        except InputError as error:
            look.problem = look.problem or f"{name}: {error}"
            continue
        if value is not None and look.content is None:
            look.content = fingerprint(value)
            look.seconds = value.seconds if isinstance(value, Audio | Video) else None
    return look


def fingerprint(value: Input) -> str:
    """Return a hash that equal contents share."""
    if isinstance(value, str):
        data, shape = value.encode(), "text"
    else:
        array = (
            value.samples
            if isinstance(value, Audio)
            else value.frames
            if isinstance(value, Video)
            else value.values
        )
        data, shape = np.ascontiguousarray(array).tobytes(), f"{array.shape} {value.rate}"
    return hashlib.sha256(shape.encode() + b"\0" + data).hexdigest()


def describe(clips: Sequence[Clip], looks: Sequence[Look]) -> SplitReport:
    report = SplitReport(
        clips=len(clips), inputs=dict(Counter(name for clip in clips for name in clip.inputs))
    )
    if seconds := [look.seconds for look in looks if look.seconds is not None]:
        report.hours = sum(seconds) / 3600
        report.shortest, report.middle, report.longest = min(seconds), median(seconds), max(seconds)
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for clip in clips:
        for name, value in clip.targets.items():
            if isinstance(value, str):
                counts[name][value] += 1
    report.distinct = {name: len(counter) for name, counter in counts.items()}
    report.labels = {n: dict(sorted(c.items())) for n, c in counts.items() if len(c) <= MAX_LABELS}
    return report


def across_splits(clips: dict[str, Sequence[Clip]]) -> dict[str, dict[str, list[str]]]:
    """Return, for speakers and groups, whoever occurs in several splits, and in which."""
    result = {}
    for key in ACROSS:
        where: dict[str, list[str]] = defaultdict(list)
        for split, members in clips.items():
            for value in sorted({clip.about[key] for clip in members if key in clip.about}):
                where[value].append(split)
        if shared := {value: splits for value, splits in where.items() if len(splits) > 1}:
            result[key] = shared
    return result


def text_leaks(clips: Iterable[Clip]) -> dict[str, int]:
    leaks: Counter[str] = Counter()
    for clip in clips:
        for name, value in clip.inputs.items():
            if isinstance(value, Lazy) or not isinstance(value, str):
                continue
            for target, said in clip.targets.items():
                if isinstance(said, str) and plain(said) == plain(value):
                    leaks[f"{name}={target}"] += 1
    return dict(leaks)


def plain(text: str) -> str:
    return " ".join(text.casefold().split())


def warn(report: Report) -> None:
    """Say in sentences what a person should look at, then shorten the lists."""
    crossing = [names for names in report.duplicates if len({name.partition(":")[0] for name in names}) > 1]
    say = report.warnings.append
    if report.unreadable:
        say(f"{len(report.unreadable)} clips cannot be read; the first is {next(iter(report.unreadable))}")
    if crossing:
        say(f"{len(crossing)} contents occur in several splits, such as {' = '.join(crossing[0][:3])}")
    if inner := len(report.duplicates) - len(crossing):
        say(f"{inner} contents occur more than once within a split")
    for key, shared in report.across.items():
        say(f"{len(shared)} {key}s occur in several splits: scores will not tell how new ones fare")
    for pair, count in report.leaks.items():
        name, _, target = pair.partition("=")
        say(f"in {count} clips the input {name!r} is the target {target!r} itself: keep them apart")
    for split in ("train", "valid", "test"):
        if split not in report.splits:
            say(f"there is no {split} split")
    report.duplicates = (crossing + [names for names in report.duplicates if names not in crossing])[
        :MAX_LISTED
    ]
    report.unreadable = dict(list(report.unreadable.items())[:MAX_LISTED])
    report.across = {key: dict(list(shared.items())[:MAX_LISTED]) for key, shared in report.across.items()}
