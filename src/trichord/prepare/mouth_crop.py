"""The mouth, or the face, as a lip reader sees it."""

from __future__ import annotations

from typing import Literal

import numpy as np

from trichord.clip import Input, Lazy
from trichord.prepare.faces import Face, FaceTracker, opencv
from trichord.prepare.frames import picture_spec
from trichord.prepare.inputs import Picture, Rate, Size, frames_of, stacked
from trichord.prepare.preparation import Array, InputSpec, Preparation

# Of a Haar face box: how far below its centre the region's centre lies, and the region's least width
# and height. Measured on GRID: the lips are centred there, and the chin is still inside.
REGIONS = {"mouth": (0.34, 0.76, 0.38), "face": (0.03, 1.1, 1.1)}


class MouthCrop(Preparation):
    """The mouth cut out of each frame, uint8 `(time, height, width[, 3])`.

    A Haar cascade finds the largest face about once a second, and the box moves there smoothly and without
    looking ahead. Until a face is found, the box is where the mouth of a face in the middle would be.
    Needs the extra `vision`.

    size: height and width in pixels.
    rate: frames per second.
    grey: brightness instead of RGB.
    region: the mouth with the chin, or the whole face.
    """

    def __init__(
        self,
        size: Size = (48, 96),
        rate: Rate = 25.0,
        grey: bool = True,
        region: Literal["mouth", "face"] = "mouth",
    ) -> None:
        self.size = size
        self.rate = rate
        self.grey = grey
        self.region = region

    @property
    def spec(self) -> InputSpec:
        return picture_spec(self.size, self.rate, self.grey)

    def __call__(self, value: Input | Lazy) -> Array:
        step = self.stream().step
        return stacked(map(step, frames_of(value, self.rate)), self.spec.empty())

    def stream(self) -> MouthStream:
        """Return what crops frames that arrive one after another, at `rate`."""
        return MouthStream(self)


class MouthStream:
    """Crops frames as they arrive; any chunks give what the whole gives."""

    def __init__(self, crop: MouthCrop) -> None:
        self.crop = crop
        self._cv2 = opencv()
        self._tracker = FaceTracker(crop.rate)

    def reset(self) -> None:
        """Forget the past, for another recording."""
        self._tracker.reset()

    def push(self, frames: Picture) -> Picture:
        """Return `(n, *size[, 3])` for `frames (n, height, width[, 3])`, uint8."""
        return stacked(map(self.step, frames), self.crop.spec.empty())

    def step(self, frame: Picture) -> Picture:
        """Return the crop of the next frame, `(height, width)` or RGB `(height, width, 3)`."""
        centre, (height, width) = self._region(self._tracker.step(frame))
        cut = self._cv2.getRectSubPix(np.ascontiguousarray(frame), (round(width), round(height)), centre)
        if self.crop.grey and cut.ndim == 3:
            cut = self._cv2.cvtColor(cut, self._cv2.COLOR_RGB2GRAY)
        elif not self.crop.grey and cut.ndim == 2:
            cut = self._cv2.cvtColor(cut, self._cv2.COLOR_GRAY2RGB)
        shrinks = cut.shape[0] > self.crop.size[0]
        how = self._cv2.INTER_AREA if shrinks else self._cv2.INTER_LINEAR
        scaled: Picture = self._cv2.resize(cut, self.crop.size[::-1], interpolation=how)
        return scaled

    def _region(self, face: Face) -> tuple[tuple[float, float], tuple[float, float]]:
        """Return the centre (x, y) and the (height, width) of the region, in the ratio of `size`."""
        below, least_width, least_height = REGIONS[self.crop.region]
        ratio = self.crop.size[1] / self.crop.size[0]
        width = max(1.0, face.side * max(least_width, least_height * ratio))
        return (face.x, face.y + below * face.side), (max(1.0, width / ratio), width)
