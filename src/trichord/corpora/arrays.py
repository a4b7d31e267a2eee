"""Arrays of a .npz file, which may be hostile."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trichord.errors import InputError, MissingError

MAX_BYTES = 4 << 30


def read_arrays(path: Path) -> Mapping[str, NDArray[Any]]:
    """Return a .npz file's arrays by name, never unpickling.

    Raises MissingError where there is no such file, InputError where it is broken, holds objects, or unpacks
    to more than 4 GiB.
    """
    if not path.is_file():
        raise MissingError(f"no file {path}")
    try:
        with zipfile.ZipFile(path) as archive:
            size = sum(entry.file_size for entry in archive.infolist())
        if size > MAX_BYTES:
            raise InputError(f"{path}: unpacks to {size / 1e9:.1f} GB; at most {MAX_BYTES / 1e9:.1f}")
        with np.load(path, allow_pickle=False) as arrays:
            return {name: arrays[name] for name in arrays.files}
    except (OSError, ValueError, EOFError, zipfile.BadZipFile, NotImplementedError) as error:
        raise InputError(f"{path}: is no readable .npz of plain arrays ({error!s:.80})") from None
