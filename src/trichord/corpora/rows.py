"""Rows of a table file: CSV, TSV, JSON lines or Parquet."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from trichord.clip import Event, Features, Target
from trichord.corpora.paths import read_lines
from trichord.errors import InputError, MissingError

MAX_ROWS = 5_000_000

Row = Mapping[str, Any]


def read_rows(path: Path) -> Iterator[tuple[str, Row]]:
    """Yield (where it stands, row) for each row of .csv, .tsv, .jsonl (each also .gz) or .parquet.

    Raises InputError naming the file and line, MissingError for Parquet without pyarrow.
    """
    suffix = Path(path.stem).suffix if path.suffix == ".gz" else path.suffix
    readers = {".csv": read_csv, ".tsv": read_csv, ".jsonl": read_json_lines, ".parquet": read_parquet}
    if suffix.lower() not in readers:
        raise InputError(f"{path}: cannot read {suffix!r} as a table; expected one of: {', '.join(readers)}")
    for number, row in enumerate(readers[suffix.lower()](path), 1):
        if number > MAX_ROWS:
            raise InputError(f"{path}: more than {MAX_ROWS} rows; divide the table")
        yield f"{path}: row {number}", row


def read_csv(path: Path) -> Iterator[Row]:
    delimiter = "\t" if ".tsv" in path.suffixes else ","
    lines = (line + "\n" for line in read_lines(path))
    reader = csv.DictReader(lines, delimiter=delimiter, strict=True)
    try:
        for row in reader:
            if None in row:
                raise InputError(f"{path}: line {reader.line_num} has more cells than the header has columns")
            yield row
    except csv.Error as error:
        raise InputError(f"{path}: line {reader.line_num}: {error}") from None


def read_json_lines(path: Path) -> Iterator[Row]:
    for number, line in enumerate(read_lines(path), 1):
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise InputError(f"{path}: line {number} is not JSON ({error!s:.80})") from None
        if not isinstance(row, dict):
            raise InputError(f"{path}: line {number}: expected a JSON object, got {line!r:.60}")
        yield row


def read_parquet(path: Path) -> Iterator[Row]:
    try:
        import pyarrow
        import pyarrow.parquet as parquet
    except ImportError:
        raise MissingError("Parquet needs the extra 'train': pip install 'trichord[train]'") from None
    try:
        with parquet.ParquetFile(path) as file:
            for batch in file.iter_batches(batch_size=1024):
                yield from batch.to_pylist()
    except (OSError, pyarrow.ArrowException) as error:
        raise InputError(f"{path}: cannot be read as Parquet ({' '.join(str(error).split()):.200})") from None


def filled(value: object) -> bool:
    """Say whether a cell holds anything."""
    return value is not None and value != ""


def check_columns(where: str, row: Row, columns: Iterable[str | None]) -> None:
    for column in columns:
        if column is not None and column not in row:
            raise InputError(f"{where}: has no column {column!r}; it has: {', '.join(map(str, row))}")


def number(where: str, column: str, value: object) -> float:
    """Return a cell as a finite number."""
    try:
        result = float(value)  # type: ignore[arg-type]  # whatever float refuses is reported
    except (TypeError, ValueError):
        result = float("nan")
    if not np.isfinite(result):
        raise InputError(f"{where}: {column} must be a number; got {value!r:.60}")
    return result


def label(where: str, column: str, value: Any) -> Target:
    """Return a cell as a class name or transcript, or as timed events where it lists them."""
    if not isinstance(value, list):
        return str(value)
    try:
        return tuple(Event(str(e["what"]), float(e["start"]), float(e["end"])) for e in value)
    except (KeyError, TypeError, ValueError):
        raise InputError(
            f"{where}: {column} must list events as {{what, start, end}}; got {value!r:.80}"
        ) from None


def numbers(where: str, column: str, value: object) -> Target:
    """Return a cell as a number, or as several where it lists them."""
    if isinstance(value, list):
        return tuple(number(where, column, item) for item in value)
    return number(where, column, value)


def features(where: str, columns: tuple[str, ...], row: Row) -> Features:
    """Return number columns as one step `(1, columns)`, or one column that lists them as `(time, dim)`."""
    cells = [row[column] for column in columns]
    if len(cells) == 1 and isinstance(cells[0], list):
        try:
            return Features(np.atleast_2d(np.asarray(cells[0], np.float32)))
        except (TypeError, ValueError):
            raise InputError(
                f"{where}: {columns[0]} must list numbers, or equally long lists of them"
            ) from None
    values = [number(where, column, cell) for column, cell in zip(columns, cells, strict=True)]
    return Features(np.asarray([values], np.float32))
