"""The visual front end of lip reading."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from typing import ClassVar

import torch.nn.functional as F
from torch import Tensor, nn

from trichord.learning.encoders.front_ends.front_end import FrontEnd
from trichord.learning.encoders.front_ends.pixels import Channels, Pixels, Residual, ceil_halved, group_norm
from trichord.learning.stream import Stream
from trichord.prepare.preparation import Array, InputSpec


class LipStem(FrontEnd):
    """A convolution over five frames, then residual ones per frame; where things are is kept.

    `frames (batch, time, height, width)`, grey or RGB, become `(batch, time, width)`: the last map,
    flattened and not averaged, because speech is in the lips' shape. After Stafylakis and Tzimiropoulos
    (2017), with a first stride of 4 in space: a clip of 75 crops of 48 x 96 trains in about 30 ms.

    channels: of the first convolution and of each residual block after it, every block at stride 2.
    """

    takes: ClassVar[tuple[str, ...]] = ("frames",)

    def __init__(self, channels: Channels = (16, 32, 64)) -> None:
        super().__init__()
        self.channels = channels

    def build(self, spec: InputSpec) -> None:
        first = self.channels[0]
        self.pixels = Pixels(spec)
        self.over_time = nn.Conv3d(self.pixels.channels, first, (5, 7, 7), (1, 4, 4), (2, 3, 3), bias=False)
        self.norm = group_norm(first)
        self.blocks = nn.Sequential(*(Residual(a, b, stride=2) for a, b in pairwise(self.channels)))
        height, width = ceil_halved((spec.shape[0], spec.shape[1]), strides=len(self.channels) + 1)
        self.width, self.rate = self.channels[-1] * height * width, spec.rate

    def fit(self, arrays: Iterable[Array]) -> None:
        self.pixels.fit(arrays)

    def forward(self, values: Tensor, lengths: Tensor) -> Stream:
        pixels = self.pixels(values, lengths)  # (batch, time, channels, height, width)
        seen = self.over_time(pixels.transpose(1, 2)).transpose(1, 2)
        maps = self.blocks(F.relu(self.norm(seen.flatten(0, 1))))  # (batch * time, channels, height, width)
        return Stream(maps.flatten(1).unflatten(0, seen.shape[:2]), lengths, self.rate)
