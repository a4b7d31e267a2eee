"""The pieces of a clip, in the order in which a microphone and a camera would have recorded them."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from heapq import merge

import numpy as np
from numpy.typing import NDArray

from trichord.clip import Audio, Clip, Features, Input, Lazy, Video
from trichord.media import AudioFile, VideoFile, stream_audio
from trichord.prepare.inputs import frames_of
from trichord.running.runtime.model import Model

BLOCK_SECONDS = 0.02


@dataclass(frozen=True, slots=True)
class Piece:
    """A little of an input, for the streams that are made of it; frames come at those streams' rate.

    `due`: seconds from the beginning at which all of it has been recorded.
    """

    due: float
    streams: tuple[str, ...]
    value: Input


def pieces_of(model: Model, clip: Clip, names: Collection[str]) -> Iterator[Piece]:
    """Yield what streams are made of in the order of its recording; what has no clock comes first.

    Streams that want the same sound, or the same frames, share it: it is decoded once, and when asked for.
    """
    sharing: dict[tuple[str, float | None], list[str]] = {}
    for name in names:
        source = model.streams[name].source
        seen = isinstance(clip.inputs[source], (Video, VideoFile))
        rate = getattr(model.preparations.by_stream[name], "rate", None) if seen else None
        sharing.setdefault((source, rate), []).append(name)
    lines = [pieces(clip.inputs[source], rate, tuple(names)) for (source, rate), names in sharing.items()]
    yield from merge(*lines, key=lambda piece: piece.due)


def pieces(value: Input | Lazy, rate: float | None, streams: tuple[str, ...]) -> Iterator[Piece]:
    """Yield the pieces of one input: blocks of sound, frames at `rate` or its own, rows of features."""
    if isinstance(value, Lazy) and not isinstance(value, (AudioFile, VideoFile)):
        value = value.load()
    due = 0.0
    for piece in cut(value, rate):
        if isinstance(piece, (Audio, Video)):
            due += piece.seconds
        elif isinstance(piece, Features) and piece.rate is not None:
            due += len(piece.values) / piece.rate
        yield Piece(due, streams, piece)


def cut(value: Input | Lazy, rate: float | None) -> Iterator[Input]:
    if isinstance(value, AudioFile):
        yield from stream_audio(
            value.path, channel=value.channel, start=value.start, end=value.end, block_seconds=BLOCK_SECONDS
        )
    elif isinstance(value, Audio):
        for part in in_blocks(value.samples, value.rate):
            yield Audio(part, value.rate)
    elif isinstance(value, VideoFile):
        with value.frames(rate=rate) as stream:
            for frame in stream:
                yield Video(frame[None], stream.rate)
    elif isinstance(value, Video):
        for frame in frames_of(value, rate):
            yield Video(frame[None], rate or value.rate)
    elif isinstance(value, Features) and value.rate is not None:
        for part in in_blocks(value.values, value.rate):
            yield Features(part, value.rate)
    elif isinstance(value, (Features, str)):
        yield value


def in_blocks(values: NDArray[np.float32], rate: float) -> Iterator[NDArray[np.float32]]:
    size = max(1, round(rate * BLOCK_SECONDS))
    yield from (values[start : start + size] for start in range(0, len(values), size))
