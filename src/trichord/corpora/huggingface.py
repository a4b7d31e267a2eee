"""Hugging Face datasets, from disk; from the hub only when asked."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from trichord.clip import Audio, Clip, Input, Lazy, Target, Video
from trichord.corpora.corpus import About, Corpus, Index, by_hash, split_called, with_valid
from trichord.corpora.paths import find_media, inside
from trichord.corpora.rows import check_columns, filled, label, numbers
from trichord.errors import InputError, MissingError
from trichord.media import AudioFile, VideoFile, read_audio, read_video

ABOUT_COLUMNS = ("speaker", "speaker_id", "group", "gender", "language")


class HuggingFace(Corpus):
    """A dataset that `datasets` saved to disk, or one on the hub if `download` says so.

    Arguments name columns. Sound and pictures are decoded by Trichord, from the bytes that the dataset
    holds or from files below its folder; class numbers become class names. No code of a dataset is run.

    path: a folder made by `save_to_disk`, or `owner/name` on the hub.
    download: fetch `path` from the hub; without it the network is never used.
    config: which configuration of a hub dataset.
    audio, video, text: the inputs; `video` may be a column of pictures.
    targets: class names or transcripts. numbers: targets that are numbers or lists of them.
    """

    name = "huggingface"
    about = About(
        title="Hugging Face dataset",
        licence="the dataset's",
        commercial=None,
        source="a folder saved with datasets.save_to_disk",
        tasks=("any",),
    )

    def __init__(
        self,
        path: str,
        *,
        download: bool = False,
        config: str | None = None,
        audio: str | None = None,
        video: str | None = None,
        text: str | None = None,
        targets: tuple[str, ...] = (),
        numbers: tuple[str, ...] = (),
        seed: int = 0,
    ) -> None:
        self.path, self.download, self.config = path, download, config
        self.audio, self.video, self.text = audio, video, text
        self.targets, self.numbers = targets, numbers
        self.seed = seed

    @property
    def root(self) -> Path:
        return Path(self.path)

    def read(self) -> Index:
        index: dict[str, list[Clip]] = {}
        undivided: list[Clip] = []
        tables = self.tables()
        for name, table in tables.items():
            split = split_called(name)
            if split is None and len(tables) > 1:
                continue  # hub datasets often carry splits such as "unsupervised" beside the three
            (undivided if split is None or len(tables) == 1 else index.setdefault(split, [])).extend(
                self.clips_of(name, table)
            )
        return by_hash(undivided, seed=self.seed) if undivided else with_valid(index, self.seed)

    def tables(self) -> dict[str, Any]:
        """Return the dataset's tables by split."""
        try:
            import datasets
        except ImportError:
            raise MissingError(
                "Hugging Face datasets need the extra 'huggingface': pip install 'trichord[huggingface]'"
            ) from None
        if not self.root.is_dir() and not self.download:
            raise MissingError(
                f"huggingface: no folder {self.path}; save the dataset there with datasets.save_to_disk, "
                "or say 'download: true' to fetch it from the hub"
            )
        try:
            found = (
                datasets.load_from_disk(self.path)
                if self.root.is_dir()
                else datasets.load_dataset(self.path, self.config)
            )
        except (OSError, ValueError, KeyError, TypeError, RuntimeError) as error:
            raise InputError(
                f"{self.path}: cannot be read as a dataset ({' '.join(str(error).split()):.200})"
            ) from None
        return dict(found) if isinstance(found, dict) else {"all": found}

    def clips_of(self, split: str, table: Any) -> Iterator[Clip]:
        """Yield a split's clips; media stay in the table until they are used."""
        table, media = undecoded(table), {self.audio, self.video} - {None}
        check_columns(
            f"{self.path} {split}", table.features, (*media, self.text, *self.targets, *self.numbers)
        )
        names = {column: class_names(table.features[column]) for column in self.targets}
        plain = table.remove_columns([c for c in table.column_names if c in media])
        for row, cells in enumerate(plain if plain.column_names else [{}] * len(table)):
            where = f"{self.path} {split}: row {row}"
            targets: dict[str, Target] = {}
            for column in self.targets:
                if filled(cells[column]):
                    targets[column] = named(names[column], cells[column]) or label(
                        where, column, cells[column]
                    )
            targets |= {c: numbers(where, c, cells[c]) for c in self.numbers if filled(cells[c])}
            about = {c.removesuffix("_id"): str(cells[c]) for c in ABOUT_COLUMNS if filled(cells.get(c))}
            yield Clip(f"{split}/{row:06d}", self.inputs(table, row, cells), targets, about)

    def inputs(self, table: Any, row: int, cells: dict[str, Any]) -> dict[str, Input | Lazy]:
        inputs: dict[str, Input | Lazy] = {}
        root = self.root if self.root.is_dir() else None
        if self.audio is not None:
            inputs["audio"] = Cell(table, row, self.audio, root, "audio")
        if self.video is not None:
            inputs["video"] = Cell(table, row, self.video, root, "video")
        if self.text is not None and filled(cells[self.text]):
            inputs["text"] = str(cells[self.text])
        return inputs


@dataclass(frozen=True, slots=True, eq=False)
class Cell:
    """Sound or pictures in one cell of a dataset, as encoded bytes or as the path of a file."""

    table: Any
    row: int
    column: str
    root: Path | None
    kind: str

    @property
    def key(self) -> str:
        return f"{self.kind} {self.table._fingerprint} {self.row} {self.column}"

    def load(self) -> Audio | Video:
        """Decode it. Raises InputError where the cell holds nothing that can be read."""
        cell = self.table[self.row][self.column]
        if isinstance(cell, dict) and cell.get("bytes"):
            return read_audio(cell["bytes"]) if self.kind == "audio" else read_video(cell["bytes"])
        if isinstance(cell, dict) and isinstance(cell.get("array"), list):
            return Audio(np.asarray(cell["array"], np.float32), int(cell["sampling_rate"]))
        path = cell.get("path") if isinstance(cell, dict) else cell
        if not isinstance(path, str) or self.root is None:
            raise InputError(f"row {self.row}: {self.column} holds neither bytes nor the path of a file")
        media = find_media(inside(self.root, path))
        return AudioFile(media).load() if self.kind == "audio" else VideoFile(media).load()


def undecoded(table: Any) -> Any:
    """Return the table with media columns left as they are stored: decoding them is Trichord's part."""
    import datasets

    for column, feature in table.features.items():
        if isinstance(feature, datasets.Audio | datasets.Image | datasets.Video):
            table = table.cast_column(column, type(feature)(decode=False))
    return table


def class_names(feature: Any) -> list[str] | None:
    return getattr(feature, "names", None)


def named(names: list[str] | None, value: Any) -> str | None:
    """Return the class name that a number stands for, where the dataset knows one."""
    return names[value] if names and isinstance(value, int) and 0 <= value < len(names) else None
