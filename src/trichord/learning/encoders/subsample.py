"""The step down from a front end's frames to the model's rate and width."""

from __future__ import annotations

from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from trichord.learning.memory import Memory
from trichord.learning.stream import Stream, mask_of

FACTORS = (1, 2, 4, 8)


class StepDown(nn.Module):
    """What brings a front end's frames to the model's rate, by `factor`, and width.

    Raises ValueError for a factor other than 1, 2, 4 and 8.
    """

    def __init__(self, factor: int) -> None:
        super().__init__()
        if factor not in FACTORS:
            raise ValueError(f"subsample must be 1, 2, 4 or 8; got {factor}")
        self.factor, self.halvings = factor, FACTORS.index(factor)

    def forward(self, stream: Stream, memory: Memory | None = None) -> Stream:
        """Return `(batch, time, dim)`, one step at least; behind what a memory holds, where there is one."""
        raise NotImplementedError


class Subsample(StepDown):
    """Brings `(batch, time, width_in)` to `(batch, ceil(time / factor), dim)`, at the rate over `factor`.

    Factor 1 is a linear layer; each doubling is a convolution of kernel 3 and stride 2. The output always
    has at least one step, so that no layer after it meets a time of zero. Raises ValueError for a factor
    other than 1, 2, 4 and 8.
    """

    def __init__(self, width_in: int, dim: int, factor: int = 1) -> None:
        super().__init__(factor)
        widths = [width_in] + [dim] * self.halvings
        self.steps = nn.ModuleList(
            nn.Conv1d(width, dim, kernel_size=3, stride=2, padding=1) for width in widths[:-1]
        )
        self.project = nn.Linear(widths[-1], dim)
        self.norm = nn.LayerNorm(dim)

    def forward(self, stream: Stream, memory: Memory | None = None) -> Stream:
        stream = stream._replace(values=at_least(1, stream.values)).cleared()
        for step in self.steps:
            stream = halved(step, stream, memory)
        rate = None if stream.rate is None else stream.rate / self.factor
        return Stream(self.norm(self.project(stream.values)), stream.lengths, rate)


class SpectralSubsample(StepDown):
    """The same step for frames of neighbouring bands: each doubling convolves time and frequency together.

    As the Conformer's front (Gulati et al., 2020): 3 x 3 convolutions of stride 2, so that a formant that
    moves looks alike wherever it is. Raises ValueError for a factor other than 2, 4 and 8.
    """

    def __init__(self, bands: int, dim: int, factor: int, channels: int = 32) -> None:
        if factor not in FACTORS[1:]:
            raise ValueError(f"subsample must be 2, 4 or 8; got {factor}")
        super().__init__(factor)
        widths = [1] + [channels] * self.halvings
        self.steps = nn.ModuleList(
            nn.Conv2d(width, after, kernel_size=3, stride=2, padding=1) for width, after in pairwise(widths)
        )
        self.project = nn.Linear(channels * -(-bands // factor), dim)
        self.norm = nn.LayerNorm(dim)

    def forward(self, stream: Stream, memory: Memory | None = None) -> Stream:
        stream = stream._replace(values=at_least(1, stream.values)).cleared()
        maps, lengths = stream.values[:, None], stream.lengths  # (batch, channels, time, bands)
        for step in self.steps:
            maps = F.silu(step(maps) if memory is None else behind(step, maps, memory))
            lengths = half(lengths)
            maps = cleared(maps, lengths)
        frames = maps.transpose(1, 2).flatten(2)
        rate = None if stream.rate is None else stream.rate / self.factor
        return Stream(self.norm(self.project(frames)), lengths, rate)


def behind(step: nn.Module, values: Tensor, memory: Memory) -> Tensor:
    """Apply a convolution of stride 2 that pads by 1 to `values (batch, channels, time, ...)`.

    An output sees two steps and the one before them: of the first, that is the last of the memory's. So a
    convolution that looks both ways is causal all the same, for blocks of an even number of steps.
    """
    joined = memory.join(values.transpose(1, 2), 1).transpose(1, 2)
    joined = F.pad(joined, (0, 0) * (values.ndim - 3) + (0, 1))  # read where the number is odd: at an end
    if isinstance(step, nn.Conv2d):
        return F.conv2d(joined, step.weight, step.bias, stride=2, padding=(0, 1))
    assert isinstance(step, nn.Conv1d)
    return F.conv1d(joined, step.weight, step.bias, stride=2)


def halved(step: nn.Module, stream: Stream, memory: Memory | None = None) -> Stream:
    """Apply a convolution of stride 2 that pads by 1; zeros past each length stay zeros."""
    values = stream.values.transpose(1, 2)
    values = F.silu(step(values) if memory is None else behind(step, values, memory)).transpose(1, 2)
    return stream._replace(values=values, lengths=half(stream.lengths)).cleared()


def half(lengths: Tensor) -> Tensor:
    """Return lengths after a convolution of stride 2 that pads by 1."""
    return torch.div(lengths + 1, 2, rounding_mode="floor")


def cleared(maps: Tensor, lengths: Tensor) -> Tensor:
    """Return `maps (batch, channels, time, bands)` with zeros past each length."""
    return torch.where(mask_of(lengths, maps[:, 0])[:, None, :, None], maps, 0.0)


def at_least(steps: int, values: Tensor) -> Tensor:
    """Pad `values (batch, time, ...)` with zeros at the end of time, up to so many steps."""
    missing = torch.sym_max(steps - values.shape[1], 0)
    return F.pad(values, (0, 0) * (values.ndim - 2) + (0, missing))
