"""A folder of classes: the simplest corpus that anyone can make."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from trichord.clip import Clip, Input, Lazy
from trichord.corpora.corpus import (
    About,
    Corpus,
    Fractions,
    Index,
    check_fractions,
    hash_split,
    split_called,
    with_valid,
)
from trichord.corpora.paths import MEDIA, files_below, inputs_of
from trichord.errors import InputError
from trichord.media import read_text


class FolderOfClasses(Corpus):
    """Files in one sub-folder per class: CLASS/FILE, or SPLIT/CLASS/FILE.

    Inputs by suffix: `audio` for sound, `audio` and `video` for films, `video` for pictures, `text` for
    .txt; files of one stem are one clip. Target: `label`, the sub-folder's name.

    Without split folders, the hash of each file's name divides every class by `fractions`: which split a
    file is in never changes when others are added, so the shares are met on average, not exactly. With
    train and test folders alone, a tenth of train becomes `valid`.

    seed: another seed divides differently.
    fractions: the shares of train, valid and test.
    inputs: which inputs to take, when not all; `[video]` for films without sound.
    """

    name = "folder"
    about = About(
        title="Folder of classes",
        licence="the owner's",
        commercial=None,
        source="your own files, one sub-folder per class",
        tasks=("classification",),
    )

    def __init__(
        self,
        folder: Path,
        seed: int = 0,
        fractions: Fractions = (0.8, 0.1, 0.1),
        inputs: tuple[Literal["audio", "video", "text"], ...] | None = None,
    ) -> None:
        self.folder: Path = folder
        self.seed = seed
        self.fractions = fractions
        self.inputs = inputs

    def read(self) -> Index:
        check_fractions(self.fractions)
        splits = {path: split_called(path.name) for path in subfolders(self.root)}
        if any(splits.values()):
            index: dict[str, list[Clip]] = {}
            for path, split in splits.items():
                if split:
                    index.setdefault(split, []).extend(self.clips_below(path))
            return with_valid(index, self.seed)
        index = {"train": [], "valid": [], "test": []}
        for clip in self.clips_below(self.root):
            index[hash_split(clip.id, self.fractions, self.seed)].append(clip)
        return index

    def clips_below(self, folder: Path) -> list[Clip]:
        clips = [clip for path in subfolders(folder) for clip in self.clips_of_class(path)]
        if not clips:
            raise InputError(f"{folder}: no media or .txt files in sub-folders; expected CLASS/FILE")
        return clips

    def clips_of_class(self, folder: Path) -> list[Clip]:
        found: dict[Path, dict[str, Input | Lazy]] = {}
        for path in files_below(folder):
            if path.suffix.lower() in (*MEDIA, ".txt"):
                found.setdefault(path.with_suffix(""), {}).update(self.sensed(path))
        return [
            Clip(stem.relative_to(self.root).as_posix(), inputs, {"label": folder.name})
            for stem, inputs in found.items()
            if inputs
        ]

    def sensed(self, path: Path) -> dict[str, Input | Lazy]:
        inputs = {"text": read_text(path)} if path.suffix.lower() == ".txt" else inputs_of(path)
        return {name: value for name, value in inputs.items() if self.inputs is None or name in self.inputs}


def subfolders(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))
