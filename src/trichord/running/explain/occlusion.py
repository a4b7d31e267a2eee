"""What each moment did: blank a window of one stream, and see how much less probable the answer becomes.

Zeiler and Fergus: Visualizing and understanding convolutional networks. ECCV 2014, section 4.2.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from trichord.decoding import Value
from trichord.errors import InputError
from trichord.prepare.preparation import Array
from trichord.running.explain.worth import ROWS, Runs, worths

MAX_WINDOWS = 500


@dataclass(frozen=True, slots=True)
class Curve:
    """One stream's importance over time.

    `times`, float `(windows,)`: each window's centre, in seconds. `drop`, float `(windows,)`: nats by which
    blanking it lowers the answer's log-probability; below zero where it had spoken against the answer.
    """

    times: NDArray[np.float64]
    drop: NDArray[np.float64]


def occlude(
    model: Runs,
    inputs: Mapping[str, Array],
    answers: Mapping[str, Value],
    full: Mapping[str, Array],
    *,
    window: float = 0.4,
    step: float = 0.1,
) -> dict[str, Curve]:
    """Return a curve for every present stream that has a clock; `window` and `step` in seconds.

    Raises InputError where they are not above zero or give too many windows.
    """
    if not (window > 0 and step > 0):
        raise InputError(f"window and step must be above 0 s; got {window} and {step}")
    (whole,) = worths(model, [inputs], answers, full)
    curves = {}
    for name, array in inputs.items():
        rate = model.metadata.streams[name].input.rate
        if rate is not None and len(array):
            times = window_centres(len(array) / rate, step)
            curves[name] = Curve(times, whole - occluded(model, inputs, name, times, window, answers, full))
    return curves


def window_centres(seconds: float, step: float) -> NDArray[np.float64]:
    count = max(round(seconds / step), 1)
    if count > MAX_WINDOWS:
        raise InputError(
            f"{count} windows; at most {MAX_WINDOWS}: choose a step of {seconds / MAX_WINDOWS:.2g} s"
        )
    return (np.arange(count) + 0.5) * seconds / count


def occluded(
    model: Runs,
    inputs: Mapping[str, Array],
    name: str,
    times: NDArray[np.float64],
    window: float,
    answers: Mapping[str, Value],
    full: Mapping[str, Array],
) -> NDArray[np.float64]:
    """Return the answers' worth with stream `name` blanked around each of `times`, `(windows,)`."""
    spec = model.metadata.streams[name].input.spec
    rest = 0 if spec.kind == "samples" else inputs[name].mean(0).astype(spec.dtype)
    found: list[float] = []
    for start in range(0, len(times), ROWS):
        variants = []
        for centre in times[start : start + ROWS]:
            blanked = inputs[name].copy()
            first, last = ((centre + side * window / 2) * (spec.rate or 1) for side in (-1, 1))
            blanked[max(round(first), 0) : round(last)] = rest
            variants.append({**inputs, name: blanked})
        found += worths(model, variants, answers, full)
    return np.array(found)
