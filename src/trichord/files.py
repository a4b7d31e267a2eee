"""Where files lie, and writing them so that a reader never meets half of one."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SOUND = (".wav", ".flac", ".opus", ".ogg", ".mp3", ".m4a", ".aac")
FILM = (".mp4", ".mkv", ".mov", ".mpg", ".avi", ".webm", ".m4v")
PICTURE = (".png", ".jpg", ".jpeg", ".webp", ".bmp")
"""Suffixes of media files."""


@contextmanager
def atomic(path: Path) -> Iterator[Path]:
    """Give a temporary path beside `path`, with its suffix; rename it into place if the block succeeds."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.stem}-{secrets.token_hex(4)}{path.suffix}")
    try:
        yield temporary
        os.replace(temporary, path)  # noqa: PTH105 - says that an existing file is replaced
    finally:
        temporary.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write text atomically, UTF-8."""
    with atomic(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def data_root() -> Path:
    """Return the folder that holds the corpora: $TRICHORD_DATA, or ../shared/data."""
    return Path(os.environ.get("TRICHORD_DATA") or Path("..", "shared", "data"))
