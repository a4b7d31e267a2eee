"""Ready features as a model takes them."""

from __future__ import annotations

import copy
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trichord.clip import Features, Input, Lazy
from trichord.errors import ArtifactError, InputError
from trichord.prepare.inputs import loaded
from trichord.prepare.preparation import Array, InputSpec, Preparation, share_of

LEAST_DEVIATION = 1e-5


class ReadyArray(Preparation):
    """A ready array, float32 `(time, dim)`; width and rate are those of the first in training.

    normalise: bring each column to mean 0 and standard deviation 1, as measured on the training clips.
    by: whose own clips these are measured on instead, a key of `about` such as speaker; see `accustomed`.
    """

    def __init__(self, normalise: bool = True, by: str | None = None) -> None:
        self.normalise, self.by = normalise, by
        self._known = False
        self._rate: float | None = None
        self._mean: NDArray[np.float64] = np.zeros(0)
        self._deviation: NDArray[np.float64] = np.ones(0)

    def fit(self, inputs: Iterable[Input | Lazy]) -> None:
        """Learn the width, the rate, and each column's mean and deviation.

        One pass, joining each clip's moments to those before (Chan, Golub and LeVeque, 1979).
        """
        count, mean, squares = 0, np.zeros(0), np.zeros(0)
        for position, value in enumerate(inputs):
            features = loaded(value, Features)
            if position == 0:
                self._rate, mean = features.rate, np.zeros(features.values.shape[1])
                squares = mean.copy()
            check_same(features, len(mean), self._rate)
            values = features.values.astype(np.float64)
            if not len(values):
                continue
            shift = values.mean(0) - mean
            count, before = count + len(values), count
            squares = (
                squares + ((values - values.mean(0)) ** 2).sum(0) + shift**2 * before * len(values) / count
            )
            mean = mean + shift * len(values) / count
        if not count:
            raise InputError("no training clip has such features; check the stream's 'from'")
        deviation = np.sqrt(squares / count)
        self._mean, self._deviation = mean, np.where(deviation < LEAST_DEVIATION, 1.0, deviation)
        self._known = True

    def accustomed(self, inputs: Iterable[Input | Lazy]) -> ReadyArray:
        """Return the preparation with mean and deviation of these clips, which need no labels.

        What is known of all training clips counts as 16 clips beside them, as a prior does (J.-L. Gauvain and
        C.-H. Lee, Maximum a Posteriori Estimation for Multivariate Gaussian Mixture Observations, 1994).
        """
        own, known = copy.copy(self), list(inputs)
        own.fit(known)
        share = share_of(len(known))
        mean = share * own._mean + (1 - share) * self._mean
        squares = share * (own._deviation**2 + own._mean**2)
        squares += (1 - share) * (self._deviation**2 + self._mean**2)
        own._mean, own._deviation = mean, np.sqrt(np.maximum(squares - mean**2, LEAST_DEVIATION**2))
        return own

    @property
    def spec(self) -> InputSpec:
        if not self._known:
            raise InputError("the width is not known yet: call fit with training features, or restore")
        return InputSpec("array", self._rate, (len(self._mean),))

    def __call__(self, value: Input | Lazy) -> Array:
        features, spec = loaded(value, Features), self.spec
        check_same(features, spec.shape[0], spec.rate)
        if not self.normalise:
            return features.values
        return ((features.values - self._mean) / self._deviation).astype(np.float32)

    def state(self) -> dict[str, Any]:
        return {"rate": self._rate, "mean": self._mean.tolist(), "deviation": self._deviation.tolist()}

    def restore(self, state: dict[str, Any]) -> None:
        try:
            mean, deviation = (np.array(state[name], np.float64) for name in ("mean", "deviation"))
            rate = None if state["rate"] is None else float(state["rate"])
        except (KeyError, TypeError, ValueError) as error:
            raise ArtifactError("an array's state needs 'rate', 'mean' and 'deviation', numbers") from error
        sound = np.isfinite(mean).all() and (deviation > 0).all() and np.isfinite(deviation).all()
        if mean.ndim != 1 or mean.shape != deviation.shape or not sound:
            raise ArtifactError("an array's state needs as many finite means as positive deviations")
        self._mean, self._deviation, self._rate, self._known = mean, deviation, rate, True


def check_same(features: Features, dim: int, rate: float | None) -> None:
    """Raise InputError unless features have the width and the rate of the training clips."""
    if features.values.shape[1] != dim:
        raise InputError(f"features are {features.values.shape[1]} wide; the training clips' are {dim}")
    if features.rate != rate:
        raise InputError(f"features have a rate of {features.rate} Hz; the training clips' have {rate}")
