"""The visual front end of lip reading."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from typing import Annotated, ClassVar

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from trichord.learning.encoders.front_ends.front_end import FrontEnd
from trichord.learning.encoders.front_ends.pixels import Channels, Pixels, ceil_halved, group_norm
from trichord.learning.stream import Stream
from trichord.prepare.preparation import Array, InputSpec

FIRST_STRIDE = 4


class LipStem(FrontEnd):
    """Each frame with its neighbours as channels, then strided convolutions; where things are is kept.

    `frames (batch, time, height, width)`, grey or RGB, become `(batch, time, width)`: the last map,
    flattened and not averaged, because speech is in the lips' shape. The early fusion of Chung and
    Zisserman, "Lip reading in the wild" (2016), with GroupNorm for BatchNorm and a first stride of 4.

    channels: of the first convolution, 7 x 7, and of each after it, 3 x 3 at stride 2.
    window: frames that one step sees, an odd number.
    """

    takes: ClassVar[tuple[str, ...]] = ("frames",)

    def __init__(
        self, channels: Channels = (32, 64, 96, 128), window: Annotated[int, Field(ge=1, le=15)] = 5
    ) -> None:
        super().__init__()
        if window % 2 == 0:
            raise ValueError(f"window must be an odd number of frames, to have a middle; got {window}")
        self.channels = channels
        self.window = window

    def build(self, spec: InputSpec) -> None:
        self.pixels = Pixels(spec)
        stack = self.window * self.pixels.channels
        self.start = strided(stack, self.channels[0], kernel=7, stride=FIRST_STRIDE)
        self.steps = nn.Sequential(*(strided(a, b, kernel=3, stride=2) for a, b in pairwise(self.channels)))
        height, width = ceil_halved((spec.shape[0], spec.shape[1]), strides=len(self.channels) + 1)
        self.width, self.rate = self.channels[-1] * height * width, spec.rate

    def fit(self, arrays: Iterable[Array]) -> None:
        self.pixels.fit(arrays)

    def forward(self, values: Tensor, lengths: Tensor) -> Stream:
        pixels = self.pixels(values, lengths)  # (batch, time, channels, height, width)
        maps = self.steps(self.start(self.stacked(pixels).flatten(0, 1)))
        return Stream(maps.flatten(1).unflatten(0, pixels.shape[:2]), lengths, self.rate)

    def stacked(self, pixels: Tensor) -> Tensor:
        """Return `(batch, time, window * channels, height, width)`; beyond the ends all is zero."""
        time, reach = pixels.shape[1], self.window // 2
        padded = F.pad(pixels, (0, 0) * 3 + (reach, reach))
        return torch.cat([padded[:, offset : offset + time] for offset in range(self.window)], 2)


def strided(channels_in: int, channels: int, *, kernel: int, stride: int) -> nn.Sequential:
    """Return a convolution to `(frames, channels, height / stride, width / stride)`, rounded up."""
    convolution = nn.Conv2d(channels_in, channels, kernel, stride, padding=kernel // 2, bias=False)
    return nn.Sequential(convolution, group_norm(channels), nn.ReLU())
