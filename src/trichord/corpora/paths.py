"""Label files: read within limits, and never allowed to name a file outside the corpus."""

from __future__ import annotations

import gzip
import os
import zlib
from collections.abc import Iterator
from pathlib import Path

from trichord.clip import Input, Lazy
from trichord.errors import InputError
from trichord.files import FILM, PICTURE, SOUND
from trichord.media import AudioFile, VideoFile

MAX_TEXT_BYTES = 1 << 30
MAX_LINE_BYTES = 16 << 20
MAX_FILES = 2_000_000

MEDIA = (*SOUND, *FILM, *PICTURE)


def inside(root: Path, name: str) -> Path:
    """Return the path that a label file names, relative to `root`; InputError if it leads out of `root`.

    An absolute path is taken if it lies in `root`. Symbolic links in the corpus are the owner's affair.
    """
    base = os.path.abspath(root)  # noqa: PTH100 - Path.resolve would follow links
    path = os.path.normpath(os.path.join(base, name))  # noqa: PTH118 - normpath has no Path equivalent
    if "\0" in name or os.path.commonpath([base, path]) != base:
        raise InputError(
            f"{name!r:.200} leads out of the corpus folder {root}; label files may only name files in it"
        )
    return Path(path)


def find_media(path: Path) -> Path:
    """Return the path, or the same stem with another media suffix; InputError if neither exists."""
    if path.is_file():
        return path
    known = path.suffix.lower() in MEDIA
    for suffix in MEDIA:
        other = path.with_suffix(suffix) if known else path.with_name(path.name + suffix)
        if other.is_file():
            return other
    raise InputError(f"{path}: a label file names it, but it is not there (nor with another media suffix)")


def find_text(path: Path) -> Path | None:
    """Return `path` or `path.gz`, whichever exists."""
    packed = path.with_name(path.name + ".gz")
    return path if path.is_file() else packed if packed.is_file() else None


def read_lines(path: Path) -> Iterator[str]:
    """Yield the lines of a UTF-8 file, unpacked if it ends in .gz, without line ends and blank lines.

    Raises InputError naming the file and line for bad text, a line above 16 MiB or a file above 1 GiB.
    """
    total = 0
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
            for number, line in enumerate(iter(lambda: file.readline(MAX_LINE_BYTES + 1), b""), 1):
                total += len(line)
                if len(line) > MAX_LINE_BYTES or total > MAX_TEXT_BYTES:
                    raise InputError(
                        f"{path}:{number}: beyond the limit of {MAX_LINE_BYTES} bytes a line "
                        f"and {MAX_TEXT_BYTES} bytes a file"
                    )
                text = line.decode("utf-8-sig" if number == 1 else "utf-8").strip("\r\n")
                if text.strip():
                    yield text
    except UnicodeDecodeError:
        raise InputError(f"{path}:{number}: not UTF-8 text; convert the file to UTF-8") from None
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(f"{path}: cannot be read ({' '.join(str(error).split())})") from None


def files_below(folder: Path) -> list[Path]:
    """Return the files below a folder in a fixed order, hidden ones left out."""
    found: list[Path] = []
    for place, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        found += [Path(place, name) for name in sorted(names) if not name.startswith(".")]
        if len(found) > MAX_FILES:
            raise InputError(f"{folder}: more than {MAX_FILES} files; name a smaller folder")
    return found


def inputs_of(path: Path) -> dict[str, Input | Lazy]:
    """Return what a media file is sensed as, by its suffix: a film is heard and seen."""
    suffix = path.suffix.lower()
    inputs: dict[str, Input | Lazy] = {}
    if suffix in (*SOUND, *FILM):
        inputs["audio"] = AudioFile(path)
    if suffix in (*FILM, *PICTURE):
        inputs["video"] = VideoFile(path)
    return inputs
