"""What a classical learner is given of a stream: frames in time, one row of numbers a clip, or text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from trichord.clip import Audio, Input, Lazy
from trichord.errors import MissingError, RecipeError
from trichord.prepare import Preparation, Samples
from trichord.prepare.descriptors import cepstra, described
from trichord.prepare.functionals import functionals
from trichord.prepare.inputs import loaded
from trichord.prepare.scaling import PictureStream
from trichord.prepare.text import normalized

Floats: TypeAlias = NDArray[np.float64]
Given: TypeAlias = Floats | str
"""Frames `(time, dim)`, a row `(dim,)`, or text."""

QUANTILES, POINTS = 5, 8
"""Of each column over a clip; see `Functionals`."""
SIDE, SMALL = 32, 16
"""Pixels of the square pictures whose gradients are counted, and whose brightness is kept."""


class Reader:
    """Turns one input of a clip into what classical learners take; None where there is nothing in it.

    `prepare` is what the recipe's stream is prepared by, fitted on the training clips. `key` says how
    features are made, None where that depends on the training clips.
    """

    key: str | None = None

    def __init__(self, prepare: Preparation, training: Sequence[Input | Lazy]) -> None:
        self.prepare = prepare

    def frames(self, value: Input | Lazy) -> Floats | None:
        """Return what lasts in time, `(time, dim)`. Raises RecipeError where nothing does."""
        raise RecipeError("an hmm follows sound or features through time; this stream needs another --kind")

    def row(self, value: Input | Lazy) -> Given | None:
        """Return the whole clip as numbers `(dim,)`, or as text."""
        raise NotImplementedError


class Sound(Reader):
    """Mel cepstra, energy and the spectrum's shape, frame by frame, and their functionals.

    The rate is that of the first training clip, at most the one at which the recipe hears: bands above what
    was recorded would hold rounding noise alone. Silence is cut out where the recipe cuts it out.
    """

    def __init__(self, prepare: Preparation, training: Sequence[Input | Lazy]) -> None:
        heard = round(prepare.spec.rate or 0)
        silence_db = prepare.silence_db if isinstance(prepare, Samples) else None
        self.samples = Samples(min(heard, loaded(training[0], Audio).rate), silence_db)
        self.key = f"sound at {self.samples.rate} Hz, less {silence_db} dB"

    def sound(self, value: Input | Lazy) -> NDArray[np.float32]:
        return self.samples(value).astype(np.float32)

    def frames(self, value: Input | Lazy) -> Floats | None:
        """Return 13 cepstra, of which the zeroth is the energy, with first and second differences."""
        found = cepstra(self.sound(value), self.samples.rate)
        return found if len(found) else None

    def row(self, value: Input | Lazy) -> Given | None:
        found = described(self.sound(value), self.samples.rate)
        return summed_up(found) if len(found) else None


class Array(Reader):
    """Ready features as the recipe prepares them; their functionals, but of a single step itself."""

    def __init__(self, prepare: Preparation, training: Sequence[Input | Lazy]) -> None:
        super().__init__(prepare, training)
        self.lasts = any(len(prepare(value)) > 1 for value in training)

    def frames(self, value: Input | Lazy) -> Floats | None:
        values = self.prepare(value).astype(np.float64)
        return values if len(values) else None

    def row(self, value: Input | Lazy) -> Given | None:
        values = self.frames(value)
        return values if values is None else summed_up(values) if self.lasts else values[0]


class Pictures(Reader):
    """The mean picture, small and grey, and histograms of oriented gradients of it and of its deviation.

    N. Dalal and B. Triggs, Histograms of Oriented Gradients for Human Detection, 2005.
    """

    def row(self, value: Input | Lazy) -> Given | None:
        grey = PictureStream((SIDE, SIDE), grey=True).push(self.prepare(value).astype(np.uint8))
        if not len(grey):
            return None
        mean, deviation = grey.mean(0), grey.std(0)
        step = SIDE // SMALL
        small = mean.reshape(SMALL, step, SMALL, step).mean((1, 3)).ravel() / 255
        return np.concatenate([small, gradients(mean), gradients(deviation)])


class Text(Reader):
    """Text, its case as the recipe has it."""

    def row(self, value: Input | Lazy) -> Given | None:
        text = normalized(loaded(value, str), lower=bool(getattr(self.prepare, "lower", True)))
        return text or None


READERS: dict[str, type[Reader]] = {"samples": Sound, "array": Array, "frames": Pictures, "tokens": Text}
"""By the kind of a stream's input; see `InputSpec`."""


def summed_up(values: Floats) -> Floats:
    row: Floats = functionals(values, QUANTILES, POINTS)[0]
    return row


def gradients(picture: Floats) -> Floats:
    """Return the histograms of oriented gradients of a square grey picture."""
    try:
        import cv2
    except ImportError:
        raise MissingError(
            "features of pictures need the extra 'vision': pip install 'trichord[vision]'"
        ) from None
    histograms = cv2.HOGDescriptor((SIDE, SIDE), (16, 16), (8, 8), (8, 8), 9).compute(
        picture.astype(np.uint8)
    )
    return np.asarray(histograms, np.float64).ravel()
