"""Arrays of a .npz file, which may be hostile."""

from __future__ import annotations

import math
import tokenize
import warnings
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from trichord.errors import InputError, MissingError

MAX_BYTES = 4 << 30
HEADERS = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}
PACKED = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}
BROKEN = (
    ArithmeticError, EOFError, LookupError, MemoryError, OSError, RuntimeError, SyntaxError, TypeError,
    ValueError, tokenize.TokenError, zipfile.BadZipFile, zlib.error,
)  # fmt: skip
"""What zipfile and numpy raise for files that are cut, encrypted, or made to harm."""

Column: TypeAlias = NDArray[Any]


def read_arrays(path: Path) -> Mapping[str, Column]:
    """Return a .npz file's arrays by name, never unpickling.

    Raises MissingError where there is no such file, InputError where it is broken, holds anything but plain
    arrays, or unpacks to more than 4 GiB.
    """
    if not path.is_file():
        raise MissingError(f"no file {path}")
    try:
        with zipfile.ZipFile(path) as archive, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of headers in outdated spelling
            size = sum(entry.file_size for entry in archive.infolist())
            if size > MAX_BYTES:
                raise InputError(f"{path}: unpacks to {size / 1e9:.1f} GB; at most {MAX_BYTES / 1e9:.1f}")
            return {entry.filename.removesuffix(".npy"): read_member(archive, entry)
                    for entry in archive.infolist()}  # fmt: skip
    except BROKEN as error:
        raise InputError(f"{path}: is no readable .npz of plain arrays ({error!s:.80})") from None


def read_member(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> Column:
    """Return one array; no memory is taken before its header agrees with the entry's size."""
    if entry.compress_type not in PACKED:
        raise ValueError(f"{entry.filename} is packed by method {entry.compress_type}")
    with archive.open(entry) as file:
        version = npy.read_magic(file)
        if version not in HEADERS:
            raise ValueError(f"{entry.filename} is of version {version}")
        shape, _, dtype = HEADERS[version](file)
    if dtype.hasobject:
        raise ValueError(f"{entry.filename} holds objects")
    if min(shape, default=0) < 0 or math.prod(shape) * max(1, dtype.itemsize) > entry.file_size:
        raise ValueError(f"{entry.filename} says that it holds {shape} of {dtype}")
    with archive.open(entry) as file:
        array: Column = npy.read_array(file, allow_pickle=False)
    return array


def columns(arrays: Mapping[str, Column], names: Sequence[str], where: Path) -> dict[str, Column]:
    """Return some arrays, row by row about the same; InputError where one is absent or of another length."""
    absent = sorted({name for name in names if name not in arrays})
    if absent:
        raise InputError(f"{where}: lacks {', '.join(absent)}")
    lengths = {name: len(arrays[name]) if arrays[name].ndim else 0 for name in names}
    if len(set(lengths.values())) > 1:
        told = ", ".join(f"{name} {length}" for name, length in lengths.items())
        raise InputError(f"{where}: arrays of different lengths: {told}")
    return {name: arrays[name] for name in names}


def whole(column: Column, least: int, most: int, what: str) -> list[int]:
    """Return a column of whole numbers; InputError where it is none, or a number is out of range."""
    if column.ndim != 1 or column.dtype.kind not in "iu":
        raise InputError(f"{what}: expected a column of whole numbers; got {column.dtype} {column.shape}")
    wrong = column[(column < least) | (column > most)]
    if len(wrong):
        raise InputError(f"{what}: expected numbers from {least} to {most}; got {wrong[0]}")
    return [int(number) for number in column]


def measured(column: Column, what: str) -> Column:
    """Return rows of finite numbers `(rows, width)`; InputError where they are none."""
    if column.ndim != 2 or column.dtype.kind not in "fiu" or not np.isfinite(column).all():
        raise InputError(f"{what}: expected rows of finite numbers; got {column.dtype} {column.shape}")
    return column
