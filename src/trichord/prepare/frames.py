"""Pictures as a model sees them: the whole, or a fixed part of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Annotated

from pydantic import Field

from trichord.clip import Input, Lazy
from trichord.errors import InputError
from trichord.prepare.inputs import Count, Picture, Rate, Size, frames_of, stacked
from trichord.prepare.preparation import Array, InputSpec, Preparation
from trichord.prepare.scaling import PictureStream

Fraction = Annotated[float, Field(ge=0, le=1)]


class Frames(Preparation):
    """Whole pictures scaled to one size, uint8 `(time, height, width[, 3])`.

    size: height and width in pixels.
    rate: frames per second; none keeps the file's own and gives a stream without a clock.
    grey: brightness instead of RGB.
    count: take so many frames, evenly spread over the clip, at most; a stream without a clock.
    """

    def __init__(
        self,
        size: Size = (112, 112),
        rate: Rate | None = 25.0,
        grey: bool = False,
        count: Count | None = None,
    ) -> None:
        self.size = size
        self.rate = rate
        self.grey = grey
        self.count = count

    @property
    def spec(self) -> InputSpec:
        return picture_spec(self.size, None if self.count else self.rate, self.grey)

    def __call__(self, value: Input | Lazy) -> Array:
        scale = self.stream().scale
        pictures: Iterable[Picture] = map(scale, frames_of(value, self.rate))
        if self.count:
            pictures = spread(pictures, self.count)
        return stacked(pictures, self.spec.empty())

    def stream(self) -> PictureStream:
        """Return what prepares frames that arrive one after another, at `rate`."""
        return PictureStream(self.size, self.grey)


class Crop(Preparation):
    """A fixed part of each picture scaled to one size, uint8 `(time, height, width[, 3])`.

    box: top, left, bottom and right, as fractions of the picture.
    size: height and width in pixels.
    rate: frames per second; none keeps the file's own and gives a stream without a clock.
    grey: brightness instead of RGB.
    """

    def __init__(
        self,
        box: tuple[Fraction, Fraction, Fraction, Fraction] = (0.0, 0.0, 1.0, 1.0),
        size: Size = (48, 96),
        rate: Rate | None = 25.0,
        grey: bool = True,
    ) -> None:
        top, left, bottom, right = box
        if not (top < bottom and left < right):
            raise ValueError(f"a box needs top < bottom and left < right; got {box}")
        self.box = box
        self.size = size
        self.rate = rate
        self.grey = grey

    @property
    def spec(self) -> InputSpec:
        return picture_spec(self.size, self.rate, self.grey)

    def __call__(self, value: Input | Lazy) -> Array:
        scale = self.stream().scale
        return stacked(map(scale, frames_of(value, self.rate)), self.spec.empty())

    def stream(self) -> PictureStream:
        """Return what prepares frames that arrive one after another, at `rate`."""
        return PictureStream(self.size, self.grey, self.box)


def picture_spec(size: Size, rate: float | None, grey: bool) -> InputSpec:
    return InputSpec("frames", rate, size if grey else (*size, 3))


def spread(pictures: Iterable[Picture], count: int) -> Iterator[Picture]:
    """Yield `count` pictures, evenly spread, or all if there are fewer, holding 2 `count` at a time."""
    step, held = 1, []
    for index, picture in enumerate(pictures):
        if index % step:
            continue
        held.append(picture)
        if len(held) > 2 * count:
            held, step = held[::2], step * 2
    if not held:
        raise InputError("a video of no frames has none to spread")
    wanted = min(count, len(held))
    yield from (held[(2 * index + 1) * len(held) // (2 * wanted)] for index in range(wanted))
