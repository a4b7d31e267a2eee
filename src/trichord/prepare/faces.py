"""Where the face is, frame after frame: Viola and Jones (2001), with OpenCV's Haar cascade."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from trichord.errors import MissingError
from trichord.prepare.inputs import Picture

SMOOTHING = 0.2  # of the way to the newest face, per frame
LOOKS_PER_SECOND = 1.0
LOOKS_PER_SECOND_UNTIL_FOUND = 5.0


def opencv() -> Any:
    """Return the module cv2, set to one thread; MissingError without it."""
    try:
        import cv2
    except ImportError as error:
        raise MissingError(
            "finding faces needs the extra 'vision': pip install 'trichord[vision]'"
        ) from error
    cv2.setNumThreads(1)  # its pool costs more than it gains on small pictures, and fights with torch's
    return cv2


@dataclass(frozen=True, slots=True)
class Face:
    """A square around a face: its centre and side, in pixels."""

    x: float
    y: float
    side: float

    def scaled(self, scale: float) -> Face:
        return Face(self.x * scale, self.y * scale, self.side * scale)

    def towards(self, other: Face, share: float) -> Face:
        """Return the face a share of the way to another; at once where it is somewhere else (a cut)."""
        if max(abs(other.x - self.x), abs(other.y - self.y)) > self.side / 2:
            return other
        return Face(
            self.x + share * (other.x - self.x),
            self.y + share * (other.y - self.y),
            self.side + share * (other.side - self.side),
        )


class FaceFinder:
    """Finds the largest frontal face of a grey picture, looking at it in a reduced size."""

    def __init__(self) -> None:
        self._cv2 = opencv()

    def find(self, grey: Picture, near: Face | None = None) -> Face | None:
        """Return the largest face of `grey (height, width)`, or None.

        With `near`, first of all one of about that size around there, which is several times cheaper.
        """
        short = min(grey.shape)
        scale = min(1.0, max(144.0, min(short / 2, 240.0)) / short)
        size = (max(1, round(grey.shape[1] * scale)), max(1, round(grey.shape[0] * scale)))
        small = grey if scale == 1 else self._cv2.resize(grey, size, interpolation=self._cv2.INTER_AREA)
        found = self._near(small, near.scaled(scale)) if near else None
        found = found or self._largest(small, min(size) / 6, min(size))
        return found.scaled(1 / scale) if found else None

    def _near(self, small: Picture, face: Face) -> Face | None:
        left, top = max(0, round(face.x - face.side)), max(0, round(face.y - face.side))
        window = small[top : max(0, round(face.y + face.side)), left : max(0, round(face.x + face.side))]
        found = self._largest(window, 0.7 * face.side, 1.4 * face.side) if window.size else None
        return Face(found.x + left, found.y + top, found.side) if found else None

    def _largest(self, grey: Picture, least: float, most: float) -> Face | None:
        low, high = max(24, round(least)), max(24, round(most))
        boxes = cascade().detectMultiScale(
            np.ascontiguousarray(grey),
            scaleFactor=1.1,
            minNeighbors=5,
            minSize=(low, low),
            maxSize=(high, high),
        )
        if not len(boxes):
            return None
        x, y, side, _ = max(np.asarray(boxes).tolist(), key=lambda box: (box[2], box))
        return Face(x + side / 2, y + side / 2, side)


_per_thread = threading.local()


def cascade() -> Any:
    """Return this thread's cascade: reading one takes as long as a look, and none may be shared."""
    if not hasattr(_per_thread, "cascade"):
        cv2 = opencv()
        path = Path(cv2.data.haarcascades) / "haarcascade_frontalface_default.xml"
        _per_thread.cascade = cv2.CascadeClassifier(str(path))
    return _per_thread.cascade


class FaceTracker:
    """Follows one face: looks about once a second, and moves smoothly to what it last saw.

    It never looks ahead, so frames may arrive one by one. Until it sees a face it supposes one of 60 % of
    the picture's height (or width, if that is less) a little below the centre, and looks more often.
    """

    def __init__(self, rate: float) -> None:
        self.period = max(1, round(rate / LOOKS_PER_SECOND))
        self.first_period = max(1, round(rate / LOOKS_PER_SECOND_UNTIL_FOUND))
        self._finder = FaceFinder()
        self.reset()

    def reset(self) -> None:
        self._seen: Face | None = None
        self._face: Face | None = None
        self._shape: tuple[int, ...] = ()
        self._wait = 0

    def step(self, frame: Picture) -> Face:
        """Return the face in the next frame, `(height, width)` or RGB `(height, width, 3)`."""
        if frame.shape != self._shape:
            self.reset()
            self._shape = frame.shape
        if self._wait == 0:
            self._look(frame)
        self._wait -= 1
        if self._seen is None:
            return supposed(frame)
        self._face = self._seen if self._face is None else self._face.towards(self._seen, SMOOTHING)
        return self._face

    def _look(self, frame: Picture) -> None:
        cv2 = opencv()
        grey = frame if frame.ndim == 2 else cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY)
        self._seen = self._finder.find(grey, self._seen) or self._seen
        self._wait = self.period if self._seen else self.first_period


def supposed(frame: Picture) -> Face:
    height, width = frame.shape[:2]
    return Face(width / 2, height * 0.55, 0.6 * min(height, width))
