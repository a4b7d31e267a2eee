"""What a preparation is: a clip's input becomes the array that a model file takes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from trichord.clip import Features, Input, Lazy

Array = NDArray[np.generic]
RELEVANCE = 16
"""How many clips of one person count as much as all training clips, where their statistics are estimated."""


def share_of(count: int) -> float:
    """Return how much so many clips of one person count beside all training clips, 0 to 1."""
    return count / (count + RELEVANCE)


@dataclass(frozen=True, slots=True)
class InputSpec:
    """What a prepared input looks like, so that an encoder can size itself.

    `kind` and the array it stands for, one item long:
    `samples` float32 `(time,)` at `rate` Hz; `frames` uint8 `(time, height, width)` grey or
    `(time, height, width, 3)` RGB at `rate` frames per second; `tokens` int64 `(time,)`, no rate,
    values below `vocabulary`; `array` float32 `(time, dim)` at `rate` or none.
    `shape` is what follows time: `()`, `(height, width)`, `(height, width, 3)` or `(dim,)`.
    """

    kind: Literal["samples", "frames", "tokens", "array"]
    rate: float | None = None
    shape: tuple[int, ...] = ()
    vocabulary: int = 0

    @property
    def dtype(self) -> np.dtype[Any]:
        dtypes = {"samples": np.float32, "frames": np.uint8, "tokens": np.int64, "array": np.float32}
        return np.dtype(dtypes[self.kind])

    def empty(self) -> Array:
        """Return the array of an absent stream: length zero."""
        return np.zeros((0, *self.shape), self.dtype)


def pad(arrays: Sequence[Array | None], spec: InputSpec) -> tuple[Array, NDArray[np.int64]]:
    """Return `values (batch, longest, ...)`, zero past each length, and `lengths (batch,)`; None is none."""
    lengths = [0 if array is None else len(array) for array in arrays]
    values = np.zeros((len(arrays), max(lengths), *spec.shape), spec.dtype)
    for row, (array, length) in enumerate(zip(arrays, lengths, strict=True)):
        if array is not None:
            values[row, :length] = array
    return values, np.array(lengths, np.int64)


class Measured(Features):
    """What a preparation makes of an input before anything that it has learned matters."""


class Preparation:
    """Turns one input of a clip into one array; the same code in training and in use.

    Constructor arguments are the user's. What is learned from training data (a vocabulary, a feature
    width) arrives in `fit` and travels in `state`, so that a model file can restore it. `by` is what of a
    clip's `about` tells whose clips are to be `accustomed` to, if any. Where it `measures`, `fit` and
    `__call__` take what `measured` returns for the input.
    """

    by: str | None = None
    measures: ClassVar[bool] = False

    def fit(self, inputs: Iterable[Input | Lazy]) -> None:
        """Learn from the training clips' inputs; most preparations have nothing to learn."""

    def accustomed(self, inputs: Iterable[Input | Lazy]) -> Preparation:
        """Return the preparation for other clips of those, a person's for example, whose inputs these are."""
        return self

    def measured(self, value: Input | Lazy) -> Measured:
        """Return what takes long to make and depends on nothing that is learned."""
        raise NotImplementedError

    @property
    def spec(self) -> InputSpec:
        """Describe the arrays that `__call__` returns; valid after `fit` or `restore`."""
        raise NotImplementedError

    def __call__(self, value: Input | Lazy) -> Array:
        """Return the prepared array, one item, time first. Raises InputError for unfit input."""
        raise NotImplementedError

    def state(self) -> dict[str, Any]:
        """Return what `fit` learned, as plain JSON values."""
        return {}

    def restore(self, state: dict[str, Any]) -> None:
        """Take back what `state` returned."""
