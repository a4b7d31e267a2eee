"""Reading moving pictures from any file, whole or frame by frame; an image is a video of one frame."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from trichord.clip import Video
from trichord.errors import InputError
from trichord.media.limits import DEFAULT_LIMITS, Limits, check_region
from trichord.media.source import Source, decoded_from, explained, name_of, opened, pick_stream

IMAGE_RATE = 25.0
TOLERANCE = 1e-6  # seconds; time stamps are rounded


def read_video(
    source: Source,
    *,
    rate: float | None = None,
    start: float = 0.0,
    end: float | None = None,
    limits: Limits = DEFAULT_LIMITS,
) -> Video:
    """Read a file's frames from `start` to `end` seconds, at `rate` frames per second or its own.

    Raises `InputError` for a file that cannot be read, holds no frame there, or is beyond a limit.
    """
    frames: list[NDArray[np.uint8]] = []
    stored = 0
    with FrameStream(source, rate=rate, start=start, end=end, limits=limits) as stream:
        for frame in stream:
            if frames and frame.shape != frames[0].shape:
                raise InputError(
                    f"{stream.name}: its frames change size from {frames[0].shape} to {frame.shape}"
                )
            stored += frame.nbytes
            if stored > limits.decoded_bytes:
                raise InputError(
                    f"{stream.name}: beyond the limit of {limits.decoded_bytes} decoded bytes for one read; "
                    "name a region (start, end) or a lower rate, or stream it"
                )
            frames.append(frame)
        return Video(np.stack(frames), stream.rate)


class FrameStream:
    """A file's frames one after another, in bounded memory: uint8 RGB `(height, width, 3)`.

    With `rate`, each tick takes the frame nearest in time, which makes a variable rate constant and fills
    gaps; without, every frame is given once. Times count from the file's first frame. Frames stand upright
    where the file says how it was held. Iterate once, or close it. Raises `InputError` as `read_video` does.
    """

    def __init__(
        self,
        source: Source,
        *,
        rate: float | None = None,
        start: float = 0.0,
        end: float | None = None,
        limits: Limits = DEFAULT_LIMITS,
    ) -> None:
        self.name = name_of(source)
        self.start, self.stop = start, check_region(self.name, start, end)
        self.limits = limits
        if rate is not None and not 0 < rate <= 1000:
            raise InputError(f"{self.name}: a rate must be within 0 and 1000 frames per second; got {rate}")
        with ExitStack() as stack, explained(self.name):
            self._container = stack.enter_context(opened(source, limits))
            self._stream = pick_stream(self._container, "video", self.name)
            self._check_size(self._stream)
            self._stream.thread_type = "AUTO"
            self._stream.codec_context.options = {"max_pixels": str(limits.pixels)}
            self._open = stack.pop_all()
        self._image = self._container.format.name.endswith("_pipe")
        self.own_rate = IMAGE_RATE if self._image else float(self._stream.average_rate or IMAGE_RATE)
        self.rate = float(rate or self.own_rate)
        self._constant = rate is not None and not self._image

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        self._open.close()

    def __iter__(self) -> Iterator[NDArray[np.uint8]]:
        with self, explained(self.name):
            seen, last = None, None
            for frame in self._ticks() if self._constant else self._all():
                if frame is not last:
                    self._check_size(frame)
                    seen, last = self._array(frame), frame
                assert seen is not None
                yield seen
            if last is None:
                raise InputError(
                    f"{self.name}: holds no frame that can be decoded from {self.start:g} s on "
                    f"(of at most {self.limits.pixels} pixels)"
                )

    def _timed(self) -> Iterator[tuple[float, Any]]:
        """Yield (seconds, frame), in order, up to the end of the region."""
        time = -1 / self.own_rate
        for given, frame in decoded_from(self._container, self._stream, self.start):
            before, time = time, time + 1 / self.own_rate if given is None else given
            if time - before > self.limits.seconds:
                raise InputError(f"{self.name}: its time stamps leap by {time - before:.0f} s")
            yield time, frame
            if time >= self.stop:
                return

    def _all(self) -> Iterator[Any]:
        for time, frame in self._timed():
            if self.start - TOLERANCE <= time < self.stop - TOLERANCE:
                yield frame

    def _ticks(self) -> Iterator[Any]:
        tick, held, held_time = 0, None, 0.0
        for time, frame in self._timed():
            while held is not None and self._due(tick, (held_time + time) / 2):
                yield held
                tick += 1
            held, held_time = frame, time
        while held is not None and self._due(tick, held_time + 1 / self.own_rate - TOLERANCE):
            yield held
            tick += 1

    def _due(self, tick: int, before: float) -> bool:
        return self.start + tick / self.rate < min(before, self.stop - TOLERANCE)

    def _check_size(self, picture: Any) -> None:
        if picture.width * picture.height > self.limits.pixels:
            raise InputError(
                f"{self.name}: frames of {picture.width} x {picture.height}; "
                f"the limit is {self.limits.pixels} pixels"
            )

    def _array(self, frame: Any) -> NDArray[np.uint8]:
        quarter_turns = round(frame.rotation / 90) % 4
        upright: NDArray[np.uint8] = np.ascontiguousarray(
            np.rot90(frame.to_ndarray(format="rgb24"), quarter_turns)
        )
        return upright
