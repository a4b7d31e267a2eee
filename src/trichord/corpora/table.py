"""A table that names one clip per row."""

from __future__ import annotations

from pathlib import Path

from trichord.clip import Clip, Input, Lazy, Target
from trichord.corpora.corpus import SPLITS, About, Corpus, Fractions, Index, by_hash, split_called, with_valid
from trichord.corpora.paths import find_media, find_text, inside
from trichord.corpora.rows import Row, check_columns, features, filled, label, number, numbers, read_rows
from trichord.errors import InputError, MissingError
from trichord.media import AudioFile, VideoFile

ABOUT_COLUMNS = ("speaker", "group", "gender", "language")


class Table(Corpus):
    """A CSV, TSV, JSON-lines or Parquet file; media paths in it are relative to its folder.

    Arguments are names of columns. Empty cells are absent inputs or targets. Columns called `speaker`,
    `group`, `gender` and `language` describe the clips.

    path: the table; .csv, .tsv and .jsonl may be packed, with .gz at the end.
    audio, video: paths of media files. text: the text itself.
    start, end: the region of the media that a row means, in seconds.
    features: input name -> number columns (one step), or one column that lists numbers or steps.
    targets: class names, transcripts, or lists of events {what, start, end}, each under its column's name.
    numbers: targets that are numbers or lists of them.
    id: the clip's name; the row's number by default.
    split: train, valid or test; if the table lacks the column, the hash of `group`, else of the speaker,
        else of the id divides by `fractions`. With train and test alone, a tenth of train becomes valid.
    group: what must not be in two splits: a speaker, a film, a day.
    """

    name = "table"
    about = About(
        title="Table of clips",
        licence="the owner's",
        commercial=None,
        source="your own CSV, TSV, JSON-lines or Parquet file",
        tasks=("any",),
    )

    def __init__(
        self,
        path: Path,
        *,
        audio: str | None = None,
        video: str | None = None,
        text: str | None = None,
        start: str | None = None,
        end: str | None = None,
        features: dict[str, tuple[str, ...]] | None = None,
        targets: tuple[str, ...] = (),
        numbers: tuple[str, ...] = (),
        id: str | None = None,  # noqa: A002 - the column is called so
        split: str = "split",
        group: str | None = None,
        seed: int = 0,
        fractions: Fractions = (0.8, 0.1, 0.1),
    ) -> None:
        self.path = path
        self.audio, self.video, self.text = audio, video, text
        self.start, self.end = start, end
        self.features = features
        self.targets, self.numbers = targets, numbers
        self.id, self.split, self.group = id, split, group
        self.seed, self.fractions = seed, fractions

    @property
    def root(self) -> Path:
        return self.path.parent

    def read(self) -> Index:
        path = find_text(self.path)
        if path is None:
            raise MissingError(f"table: no file {self.path}; give the path of {self.about.source}")
        clips: list[Clip] = []
        index: dict[str, list[Clip]] = {split: [] for split in SPLITS}
        for position, (where, row) in enumerate(read_rows(path)):
            if position == 0:
                check_columns(where, row, self.columns())
            clip = self.clip(where, row, position)
            if self.split in row:
                index[self.split_of(where, row)].append(clip)
            else:
                clips.append(clip)
        return with_valid(index, self.seed) if not clips else by_hash(clips, self.fractions, self.seed)

    def columns(self) -> tuple[str | None, ...]:
        feature_columns = (c for columns in (self.features or {}).values() for c in columns)
        media = (self.audio, self.video, self.text, self.start, self.end, self.id, self.group)
        return (*media, *feature_columns, *self.targets, *self.numbers)

    def split_of(self, where: str, row: Row) -> str:
        if split := split_called(str(row[self.split])):
            return split
        raise InputError(f"{where}: {self.split} must be train, valid or test; got {row[self.split]!r:.60}")

    def clip(self, where: str, row: Row, position: int) -> Clip:
        about = {column: str(row[column]) for column in ABOUT_COLUMNS if filled(row.get(column))}
        if self.group is not None and filled(row.get(self.group)):
            about["group"] = str(row[self.group])
        name = str(row.get(self.id)) if self.id is not None else f"{position:06d}"
        return Clip(name, self.inputs(where, row), self.said(where, row), about)

    def inputs(self, where: str, row: Row) -> dict[str, Input | Lazy]:
        inputs: dict[str, Input | Lazy] = {}
        start = (
            number(where, self.start, row[self.start]) if self.start and filled(row.get(self.start)) else 0.0
        )
        end = number(where, self.end, row[self.end]) if self.end and filled(row.get(self.end)) else None
        if self.audio is not None and filled(row.get(self.audio)):
            inputs["audio"] = AudioFile(find_media(inside(self.root, str(row[self.audio]))), start, end)
        if self.video is not None and filled(row.get(self.video)):
            inputs["video"] = VideoFile(find_media(inside(self.root, str(row[self.video]))), start, end)
        if self.text is not None and filled(row.get(self.text)):
            inputs["text"] = str(row[self.text])
        for name, columns in (self.features or {}).items():
            if all(filled(row.get(column)) for column in columns):
                inputs[name] = features(where, columns, row)
        return inputs

    def said(self, where: str, row: Row) -> dict[str, Target]:
        labels = {c: label(where, c, row[c]) for c in self.targets if filled(row.get(c))}
        return labels | {c: numbers(where, c, row[c]) for c in self.numbers if filled(row.get(c))}
