"""Fusion in which one stream decides what is done to another."""

from __future__ import annotations

from itertools import combinations
from typing import Annotated

from pydantic import Field
from torch import Tensor, nn

from trichord.learning.fusion.fusion import FrameFusion


class Multiplicative(FrameFusion):
    """Lets streams multiply: f(x, z) = z' W x + U z + V x + b, frame by frame.

    Jayakumar et al., "Multiplicative interactions and where to find them", 2020; read as a hypernetwork, z
    makes the matrix z' W + V that is applied to x. For more than two streams there is one W for every
    pair, in which the later stream is z, brought to `width` numbers, and one linear term for every stream.
    An absent stream drops out of all its terms.

    width: how many numbers of the stream z make the matrix.
    """

    def __init__(self, width: Annotated[int, Field(ge=1, le=256)] = 16) -> None:
        super().__init__()
        self.width = width

    def build_join(self, streams: int, dim: int) -> None:
        self.pairs = list(combinations(range(streams), 2))
        self.context = nn.ModuleList(nn.Linear(dim, self.width, bias=False) for _ in range(streams - 1))
        self.make = nn.ModuleList(nn.Linear(self.width * dim, dim, bias=False) for _ in self.pairs)
        self.direct = nn.Linear(streams * dim, dim)

    def join(self, values: Tensor, present: Tensor) -> Tensor:
        contexts = [layer(values[:, :, i]) for i, layer in enumerate(self.context, 1)]
        joined = self.direct(values.flatten(2))
        for (x, z), make in zip(self.pairs, self.make, strict=True):
            products = contexts[z - 1][..., None] * values[:, :, x, None]  # (batch, time, width, dim)
            joined = joined + make(products.flatten(2))
        return joined
