"""What each part of an input did, in a run folder's model: integrated gradients.

Sundararajan, Taly and Yan: Axiomatic attribution for deep networks. ICML 2017. The path from a baseline that
says nothing to the input is straight, all streams at once, where the gradient can enter:

- sound, at its front end's frames, from those of digital silence: a fade-in that is straight in dB. At the
  samples themselves almost all of the path's integral would lie in the last millionth before silence,
  because of the logarithm, and no practical number of steps would find it;
- pictures, at the pixels, from a plain picture in the clip's mean colour;
- tokens, at their vectors, from the zero vector;
- ready features, as the encoder receives them, from zero: the training mean, unless both their preparation
  and their front end were told not to normalise.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from trichord.decoding import Value
from trichord.errors import InputError
from trichord.learning.batch import Item, collate
from trichord.learning.log_probability import answer_log_probability
from trichord.learning.model import Inputs, Model
from trichord.learning.stream import Stream
from trichord.prepare.preparation import Array, InputSpec

MAX_CELLS = 1 << 23
"""Numbers of all streams, over the points of the path that run as one batch."""
NODES = 8
"""Points of a panel of the path."""
MOST_TIMES = 8
"""How many times the points that were asked for are spent, at most, where the path is rough."""
TOLERANCE = 0.005
"""By how much of the whole the sum may miss before panels are halved."""

Points: TypeAlias = Mapping[str, Tensor]  # by stream: where the gradient enters, (1, steps, ...)


@dataclass(frozen=True, slots=True)
class Gradients:
    """What each part of each present stream added to the answers' log-probability, in nats.

    `nats`, by stream, float32: `(frames, bands)` of sound, `(frames, height, width[, 3])` of pictures,
    `(tokens,)`, `(steps, dim)` of ready features. `rates`: steps per second of each, None without a clock.
    `full`, `baseline`: the log-probability at both ends of the path; all of `nats` sum to their difference.
    """

    nats: Mapping[str, NDArray[np.float32]]
    rates: Mapping[str, float | None]
    full: float
    baseline: float

    @property
    def error(self) -> float:
        """By how much the sum misses `full - baseline`, in nats: more steps make it smaller."""
        total = sum(float(nats.sum(dtype=np.float64)) for nats in self.nats.values())
        return abs(total - (self.full - self.baseline))


def integrated_gradients(
    model: Model,
    specs: Mapping[str, InputSpec],
    heads: Mapping[str, Mapping[str, Any]],
    inputs: Mapping[str, Array],
    answers: Mapping[str, Value],
    *,
    steps: int = 64,
) -> Gradients:
    """Return the integrated gradients of the summed log-probability of `answers`, by head.

    `heads` holds the heads' metadata, `inputs` one clip's prepared arrays; `steps` points of Gauss-Legendre
    quadrature lie on the path, and up to eight times as many where it is rough; `Gradients.error` says what
    the sum still misses. The log-probability is that of `trichord.decoding.log_probability`, for CTC
    over all paths. A head that has nothing to say of the clip is left out.
    Raises InputError for fewer than one step, and for an answer that is none of its head's.
    """
    if steps < 1:
        raise InputError(f"integrated gradients need at least one step; got {steps}")
    present = {name: array for name, array in inputs.items() if len(array)}
    batch = collate([Item("clip", present)], specs).inputs
    begin, end, rates = ends_of(model, specs, batch, present)

    def worth(points: Points) -> Tensor:
        return log_worth(model, heads, answers, batch, points, specs)

    with torch.no_grad():
        baseline, full = float(worth(begin)), float(worth(end))
    nats = {}
    for name, values in integral(worth, begin, end, steps).items():
        length = len(present[name]) if specs[name].kind != "samples" else values.shape[1]
        kept = values[0, :length]  # front ends pad what is short
        nats[name] = (kept.sum(-1) if specs[name].kind == "tokens" else kept).numpy()
    return Gradients(nats, rates, full, baseline)


def ends_of(
    model: Model, specs: Mapping[str, InputSpec], batch: Inputs, present: Mapping[str, Array]
) -> tuple[dict[str, Tensor], dict[str, Tensor], dict[str, float | None]]:
    """Return, by present stream, both ends of the path and the rate of its steps."""
    begin, end, rates = {}, {}, {}
    with torch.no_grad():
        for name in present:
            (values, lengths), spec = batch[name], specs[name]
            if spec.kind == "frames":
                end[name], rates[name] = values.float(), spec.rate
                begin[name] = end[name].mean((1, 2, 3), keepdim=True).expand_as(end[name])
                continue
            front = model.encoders[name].front
            end[name], _, rates[name] = front(values, lengths)
            silent = spec.kind == "samples"
            begin[name] = front(torch.zeros_like(values), lengths).values if silent else end[name] * 0.0
    return begin, end, rates


def integral(worth: Callable[[Points], Tensor], begin: Points, end: Points, steps: int) -> dict[str, Tensor]:
    """Return the integral of the gradient along the path, times the way, by stream `(1, steps, ...)`.

    The path is cut into panels. What each must add up to is known, the difference of the worth at its ends,
    so a panel that misses it is halved: a network that normalises jumps where a picture only just appears.
    """
    way = {name: end[name] - begin[name] for name in end}
    total = {name: torch.zeros_like(part) for name, part in way.items()}

    def at(shares: Tensor) -> dict[str, Tensor]:
        return {name: begin[name] + along(shares, part) * part for name, part in way.items()}

    def height(share: float) -> float:
        with torch.no_grad():
            return float(worth(at(torch.tensor([share]))))

    first = max(1, -(-steps // NODES))
    allowed = TOLERANCE * (1 + abs(height(1.0) - height(0.0))) / first
    panels = [(number / first, (number + 1) / first) for number in range(first)]
    left = MOST_TIMES * first
    while panels:
        low, high = panels.pop()
        found = panel(worth, at, way, low, high, min(NODES, steps))
        left -= 1
        missed = sum(float(part.sum(dtype=torch.float64)) for part in found.values()) - (
            height(high) - height(low)
        )
        if abs(missed) > allowed and left > len(panels) + 1:
            panels += [(low, (low + high) / 2), ((low + high) / 2, high)]
            continue
        for name, part in found.items():
            total[name] += part
    return total


def panel(
    worth: Callable[[Points], Tensor], at: Callable[[Tensor], dict[str, Tensor]], way: Points,
    low: float, high: float, nodes: int,
) -> dict[str, Tensor]:  # fmt: skip
    """Return a panel's part of the integral, by Gauss-Legendre quadrature."""
    places, weights = np.polynomial.legendre.leggauss(nodes)
    shares = torch.from_numpy(low + (high - low) * (places + 1) / 2).float()
    weight = torch.from_numpy(weights * (high - low) / 2).float()
    found = {name: torch.zeros_like(part) for name, part in way.items()}
    rows = max(1, min(nodes, MAX_CELLS // max(1, sum(part.numel() for part in way.values()))))
    for row in range(0, nodes, rows):
        points = {name: part.requires_grad_() for name, part in at(shares[row : row + rows]).items()}
        value = worth(points).sum()
        if not value.requires_grad:  # nothing is answered, or nothing is there
            return found
        slopes = torch.autograd.grad(value, list(points.values()), allow_unused=True)
        for (name, part), slope in zip(way.items(), slopes, strict=True):
            if slope is not None:  # a stream that the answers do not depend on has none
                found[name] += (slope * along(weight[row : row + rows], part)).sum(0, keepdim=True) * part
    return found


def along(values: Tensor, part: Tensor) -> Tensor:
    """Return `values (rows,)` so that they multiply the rows of anything that has as many axes as `part`."""
    return values.reshape(-1, *[1] * (part.ndim - 1))


def log_worth(
    model: Model,
    heads: Mapping[str, Mapping[str, Any]],
    answers: Mapping[str, Value],
    batch: Inputs,
    points: Points,
    specs: Mapping[str, InputSpec],
) -> Tensor:
    """Return the answers' summed log-probability at each row of `points`, `(rows,)`."""
    rows = max((len(part) for part in points.values()), default=1)
    inputs = {name: (values.expand(rows, *values.shape[1:]), lengths.expand(rows))
              for name, (values, lengths) in batch.items()}  # fmt: skip
    inputs |= {name: (points[name], inputs[name][1]) for name in points if specs[name].kind == "frames"}

    def change(name: str, frames: Stream) -> Stream:
        entered = name in points and specs[name].kind != "frames"
        return frames._replace(values=points[name]) if entered else frames

    logits = model(inputs, change).logits
    total = torch.zeros(rows)
    for name, answer in answers.items():
        if int(logits[name].lengths[0]):
            total = total + answer_log_probability(heads[name], logits[name], answer)
    return total
