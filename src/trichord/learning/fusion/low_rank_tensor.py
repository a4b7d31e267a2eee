"""Fusion by the outer product of all streams, without ever making it."""

from __future__ import annotations

from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor, nn

from trichord.learning.fusion.fusion import FrameFusion


class LowRankTensor(FrameFusion):
    """Tensor fusion whose weights are a sum of `rank` products of one factor per stream.

    Liu et al., "Efficient low-rank multimodal fusion with modality-specific factors", 2018: each stream's
    [x; 1] is multiplied by its own factors and the results by one another, so that the cost grows with the
    number of streams and not as its power. Of an absent stream only the constant's row of the factors is
    left, and that row starts at one: at first an absent stream changes nothing.

    rank: how many products are summed.
    """

    def __init__(self, rank: Annotated[int, Field(ge=1, le=256)] = 8) -> None:
        super().__init__()
        self.rank = rank

    def build_join(self, streams: int, dim: int) -> None:
        self.factor = nn.ModuleList(nn.Linear(dim, self.rank * dim) for _ in range(streams))
        for layer in self.factor:
            nn.init.ones_(layer.bias)  # type: ignore[arg-type]
        self.weight = nn.Parameter(torch.randn(self.rank) * self.rank**-0.5)
        self.bias = nn.Parameter(torch.zeros(dim))

    def join(self, values: Tensor, present: Tensor) -> Tensor:
        first, *others = (layer(values[:, :, i]) for i, layer in enumerate(self.factor))
        for other in others:
            first = first * other  # (batch, time, dim * rank)
        return first.unflatten(2, (-1, self.rank)) @ self.weight + self.bias
