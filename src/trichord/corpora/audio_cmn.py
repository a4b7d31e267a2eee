"""Mandarin syllables, one per recording."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from trichord.clip import Clip
from trichord.corpora.corpus import SPLITS, About, Corpus, Index, hash_split, share
from trichord.corpora.paths import inside
from trichord.errors import InputError
from trichord.files import SOUND
from trichord.media import AudioFile

Syllable = tuple[str, str]
"""Pinyin without tone, and the tone."""
STEM = re.compile(r"cmn-_?([a-zü]+)([1-5])")


class AudioCmn(Corpus):
    """Every Mandarin syllable in every tone, said once by one speaker.

    Input: `audio`. Targets: `syllable`, the pinyin without tone; `tone`, a class `1` to `5`, 5 being the
    neutral one; `transcript`, both: `lü4`. About: `speaker`. Pinyin is written as usual, with ü after l and
    n alone, wherever the files write v. Names that the corpus marks with `_`, such as `ng`, are interjections
    and syllables that no dictionary has.

    The hash of the toned syllable divides 80/10/10. Where that leaves no tone of a syllable to train on, the
    one with the lowest hash trains: what validates and tests is always a known syllable in an unheard tone.

    bit_rate: which of the corpus's folders: `18k-abr`, `24k-abr`, `64k`, `96k`.
    """

    name = "audio_cmn"
    lies_in = "audio-cmn"
    about = About(
        title="audio-cmn, Mandarin syllables",
        licence="CC-BY-SA (version not stated)",
        commercial=True,
        source="the repository hugolpz/audio-cmn",
        size_mb=7.9,
        hours=0.53,
        tasks=("syllables and tones",),
        language="mandarin",
    )

    def __init__(self, folder: Path | None = None, bit_rate: str = "24k-abr") -> None:
        self.folder = folder
        self.bit_rate = bit_rate

    def read(self) -> Index:
        index: dict[str, list[Clip]] = {split: [] for split in SPLITS}
        folder = inside(self.root, f"{self.bit_rate}/syllabs")
        paths = sorted(path for path in folder.glob("cmn-*") if path.suffix.lower() in SOUND)
        found = [(pinyin(*match.groups()), path) for path in paths if (match := STEM.fullmatch(path.stem))]
        if not found:
            raise InputError(f"{folder}: holds no recordings such as cmn-ma3.mp3")
        splits = tones_apart(syllable for syllable, _ in found)
        for (syllable, tone), path in found:
            targets = {"syllable": syllable, "tone": tone, "transcript": syllable + tone}
            clip = Clip(path.stem, {"audio": AudioFile(path)}, targets, {"speaker": "Chen Wang"})
            index[splits[syllable, tone]].append(clip)
        return index


def pinyin(syllable: str, tone: str) -> Syllable:
    """Return a syllable as it is usually written, and its tone: `lv` is `lü`, and `jv` is `ju`."""
    return re.sub("(?<=[jqxy])ü", "u", syllable.replace("v", "ü")), tone


def tones_apart(syllables: Iterable[Syllable]) -> dict[Syllable, str]:
    """Return the split of each syllable and tone, at least one tone of each syllable in training."""
    splits = {one: hash_split("".join(one)) for one in sorted(set(syllables))}
    tones: dict[str, list[Syllable]] = {}
    for one in splits:
        tones.setdefault(one[0], []).append(one)
    for alike in tones.values():
        if all(splits[one] != "train" for one in alike):
            splits[min(alike, key=lambda one: share("".join(one)))] = "train"
    return splits
