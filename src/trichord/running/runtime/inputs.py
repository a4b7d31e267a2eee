"""From whatever a user has in hand to the arrays that a model file takes."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from trichord.artifact import Metadata, StreamDescription
from trichord.clip import Audio, Clip, Features, Input, Lazy, Video
from trichord.errors import ArtifactError, InputError, TrichordError
from trichord.kinds import Kinds, nearest
from trichord.media import AudioFile, VideoFile, clip_from_file
from trichord.prepare import PREPARATIONS, Cache, prepare_input
from trichord.prepare.people import People
from trichord.prepare.preparation import Array, InputSpec, Preparation
from trichord.running.runtime.file import first_line

Loose: TypeAlias = Input | Lazy | Path | NDArray[Any]
Source: TypeAlias = str | Path | Clip | Mapping[str, Loose]
"""A clip, a file's path, or inputs by name: `{"audio": Audio(...), "text": "hello"}`.

Among inputs by name, a `Path` is a file; so is a `str`, where the name is `audio` or `video`; any other `str`
is text. Arrays and features without a rate are taken to be at the rate that the model reads.
"""

MAX_UNCLOCKED_STEPS = 20_000


class Preparations:
    """The preparations of a model's streams, restored from its metadata."""

    def __init__(self, metadata: Metadata, source: str | Path) -> None:
        self.streams = metadata.streams
        self.max_seconds = metadata.max_seconds
        self.cache: Cache | None = None  # for whoever asks about the same clips again and again
        self.by_stream = {
            name: restored(stream, f"{source}: stream {name!r}") for name, stream in metadata.streams.items()
        }
        self.accustom(())

    def accustom(self, clips: Sequence[Clip]) -> None:
        """Get used to the speakers, or other groups, of these clips; see `Preparation.by`."""
        heard = [self.within_limits(clip) for clip in clips] if self.groups else clips
        self.people = {
            name: People(self.by_stream[name], stream.source, heard, self.cache)
            for name, stream in self.streams.items()
        }

    def within_limits(self, clip: Clip) -> Clip:
        """Return a clip as it is prepared: no more of its files is decoded, or measured twice."""
        inputs = {name: shortened(value, self.max_seconds + 1) for name, value in clip.inputs.items()}
        return replace(clip, inputs=inputs)

    @property
    def groups(self) -> set[str]:
        """What of a clip's `about` says whose it is, where a stream is prepared by what is known of them."""
        return {preparation.by for preparation in self.by_stream.values() if preparation.by is not None}

    def __call__(self, clip: Clip, without: Collection[str] = ()) -> dict[str, Array]:
        """Return prepared arrays by stream; those that the clip lacks, or `without` names, are left out.

        Raises InputError where the clip has nothing that the model reads, or is longer than it accepts.
        """
        for name in without:
            if name not in self.streams:
                raise InputError(f"without {name!r}: no such stream{nearest(name, self.streams)}")
        if not any(stream.source in clip.inputs for stream in self.streams.values()):
            reads = ", ".join(sorted({stream.source for stream in self.streams.values()}))
            has = ", ".join(sorted(clip.inputs)) or "nothing"
            raise InputError(f"{clip.id}: the model reads {reads}; the clip has {has}")
        return {
            name: self.one(clip, name, clip.inputs[stream.source])
            for name, stream in self.streams.items()
            if stream.source in clip.inputs and name not in without
        }

    def one(self, clip: Clip, name: str, value: Input | Lazy) -> Array:
        try:
            preparation = self.people[name].of(clip)
            array = prepare_input(preparation, shortened(value, self.max_seconds + 1), self.cache)
        except InputError as error:
            raise InputError(f"{clip.id}: stream {name!r}: {error}") from None
        spec = self.streams[name].input.spec
        if array.shape[1:] != spec.shape or array.dtype != spec.dtype:
            raise InputError(
                f"{clip.id}: stream {name!r} came out as {array.dtype} {array.shape}; "
                f"the model takes {spec.dtype} (time, {', '.join(map(str, spec.shape))})"
            )
        self.check_length(clip, name, len(array), spec)
        return array

    def check_length(self, clip: Clip, name: str, steps: int, spec: InputSpec) -> None:
        if spec.rate is None and steps > MAX_UNCLOCKED_STEPS:
            raise InputError(
                f"{clip.id}: {name} has {steps} steps; at most {MAX_UNCLOCKED_STEPS} are accepted"
            )
        if spec.rate is not None and steps > self.max_seconds * spec.rate + 1:
            raise InputError(
                f"{clip.id}: {name} is longer than {self.max_seconds:g} s, the most that this model accepts "
                "at once; cut the clip into shorter ones"
            )


def shortened(value: Input | Lazy, seconds: float) -> Input | Lazy:
    """Return a file's input cut to its first seconds: no more is decoded than is needed to refuse it."""
    if not isinstance(value, (AudioFile, VideoFile)):
        return value
    end = value.start + seconds
    return value if value.end is not None and value.end <= end else replace(value, end=end)


def restored(stream: StreamDescription, where: str) -> Preparation:
    """Make a stream's preparation again; raise ArtifactError where the description is not sound."""
    try:
        preparation: Preparation = Kinds(PREPARATIONS).make(stream.prepare)
        preparation.restore(stream.state)
        spec = preparation.spec
    except (TrichordError, ValueError, TypeError, LookupError, AttributeError) as error:
        raise ArtifactError(f"{where}: its preparation cannot be restored ({first_line(error)})") from None
    if spec != stream.input.spec:
        raise ArtifactError(f"{where}: prepares {spec}, but its graph input is {stream.input.spec}")
    return preparation


def as_clip(source: Source, metadata: Metadata) -> Clip:
    """Return a clip; see `Source`. Raises InputError for anything else."""
    if isinstance(source, Clip):
        return source
    if isinstance(source, (str, Path)):
        return clip_from_file(source)
    if isinstance(source, Mapping):
        return Clip("clip", {name: as_input(name, value, metadata) for name, value in source.items()})
    raise InputError(f"a clip is a path, a Clip, or inputs by name; got {type(source).__name__}")


def as_input(name: str, value: Loose, metadata: Metadata) -> Input | Lazy:
    if isinstance(value, Path) or (isinstance(value, str) and name in ("audio", "video")):
        value = held_under(name, value)
    if isinstance(value, Features) and value.rate is None:
        value = value.values
    if isinstance(value, np.ndarray):
        return from_array(name, value, metadata)
    if isinstance(value, (Audio, Video, Features, str, Lazy)):
        return value
    raise InputError(
        f"input {name!r} is {type(value).__name__}; give Audio, Video, Features, text, or a path"
    )


def held_under(name: str, path: str | Path) -> Input | Lazy:
    """Return what a file holds under the name of an input; features and text fit any name."""
    held = clip_from_file(path).inputs
    for fitting in (name, "features", "text"):
        if fitting in held:
            return held[fitting]
    raise InputError(f"{path}: holds {', '.join(sorted(held))}; input {name!r} was asked for")


def from_array(name: str, array: NDArray[Any], metadata: Metadata) -> Input:
    """Read a bare array by its shape, at the rate of the model's stream that is made from it."""
    rates = [stream.input.rate for stream in metadata.streams.values() if stream.source == name]
    rate = rates[0] if rates else None
    if array.ndim == 1 and rate is not None:
        whole = np.issubdtype(array.dtype, np.signedinteger)  # PCM as other libraries read it
        scale = -float(np.iinfo(array.dtype).min) if whole else 1.0
        return Audio((array / scale).astype(np.float32), round(rate))
    if array.ndim == 4:
        return Video(array, rate or 25.0)
    return Features(array, rate)
