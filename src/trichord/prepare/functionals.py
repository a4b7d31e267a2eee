"""A stretch of features summed up in one step."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from trichord.clip import Features, Input, Lazy
from trichord.prepare.array import ReadyArray
from trichord.prepare.inputs import loaded
from trichord.prepare.preparation import Array, Measured

Columns = NDArray[np.float64]


class Functionals(ReadyArray):
    """Statistics of each column over the whole clip, as one step without a clock.

    The functionals of paralinguistics (Eyben et al., "openSMILE", 2010): how long the clip is; each column's
    mean, deviation, quantiles, slope and curvature; where its largest value stands; how fast it changes, up
    and down; how many peaks it has; and its course about its mean, at evenly spaced points.

    quantiles: how many, evenly spaced from the least value to the largest.
    points: of the course.
    normalise: bring each statistic to mean 0 and standard deviation 1, as measured on the training clips.
    by: whose own clips these are measured on instead, a key of `about` such as speaker.
    """

    measures: ClassVar[bool] = True

    def __init__(
        self,
        quantiles: Annotated[int, Field(ge=2, le=101)] = 11,
        points: Annotated[int, Field(ge=0, le=256)] = 16,
        normalise: bool = True,
        by: str | None = None,
    ) -> None:
        super().__init__(normalise, by)
        self.quantiles, self.points = quantiles, points

    def fit(self, inputs: Iterable[Input | Lazy]) -> None:
        super().fit(self.summed_up(value) for value in inputs)

    def __call__(self, value: Input | Lazy) -> Array:
        return super().__call__(self.summed_up(value))

    def summed_up(self, value: Input | Lazy) -> Measured:
        return value if isinstance(value, Measured) else self.measured(value)

    def measured(self, value: Input | Lazy) -> Measured:
        """Return one step of statistics; of no steps, none."""
        values = loaded(value, Features).values.astype(np.float64)
        return Measured(functionals(values, self.quantiles, self.points).astype(np.float32))


def functionals(values: Columns, quantiles: int = 11, points: int = 16) -> Columns:
    """Return the statistics of `values (time, columns)`, `(1, width)`; `(0, width)` where time is 0."""
    if not len(values):
        return functionals(np.zeros((1, values.shape[1])), quantiles, points)[:0]
    parts = [moments(values), np.quantile(values, np.linspace(0, 1, quantiles), axis=0),
             changes(values), course(values, points)]  # fmt: skip
    statistics = np.concatenate(parts).T.ravel()  # column by column
    return np.concatenate([[len(values)], statistics])[None]


def moments(values: Columns) -> Columns:
    """Return mean, deviation, slope, curvature and place of the maximum, `(5, columns)`; time is -1 to 1."""
    time = np.linspace(-1, 1, len(values)) if len(values) > 1 else np.zeros(1)
    powers = np.stack([np.ones_like(time), time, time**2], 1)
    fitted = np.linalg.lstsq(powers, values, rcond=None)[0]  # (3, columns)
    return np.stack([values.mean(0), values.std(0), fitted[1], fitted[2], time[values.argmax(0)]])


def changes(values: Columns) -> Columns:
    """Return mean size, deviation, largest rise and fall from step to step, and the share of peaks."""
    steps = np.diff(values, axis=0, prepend=values[:1])
    peaks = (steps[:-1] > 0) & (steps[1:] < 0)
    share = peaks.mean(0) if len(peaks) else np.zeros(values.shape[1])
    return np.stack([np.abs(steps).mean(0), steps.std(0), steps.max(0), steps.min(0), share])


def course(values: Columns, points: int) -> Columns:
    """Return the columns at evenly spaced points, less their means, `(points, columns)`."""
    places = np.linspace(0, len(values) - 1, points)
    before = np.floor(places).astype(int)
    after = np.minimum(before + 1, len(values) - 1)
    share = (places - before)[:, None]
    centred = values - values.mean(0)
    result: Columns = centred[before] * (1 - share) + centred[after] * share
    return result
