"""Files as inputs of a clip: decoded only when they are used."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from trichord.clip import Audio, Clip, Features, Input, Lazy, Video
from trichord.errors import InputError
from trichord.media.limits import DEFAULT_LIMITS, Limits
from trichord.media.pictures import FrameStream, read_video
from trichord.media.resample import faster
from trichord.media.sound import read_audio
from trichord.media.source import Source, explained, file_size, name_of, opened, streams_of

TEXT_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class AudioFile:
    """The sound of a file, from `start` to `end` seconds; channels are averaged unless one is named."""

    path: str | os.PathLike[str]
    start: float = 0.0
    end: float | None = None
    channel: int | None = None

    @property
    def key(self) -> str:
        return f"audio {file_key(self.path)} {self.start!r} {self.end!r} {self.channel!r}"

    def load(self) -> Audio:
        """Decode it at its own rate."""
        return self.at(None)

    def at(self, rate: int | None, limits: Limits = DEFAULT_LIMITS) -> Audio:
        """Decode it at a rate in Hz, resampling block by block."""
        return read_audio(
            self.path, rate=rate, channel=self.channel, start=self.start, end=self.end, limits=limits
        )


@dataclass(frozen=True, slots=True)
class Played:
    """The sound of a file `speed` times as fast, and so as high."""

    file: AudioFile
    speed: float

    @property
    def key(self) -> str:
        return f"{self.file.key} x{self.speed!r}"

    def load(self) -> Audio:
        return faster(self.file.load(), self.speed)


@dataclass(frozen=True, slots=True)
class VideoFile:
    """The frames of a file, from `start` to `end` seconds; an image is a video of one frame."""

    path: str | os.PathLike[str]
    start: float = 0.0
    end: float | None = None

    @property
    def key(self) -> str:
        return f"video {file_key(self.path)} {self.start!r} {self.end!r}"

    def load(self) -> Video:
        """Decode all frames at the file's own rate."""
        return read_video(self.path, start=self.start, end=self.end)

    def frames(self, *, rate: float | None = None, limits: Limits = DEFAULT_LIMITS) -> FrameStream:
        """Decode frame by frame, without holding the whole; see `FrameStream`."""
        return FrameStream(self.path, rate=rate, start=self.start, end=self.end, limits=limits)


def file_key(path: str | os.PathLike[str]) -> str:
    """Return what identifies a file's content: where it is, its size, when it changed.

    The whole path is in it: corpora repeat names, sizes and times from folder to folder.
    """
    try:
        status = Path(path).stat()
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: no such file, or it may not be read") from error
    return f"{Path(path).resolve()} {status.st_size} {status.st_mtime_ns}"


def sniff(source: Source, limits: Limits = DEFAULT_LIMITS) -> set[str]:
    """Return which of "audio" and "video" a file holds; images hold video. Raises `InputError`."""
    with opened(source, limits) as container:
        return {kind for kind in ("audio", "video") if streams_of(container, kind)}


def clip_from_file(path: str | os.PathLike[str], limits: Limits = DEFAULT_LIMITS) -> Clip:
    """Return a clip of what one file holds: sound, pictures or both, text (.txt), or features (.npy).

    Sound and pictures stay undecoded until used. Raises `InputError` for a file that holds none of them.
    """
    suffix = Path(path).suffix.lower()
    inputs: dict[str, Input | Lazy]
    if suffix == ".txt":
        inputs = {"text": read_text(path)}
    elif suffix == ".npy":
        inputs = {"features": read_features(path, limits)}
    else:
        found = sniff(path, limits)
        inputs = {k: v for k, v in (("audio", AudioFile(path)), ("video", VideoFile(path))) if k in found}
    if not inputs:
        raise InputError(f"{path}: holds neither sound nor pictures")
    return Clip(id=Path(path).stem, inputs=inputs)


def read_text(path: str | os.PathLike[str]) -> str:
    """Return a text file's content, UTF-8, of 1 MiB at most."""
    if (size := file_size(Path(path), DEFAULT_LIMITS)) > TEXT_BYTES:
        raise InputError(f"{path}: {size} bytes of text; the limit is {TEXT_BYTES}")
    try:
        return Path(path).read_text(encoding="utf-8-sig")
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: cannot be read as UTF-8 text") from error


def read_features(path: str | os.PathLike[str], limits: Limits = DEFAULT_LIMITS) -> Features:
    """Return the array of a .npy file, `(time, dim)` real numbers, without a rate."""
    if file_size(Path(path), limits) > limits.decoded_bytes:
        raise InputError(f"{path}: beyond the limit of {limits.decoded_bytes} bytes for one read")
    with explained(name_of(path)):
        # Mapped first: the header of a hostile file may promise more than the file holds.
        values = np.load(path, mmap_mode="r", allow_pickle=False)
        if not isinstance(values, np.ndarray) or values.dtype.kind not in "fiub":
            raise InputError(f"{path}: expected an array of real numbers")
        return Features(np.array(values, np.float32))
