"""Prepared arrays kept on disk, so that a corpus is decoded once."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from trichord.clip import Audio, Features, Input, Lazy, Video
from trichord.files import atomic
from trichord.kinds import Kinds
from trichord.prepare.preparation import Array, Measured, Preparation

VERSION = 1
"""To be raised whenever a preparation's arithmetic changes."""
MAP_ABOVE = 1 << 20  # bytes; smaller arrays are read at once


class Cache:
    """A folder of arrays by key; whatever is broken in it is made again.

    The default is `$TRICHORD_CACHE`, or `~/.cache/trichord`. Large arrays are mapped, read-only.
    """

    def __init__(self, folder: str | os.PathLike[str] | None = None) -> None:
        default = os.environ.get("TRICHORD_CACHE") or Path.home() / ".cache" / "trichord"
        self.folder = Path(folder or default)

    def path(self, key: str) -> Path:
        """Return the file that holds a key's array."""
        digest = hashlib.sha256(key.encode("utf-8", "surrogateescape")).hexdigest()
        return self.folder / digest[:2] / f"{digest}.npy"

    def get(self, key: str, make: Callable[[], Array]) -> Array:
        """Return the array kept under a key, made and stored first if it is not there."""
        path = self.path(key)
        try:
            mode: str | None = "r" if path.stat().st_size > MAP_ABOVE else None
            kept: Array = np.load(path, mmap_mode=mode, allow_pickle=False)  # type: ignore[arg-type]
        except (OSError, ValueError, EOFError):
            kept = make()
            with atomic(path) as temporary, temporary.open("wb") as file:
                np.save(file, kept, allow_pickle=False)
        return kept


def prepare_input(preparation: Preparation, value: Input | Lazy, cache: Cache | None = None) -> Array:
    """Return the prepared array of one input, from the cache if it is there.

    Text is prepared anew, which is quicker than looking it up.
    """
    if cache is None or isinstance(value, str):
        return preparation(value)
    if preparation.measures:  # what is left to do is quick, and differs with what was learned
        return preparation(measure(preparation, value, cache))
    return cache.get(cache_key(preparation, value, preparation.state()), lambda: preparation(value))


def measure(preparation: Preparation, value: Input | Lazy, cache: Cache | None) -> Input | Lazy:
    """Return what a preparation measures of an input, from the cache; the input where it measures nothing."""
    if not preparation.measures or isinstance(value, Measured):
        return value
    if cache is None:
        return preparation.measured(value)
    kept = cache.get(cache_key(preparation, value, {}), lambda: preparation.measured(value).values)
    return Measured(kept.astype(np.float32, copy=False))


def cache_key(preparation: Preparation, value: Input | Lazy, learned: Mapping[str, Any]) -> str:
    """Return what an array depends on: the content, the preparation, and what it learned."""
    cls = type(preparation)
    described = Kinds({f"{cls.__module__}.{cls.__qualname__}": cls}).describe(preparation)
    return json.dumps([VERSION, content_key(value), described, learned], sort_keys=True)


def content_key(value: Input | Lazy) -> str:
    """Return what identifies an input's content: a file's key, or a hash of what is in memory."""
    if isinstance(value, Lazy):
        return value.key
    if isinstance(value, str):
        return f"text {value}"
    array = {Audio: "samples", Video: "frames", Features: "values"}[type(value)]
    content = np.ascontiguousarray(getattr(value, array))
    digest = hashlib.sha256(content.tobytes()).hexdigest()
    return f"{array} {content.shape} {value.rate!r} {digest}"
