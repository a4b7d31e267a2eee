"""The records that flow through everything: what is sensed, what should be said, what was said."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol, TypeAlias, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from trichord.errors import InputError


@dataclass(frozen=True, slots=True, eq=False)
class Audio:
    """Mono sound.

    `samples` is float32 `(time,)`, nominally within ±1; `rate` is in Hz. Raises `InputError` for
    another shape or for NaN and infinity.
    """

    samples: NDArray[np.float32]
    rate: int

    def __post_init__(self) -> None:
        samples = np.asarray(self.samples, np.float32)
        if samples.ndim != 1:
            raise InputError(f"audio must be mono, shape (time,); got shape {samples.shape}")
        if self.rate <= 0:
            raise InputError(f"an audio rate must be above 0 Hz; got {self.rate}")
        if not np.isfinite(samples).all():
            raise InputError("audio holds NaN or infinite samples; clean it first (numpy.nan_to_num)")
        object.__setattr__(self, "samples", samples)

    @property
    def seconds(self) -> float:
        return len(self.samples) / self.rate


@dataclass(frozen=True, slots=True, eq=False)
class Video:
    """Moving pictures; an image is a video of one frame.

    `frames` is uint8 RGB `(time, height, width, 3)`; `rate` is in frames per second. Raises
    `InputError` for another shape or type.
    """

    frames: NDArray[np.uint8]
    rate: float = 25.0

    def __post_init__(self) -> None:
        if self.frames.ndim != 4 or self.frames.shape[-1] != 3 or self.frames.dtype != np.uint8:
            raise InputError(
                "video must be uint8 RGB, shape (time, height, width, 3); "
                f"got {self.frames.dtype} {self.frames.shape}"
            )
        if not self.rate > 0:
            raise InputError(f"a video rate must be above 0 frames per second; got {self.rate}")

    @property
    def seconds(self) -> float:
        return len(self.frames) / self.rate


@dataclass(frozen=True, slots=True, eq=False)
class Features:
    """A ready array sampled in time: features someone else extracted, or any other sensor.

    `values` is float32 `(time, dim)`; `rate` is in Hz, or None where steps have no clock. Raises
    `InputError` for another shape or for NaN and infinity.
    """

    values: NDArray[np.float32]
    rate: float | None = None

    def __post_init__(self) -> None:
        values = np.asarray(self.values, np.float32)
        if values.ndim != 2:
            raise InputError(f"features must have shape (time, dim); got {values.shape}")
        if not np.isfinite(values).all():
            raise InputError("features hold NaN or infinite values; clean them first")
        object.__setattr__(self, "values", values)


Input: TypeAlias = Audio | Video | Features | str
"""What a model may sense; a `str` is text."""


@runtime_checkable
class Lazy(Protocol):
    """An input that is decoded only when it is used.

    `key` identifies the content (path, size, modification time, region ...) for the cache.
    """

    @property
    def key(self) -> str: ...

    def load(self) -> Input: ...


@dataclass(frozen=True, slots=True)
class Event:
    """What was said or seen, when (seconds), how sure (0 to 1), and from which streams.

    `streams` holds signed Shapley shares by stream name, where they were asked for.
    """

    what: str
    start: float = 0.0
    end: float | None = None
    confidence: float | None = None
    streams: Mapping[str, float] = field(default_factory=dict)


Target: TypeAlias = str | float | Sequence[float] | Sequence[Event]
"""What a head should say: a transcript or a class name, a number or several, timed events."""


@dataclass(frozen=True, slots=True)
class Clip:
    """One example.

    `inputs` is what a model may sense, by name: `audio`, `video`, `text`, or any name for features.
    `targets` is what it should say, by head name. The two never share a field, so a label cannot
    leak in as an input. Any part may be absent. `about` describes the clip: speaker, gender, ...
    """

    id: str
    inputs: Mapping[str, Input | Lazy]
    targets: Mapping[str, Target] = field(default_factory=dict)
    about: Mapping[str, str] = field(default_factory=dict)

    def load(self, name: str) -> Input | None:
        """Return one decoded input, or None where the clip has none of that name."""
        value = self.inputs.get(name)
        return value.load() if isinstance(value, Lazy) else value


def with_targets(clip: Clip, names: Mapping[str, str]) -> Clip:
    """Return a clip with targets under further names: `names` maps each of those to the target's own."""
    said = {name: clip.targets[own] for name, own in names.items() if own in clip.targets}
    return replace(clip, targets={**clip.targets, **said}) if said else clip
