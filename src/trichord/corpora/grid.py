"""GRID: spoken six-word commands, heard and seen."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from trichord.clip import Clip, Event, Input, Lazy, Target
from trichord.corpora.corpus import SPLITS, About, Corpus, Index, hash_split
from trichord.corpora.paths import read_lines
from trichord.errors import InputError, MissingError
from trichord.files import FILM
from trichord.media import AudioFile, VideoFile

ALIGN_UNITS = 25_000
"""Units of an .align file per second."""
SLOTS = ("verb", "colour", "preposition", "letter", "digit", "adverb")
DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
WORDS: dict[str, tuple[str, ...]] = {
    "verb": ("bin", "lay", "place", "set"),
    "colour": ("blue", "green", "red", "white"),
    "preposition": ("at", "by", "in", "with"),
    "letter": tuple("abcdefghijklmnopqrstuvxyz"),
    "digit": DIGITS,
    "adverb": ("again", "now", "please", "soon"),
}
SILENCE = ("sil", "sp")


class Grid(Corpus):
    """The GRID audio-visual sentence corpus (Cooke et al. 2006).

    Inputs: `audio`, `video`, and `text`, the command itself as if it had been typed. Targets:
    `transcript`; a class for each of `verb`, `colour`, `preposition`, `letter`, `digit` and `adverb`;
    `words`, timed. Clips without an .align file are labelled from their name and have no `words`.

    The split is read from splits/SPEAKER/{train,valid,test}.txt or splits/{train,valid,test}.txt, one stem
    per line; clips in none of them are left out. Without such lists for a speaker, the hash of the clip id
    divides 80/10/10.

    speakers: which talkers, by folder name.
    """

    name = "grid"
    about = About(
        title="GRID audio-visual sentences",
        licence="CC-BY-4.0",
        commercial=True,
        source="the GRID corpus of the University of Sheffield (Zenodo record 3625687)",
        size_mb=28.1,
        hours=0.75,
        tasks=("speech recognition", "lip reading", "command understanding"),
        language="english",
    )

    def __init__(self, folder: Path | None = None, speakers: tuple[str, ...] = ("s1",)) -> None:
        self.folder = folder
        self.speakers = speakers

    def read(self) -> Index:
        index: dict[str, list[Clip]] = {split: [] for split in SPLITS}
        for speaker in self.speakers:
            films = films_of(self.root, speaker)
            listed = self.listed(speaker, films)
            for stem, film in films.items():
                name = f"{speaker}/{stem}"
                if split := listed.get(stem) if listed else hash_split(name):
                    index[split].append(read_clip(self.root, speaker, name, film))
        return index

    def listed(self, speaker: str, films: dict[str, Path]) -> dict[str, str]:
        """Return stem -> split from the split lists that are meant for this speaker; empty for none."""
        own = self.root / "splits" / speaker
        folder = own if own.is_dir() else self.root / "splits"
        listed = dict(listed_stems(folder))
        absent = sorted(set(listed) - set(films))
        if absent and (folder == own or len(self.speakers) == 1):
            raise InputError(
                f"{folder}: lists {absent[0]!r}, which speaker {speaker!r} lacks ({len(absent)} such); "
                f"write lists for this speaker in {own}"
            )
        return {} if absent else listed


def listed_stems(folder: Path) -> Iterator[tuple[str, str]]:
    """Yield (stem, split) from {train,valid,test}.txt; InputError if a stem is listed twice."""
    seen: dict[str, str] = {}
    for split in SPLITS:
        path = folder / f"{split}.txt"
        for line in read_lines(path) if path.is_file() else ():
            stem = line.strip()
            if stem in seen:
                raise InputError(f"{path}: {stem!r} is listed twice, in {seen[stem]} and {split}")
            seen[stem] = split
            yield stem, split


def films_of(root: Path, speaker: str) -> dict[str, Path]:
    """Return stem -> film of one speaker, in any of the layouts that GRID comes in."""
    if not speaker.isalnum():
        raise InputError(f"a GRID speaker is a name such as s1; got {speaker!r}")
    for place in (root / speaker, root / speaker / "video", root / speaker / "video" / "mpg_6000"):
        films = sorted(path for path in place.glob("*.*") if path.suffix.lower() in FILM)
        if films:
            return {path.stem: path for path in films}
    raise MissingError(
        f"grid: no films of speaker {speaker!r} in {root / speaker}; get them from {Grid.about.source}"
    )


def read_clip(root: Path, speaker: str, name: str, film: Path) -> Clip:
    places = (root / "align" / speaker, root / speaker / "align", root / "align")
    path = next((p for place in places if (p := place / f"{film.stem}.align").is_file()), None)
    events = read_align(path) if path else ()
    words = [event.what for event in events] or spelled(film.stem)
    targets: dict[str, Target] = {}
    if words:
        targets = {"transcript": " ".join(words), **dict(zip(SLOTS, words, strict=True))}
    if events:
        targets["words"] = events
    inputs: dict[str, Input | Lazy] = {"audio": AudioFile(film), "video": VideoFile(film)}
    if words:
        inputs["text"] = " ".join(words)
    return Clip(name, inputs, targets, {"speaker": speaker})


def read_align(path: Path) -> tuple[Event, ...]:
    """Return the six words of an .align file and when they are said, in seconds; silence is dropped."""
    events = []
    for number, line in enumerate(read_lines(path), 1):
        try:
            start, end, word = line.split()
            event = Event(word, int(start) / ALIGN_UNITS, int(end) / ALIGN_UNITS)
        except ValueError:
            raise InputError(f"{path}:{number}: expected 'start end word', got {line!r:.80}") from None
        if event.what not in SILENCE:
            events.append(event)
    words = [event.what for event in events]
    if len(words) != len(SLOTS) or any(
        word not in WORDS[slot] for slot, word in zip(SLOTS, words, strict=True)
    ):
        raise InputError(
            f"{path}: expected a {' '.join(SLOTS)} of the GRID grammar; got {' '.join(words)!r:.80}"
        )
    return tuple(events)


def spelled(stem: str) -> list[str]:
    """Return the words that a clip's name spells, one letter or digit per word; empty if it spells none."""
    spelling = [{word[0]: word for word in WORDS[slot]} for slot in SLOTS]
    spelling[SLOTS.index("digit")] = dict(zip("z123456789", DIGITS, strict=True))
    if len(stem) != len(SLOTS) or any(letter not in s for letter, s in zip(stem, spelling, strict=True)):
        return []
    return [s[letter] for letter, s in zip(stem, spelling, strict=True)]
