"""Arrays made of an input, and then treated as ready ones."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from trichord.clip import Features, Input, Lazy
from trichord.prepare.array import ReadyArray
from trichord.prepare.preparation import Array, Measured


class MeasuredArray(ReadyArray):
    """An array that `measured` makes of an input, normalised as a ready one.

    Subclasses define `measured`, and `clock` where the steps have one, in Hz.
    """

    measures: ClassVar[bool] = True
    clock: float | None = None

    def fit(self, inputs: Iterable[Input | Lazy]) -> None:
        super().fit(self.made(value) for value in inputs)

    def __call__(self, value: Input | Lazy) -> Array:
        return super().__call__(self.made(value))

    def made(self, value: Input | Lazy) -> Features:
        """Return what is made of an input, or of what was measured of it already."""
        measured = value if isinstance(value, Measured) else self.measured(value)
        return Features(measured.values, self.clock)
