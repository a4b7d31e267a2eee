"""Writing sound and pictures: the suffix says the format, and a file appears whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

from trichord.clip import Audio, Video
from trichord.errors import InputError
from trichord.files import atomic
from trichord.media.resample import resample

# suffix: container, codec, and the rates it can carry in Hz (empty for any)
OPUS_RATES = (8000, 12000, 16000, 24000, 48000)
MP3_RATES = (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000)
AAC_RATES = (*MP3_RATES, 64000, 88200, 96000)
AUDIO_FORMATS: dict[str, tuple[str, str, tuple[int, ...]]] = {
    ".wav": ("wav", "pcm_s16le", ()),
    ".flac": ("flac", "flac", ()),
    ".opus": ("ogg", "libopus", OPUS_RATES),
    ".ogg": ("ogg", "libopus", OPUS_RATES),
    ".mp3": ("mp3", "libmp3lame", MP3_RATES),
    ".m4a": ("mp4", "aac", AAC_RATES),
}
VIDEO_FORMATS = {".mp4": "mp4", ".mov": "mov", ".mkv": "matroska"}
IMAGE_CODECS = {".png": ("png", "rgb24"), ".jpg": ("mjpeg", "yuvj444p"), ".webp": ("libwebp", "yuv420p")}


def write_audio(path: str | os.PathLike[str], audio: Audio) -> None:
    """Write sound as wav or flac (16 bit), opus, mp3 or m4a, by the suffix; beyond ±1 it is clipped.

    A codec that lacks the sound's rate carries it at its next higher one. Raises `InputError` for another
    suffix or a folder that cannot be written.
    """
    container_format, codec, rates = by_suffix(path, AUDIO_FORMATS)
    with (
        writing(path),
        atomic(Path(path)) as temporary,
        av.open(temporary, "w", format=container_format) as out,
    ):
        encode_sound(out, add_sound(out, codec, rates, audio.rate), audio)


def write_video(path: str | os.PathLike[str], video: Video, audio: Audio | None = None) -> None:
    """Write frames as mp4, mov or mkv (H.264), with sound (AAC) if it is given.

    Odd heights or widths are kept, at the cost of a profile (4:4:4) that fewer players read. Raises
    `InputError` for no frames, another suffix, or a folder that cannot be written.
    """
    container_format = by_suffix(path, VIDEO_FORMATS)
    if not len(video.frames):
        raise InputError(f"{path}: a video of no frames cannot be written")
    height, width = video.frames.shape[1:3]
    with (
        writing(path),
        atomic(Path(path)) as temporary,
        av.open(temporary, "w", format=container_format) as out,
    ):
        stream = out.add_stream("libx264", rate=Fraction(video.rate).limit_denominator(1001))
        stream.height, stream.width = height, width
        stream.pix_fmt = "yuv420p" if height % 2 == width % 2 == 0 else "yuv444p"
        stream.options = {"crf": "18", "preset": "fast"}
        sound = add_sound(out, "aac", AAC_RATES, audio.rate) if audio is not None else None
        for frame in video.frames:
            out.mux(stream.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(frame), format="rgb24")))
        out.mux(stream.encode())
        if sound is not None and audio is not None:
            encode_sound(out, sound, audio)


def write_image(path: str | os.PathLike[str], image: NDArray[np.uint8]) -> None:
    """Write one uint8 picture, RGB `(height, width, 3)` or grey `(height, width)`, as png, jpg or webp."""
    codec, pixels = by_suffix(path, IMAGE_CODECS)
    if image.dtype != np.uint8 or not (image.ndim == 2 or image.shape[2:] == (3,)) or not image.size:
        raise InputError(f"{path}: expected uint8 (height, width[, 3]); got {image.dtype} {image.shape}")
    given = "gray" if image.ndim == 2 else "rgb24"
    pixels = "gray" if given == "gray" and codec == "png" else pixels
    with writing(path), atomic(Path(path)) as temporary:
        frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(image), format=given).reformat(format=pixels)
        encoder = av.CodecContext.create(codec, "w")
        encoder.height, encoder.width, encoder.pix_fmt = *image.shape[:2], pixels
        encoder.time_base = Fraction(1, 25)
        if codec == "mjpeg":
            encoder.options = {"qmin": "2", "qmax": "2"}
        packets = [*encoder.encode(frame), *encoder.encode(None)]
        temporary.write_bytes(b"".join(bytes(packet) for packet in packets))


def by_suffix(path: str | os.PathLike[str], formats: dict[str, Any]) -> Any:
    suffix = Path(path).suffix.lower().replace(".jpeg", ".jpg")
    if suffix not in formats:
        raise InputError(f"{path}: cannot write suffix {suffix!r}; use {', '.join(formats)}")
    return formats[suffix]


@contextmanager
def writing(path: str | os.PathLike[str]) -> Iterator[None]:
    try:
        yield
    except (av.FFmpegError, OSError, ValueError) as error:
        raise InputError(
            f"{path}: cannot be written ({getattr(error, 'strerror', None) or error})"
        ) from error


def add_sound(out: Any, codec: str, rates: tuple[int, ...], rate: int) -> Any:
    carried = rate if not rates else min((r for r in rates if r >= rate), default=max(rates))
    return out.add_stream(codec, rate=carried, layout="mono")


def encode_sound(out: Any, stream: Any, audio: Audio) -> None:
    samples = resample(audio, stream.rate).samples
    pcm = np.rint(np.clip(samples, -1, 1) * 32767).astype(np.int16)
    second = stream.rate
    for begin in range(0, len(pcm), second):
        frame = av.AudioFrame.from_ndarray(pcm[None, begin : begin + second], format="s16", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = stream.rate, begin, Fraction(1, stream.rate)
        out.mux(stream.encode(frame))
    out.mux(stream.encode())
