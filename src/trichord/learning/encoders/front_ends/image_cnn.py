"""A small residual network that reads pictures, or the frames of a video one by one."""

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

GRID = 4


class ImageCnn(FrontEnd):
    """Residual blocks per frame, then the last map averaged to at most 4 x 4 cells and flattened.

    `frames (batch, time, height, width[, 3])`, grey or RGB, become `(batch, time, width)`.

    channels: of the first convolution and of each residual block after it, all at stride 2.
    """

    takes: ClassVar[tuple[str, ...]] = ("frames",)

    def __init__(self, channels: Channels = (32, 64, 128)) -> None:
        super().__init__()
        self.channels = channels

    def build(self, spec: InputSpec) -> None:
        first = self.channels[0]
        self.pixels = Pixels(spec)
        self.start = nn.Conv2d(self.pixels.channels, first, 5, stride=2, padding=2, bias=False)
        self.norm = group_norm(first)
        self.blocks = nn.Sequential(*(Residual(a, b, stride=2) for a, b in pairwise(self.channels)))
        size = ceil_halved((spec.shape[0], spec.shape[1]), strides=len(self.channels))
        self.cell = (-(-size[0] // GRID), -(-size[1] // GRID))
        cells = -(-size[0] // self.cell[0]) * -(-size[1] // self.cell[1])
        self.width, self.rate = self.channels[-1] * cells, spec.rate

    def fit(self, arrays: Iterable[Array]) -> None:
        self.pixels.fit(arrays)

    def forward(self, values: Tensor, lengths: Tensor) -> Stream:
        pixels = self.pixels(values, lengths)  # (batch, time, channels, height, width)
        maps = self.blocks(F.relu(self.norm(self.start(pixels.flatten(0, 1)))))
        cells = F.avg_pool2d(maps, self.cell, ceil_mode=True)
        return Stream(cells.flatten(1).unflatten(0, pixels.shape[:2]), lengths, self.rate)
