"""Taking a clip's inputs apart: what a preparation asks for, or an InputError that says what came."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Annotated, TypeVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from trichord.clip import Audio, Features, Input, Lazy, Video
from trichord.errors import InputError
from trichord.media import DEFAULT_LIMITS, VideoFile

Picture = NDArray[np.uint8]
Count = Annotated[int, Field(ge=1)]
Rate = Annotated[float, Field(gt=0, le=1000)]
Size = tuple[Annotated[int, Field(ge=1, le=4096)], Annotated[int, Field(ge=1, le=4096)]]
"""Height and width, in pixels."""

T = TypeVar("T", Audio, Video, Features, str)


def loaded(value: Input | Lazy, wanted: type[T]) -> T:
    """Return a decoded input of the wanted type; InputError for another."""
    decoded = value.load() if isinstance(value, Lazy) else value
    if not isinstance(decoded, wanted):
        name = "text" if wanted is str else wanted.__name__
        raise InputError(f"expected {name} here, got {type(decoded).__name__}; check the stream's 'from'")
    return decoded


def frames_of(value: Input | Lazy, rate: float | None) -> Iterator[Picture]:
    """Yield a video's frames at `rate`, or its own if None, RGB `(height, width, 3)`.

    A file is decoded frame by frame and never held whole.
    """
    if isinstance(value, VideoFile):
        with value.frames(rate=rate) as stream:
            yield from stream
        return
    video = loaded(value, Video)
    yield from (video.frames[index] for index in nearest_frames(video, rate))


def nearest_frames(video: Video, rate: float | None) -> NDArray[np.intp]:
    """Return which frame is nearest to each tick of `rate`, as a `FrameStream` would choose."""
    count = len(video.frames)
    if rate is None or rate == video.rate or count < 2:
        return np.arange(count)
    ticks = np.arange(np.ceil(count * rate / video.rate - 1e-6))
    nearest: NDArray[np.intp] = np.floor(ticks * video.rate / rate + 0.5).astype(np.intp)
    return np.minimum(nearest, count - 1)


def stacked(pictures: Iterable[Picture], empty: NDArray[np.generic]) -> Picture:
    """Return pictures as one array, time first; InputError beyond the limit of one read."""
    held, stored = [], 0
    for picture in pictures:
        held.append(picture)
        stored += picture.nbytes
        if stored > DEFAULT_LIMITS.decoded_bytes:
            raise InputError(
                f"the prepared frames take more than {DEFAULT_LIMITS.decoded_bytes} bytes; "
                "use a smaller size, a lower rate, or a shorter clip"
            )
    return np.stack(held) if held else empty.astype(np.uint8)
