"""Opening a media file: safely, quietly, with every failure an InputError that names the file."""

from __future__ import annotations

import io
import os
import stat
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, BinaryIO, TypeAlias

import av

from trichord.errors import InputError
from trichord.media.limits import Limits

Source: TypeAlias = str | os.PathLike[str] | bytes | BinaryIO
"""What media are read from: a path, a file's bytes, or an open binary file."""

# Playlists and image sequences are left out: they would let a file name other files or addresses to open.
CONTAINERS = (
    "aac aiff amr ape apng asf au avi bmp_pipe caf flac flv gif h264 hevc ivf jpeg_pipe jpegxl_pipe m4v "
    "matroska mov mp3 mpeg mpegts mpegvideo nut ogg pam_pipe pbm_pipe pgm_pipe png_pipe ppm_pipe rm "
    "tiff_pipe tta w64 wav webp_pipe wv"
)
# Time stamps of the others are estimates, so that a region must be decoded from the beginning.
SEEKABLE = {"wav", "flac", "ogg", "mov", "matroska"}
SEEK_BEYOND = 5.0
SEEK_MARGIN = 1.0


def name_of(source: Source) -> str:
    """Return what error messages call a source."""
    if isinstance(source, bytes):
        return f"{len(source)} bytes"
    if isinstance(source, str | os.PathLike):
        return os.fspath(source)
    return str(getattr(source, "name", "file object"))


@contextmanager
def explained(name: str) -> Iterator[None]:
    """Turn what the media libraries raise into one line that names the file."""
    try:
        yield
    except (av.FFmpegError, OSError, ValueError, OverflowError, MemoryError, LookupError) as error:
        reason = " ".join(str(getattr(error, "strerror", None) or error).split()) or type(error).__name__
        raise InputError(f"{name}: cannot be read as sound or picture ({reason})") from error


def file_size(path: Path, limits: Limits) -> int:
    """Return a file's size in bytes; InputError if it is absent, empty, too large, or no plain file."""
    try:
        status = path.stat()
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: no such file, or it may not be read") from error
    if not stat.S_ISREG(status.st_mode):
        raise InputError(f"{path}: expected a file, got a folder, pipe or device")
    if status.st_size == 0:
        raise InputError(f"{path}: the file is empty")
    if status.st_size > limits.file_bytes:
        raise InputError(f"{path}: {status.st_size} bytes; the limit is {limits.file_bytes} (file_bytes)")
    return status.st_size


@contextmanager
def opened(source: Source, limits: Limits) -> Iterator[Any]:
    """Open a source as a PyAV container and close it again."""
    name = name_of(source)
    options = {"format_whitelist": CONTAINERS.replace(" ", ","), "max_pixels": str(limits.pixels)}
    with ExitStack() as stack:
        with explained(name):
            file = binary_file(source, stack, limits)
            container = stack.enter_context(
                av.open(Nameless(file), options=options, metadata_errors="replace")
            )
        yield container


def binary_file(source: Source, stack: ExitStack, limits: Limits) -> BinaryIO:
    """Return a source as an open file; never as a name, which libav could take for an address."""
    if isinstance(source, bytes):
        if not source:
            raise InputError("the data are empty: 0 bytes")
        return io.BytesIO(source)
    if isinstance(source, str | os.PathLike):
        file_size(Path(source), limits)
        return stack.enter_context(Path(source).open("rb"))
    return source


class Nameless:
    """An open file that keeps its name to itself: its content alone says what format it is."""

    def __init__(self, file: BinaryIO) -> None:
        self.read = file.read
        if file.seekable():
            self.seek, self.tell = file.seek, file.tell


def pick_stream(container: Any, kind: str, name: str) -> Any:
    """Return the first stream of a kind, "audio" or "video"; a cover picture is no video."""
    found = streams_of(container, kind)
    if not found:
        has = " and ".join(k for k in ("audio", "video") if streams_of(container, k)) or "neither"
        raise InputError(f"{name}: holds no {kind} ({has} found)")
    return found[0]


def streams_of(container: Any, kind: str) -> list[Any]:
    cover = av.stream.Disposition.attached_pic
    return [s for s in container.streams if s.type == kind and not s.disposition & cover]


def decoded_from(container: Any, stream: Any, start: float) -> Iterator[tuple[float | None, Any]]:
    """Yield (seconds since the stream's first frame, frame), beginning at or before `start` seconds.

    Damaged packets are skipped, as ffmpeg does. The time is None where a file gives none.
    """
    frames = intact(container, stream)
    first = next(frames, None)
    if first is None:
        return
    origin = first.pts
    if start > SEEK_BEYOND and origin is not None and SEEKABLE & set(container.format.name.split(",")):
        container.seek(origin + int((start - SEEK_MARGIN) / stream.time_base), stream=stream)
        frames = intact(container, stream)
    else:
        yield 0.0, first
    for frame in frames:
        timed = origin is not None and frame.pts is not None
        yield (float((frame.pts - origin) * frame.time_base) if timed else None), frame


def intact(container: Any, stream: Any) -> Iterator[Any]:
    packets = container.demux(stream)
    while True:
        try:
            packet = next(packets, None)
        except av.FFmpegError:
            return
        if packet is None:
            return
        try:
            frames = packet.decode()
        except av.FFmpegError:
            continue
        yield from frames
