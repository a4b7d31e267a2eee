"""Pictures to one size and colour, without OpenCV (FFmpeg's swscale)."""

from __future__ import annotations

import av
import numpy as np
from av.video.reformatter import Interpolation, VideoReformatter

from trichord.prepare.inputs import Picture, Size

Box = tuple[float, float, float, float]
"""Top, left, bottom and right, as fractions of the height and width."""
WHOLE: Box = (0.0, 0.0, 1.0, 1.0)


class PictureStream:
    """Cuts a box out of each picture and scales it; every picture stands alone."""

    def __init__(self, size: Size, grey: bool, box: Box = WHOLE) -> None:
        self.size, self.grey, self.box = size, grey, box
        self._reformatter = VideoReformatter()

    def push(self, frames: Picture) -> Picture:
        """Return `(n, *size[, 3])` uint8 for `frames (n, height, width[, 3])`."""
        shape = self.size if self.grey else (*self.size, 3)
        return np.stack([self.scale(f) for f in frames]) if len(frames) else np.zeros((0, *shape), np.uint8)

    def scale(self, picture: Picture) -> Picture:
        """Return one picture of the size and colour asked for."""
        cut = self._cut(picture)
        given, wanted = "gray" if cut.ndim == 2 else "rgb24", "gray" if self.grey else "rgb24"
        if cut.shape[:2] == self.size and given == wanted:
            return cut
        shrinks = cut.shape[0] * cut.shape[1] > self.size[0] * self.size[1]
        frame = self._reformatter.reformat(
            av.VideoFrame.from_ndarray(cut, format=given),
            height=self.size[0],
            width=self.size[1],
            format=wanted,
            interpolation=Interpolation.AREA if shrinks else Interpolation.BILINEAR,
        )
        return frame.to_ndarray().astype(np.uint8, copy=False)

    def _cut(self, picture: Picture) -> Picture:
        height, width = picture.shape[:2]
        top, left, bottom, right = self.box
        rows = edges(top, bottom, height)
        columns = edges(left, right, width)
        return np.ascontiguousarray(picture[rows, columns])


def edges(begin: float, end: float, pixels: int) -> slice:
    """Return the pixels between two fractions, one at least."""
    first = min(round(begin * pixels), pixels - 1)
    return slice(first, max(first + 1, round(end * pixels)))
