"""ESC-10: environmental sounds."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

from pydantic import Field

from trichord.clip import Clip
from trichord.corpora.corpus import SPLITS, About, Corpus, Index
from trichord.corpora.strata import by_rank
from trichord.errors import InputError
from trichord.files import SOUND
from trichord.media import AudioFile

STEM = re.compile(r"([1-5])-([0-9]+)-[A-Z]")
OTHERS = (7.0, 1.0, 0.0)


class Esc10(Corpus):
    """Ten classes of environmental sounds, 40 clips of about 5 s each (Piczak 2015).

    Input: `audio`. Target: `sound`, a class such as `dog bark`. About: `fold`, the official one, and `group`,
    the Freesound recording that a clip was cut from.

    One of the five official folds tests. Of the other four, an eighth of each class's recordings, by the
    hash of their numbers, validates. Two of the clips are under CC Sampling+, not CC BY or CC0.

    test_fold: the official fold, 1 to 5, that is the test set.
    """

    name = "esc10"
    about = About(
        title="ESC-10 environmental sounds",
        licence="CC-BY-3.0",
        commercial=True,
        source="the repository karolpiczak/ESC-10",
        size_mb=7.4,
        hours=0.56,
        tasks=("sound events",),
    )

    def __init__(self, folder: Path | None = None, test_fold: Annotated[int, Field(ge=1, le=5)] = 5) -> None:
        self.folder = folder
        self.test_fold = test_fold

    def read(self) -> Index:
        index: dict[str, list[Clip]] = {split: [] for split in SPLITS}
        for folder in sorted(self.root.glob("[0-9]* - */")):  # 001 - Dog bark/1-100032-A.ogg
            clips = clips_of(folder)
            others = [clip for clip in clips if clip.about["fold"] != str(self.test_fold)]
            splits = by_rank((clip.about["group"] for clip in others), OTHERS)
            for clip in clips:
                index[splits[clip.about["group"]] if clip in others else "test"].append(clip)
        if not any(index.values()):
            raise InputError(f"{self.root}: holds no sounds such as '001 - Dog bark/1-100032-A.ogg'")
        return index


def clips_of(folder: Path) -> list[Clip]:
    """Return the clips of one class."""
    sound = folder.name.partition(" - ")[2].lower()
    paths = sorted(path for path in folder.iterdir() if path.suffix.lower() in SOUND)
    found = [(match, path) for path in paths if (match := STEM.fullmatch(path.stem))]
    return [
        Clip(path.stem, {"audio": AudioFile(path)}, {"sound": sound}, {"fold": match[1], "group": match[2]})
        for match, path in found
    ]
