"""Fusion by the outer product of all streams."""

from __future__ import annotations

from typing import Annotated

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from trichord.errors import RecipeError
from trichord.learning.dropout import Dropout, DropoutShare
from trichord.learning.fusion.fusion import FrameFusion
from trichord.learning.fusion.shares import each

LARGEST = 100_000  # numbers in one frame's tensor


class TensorFusion(FrameFusion):
    """Multiplies every number of every stream with every number of all others, frame by frame.

    Zadeh et al., "Tensor fusion network for multimodal sentiment analysis", 2017: the outer product of
    [h; 1] over the streams, so that its parts are each stream alone, each pair, and so on; then one linear
    layer. An absent stream is [0; 1]. The tensor holds (width + 1) ** streams numbers.

    width: to how many numbers each stream is brought first.
    dropout: share of those numbers that is dropped while learning.
    """

    def __init__(self, width: Annotated[int, Field(ge=1, le=256)] = 16, dropout: DropoutShare = 0.1) -> None:
        super().__init__()
        self.width, self.dropout = width, dropout

    def build_join(self, streams: int, dim: int) -> None:
        size = (self.width + 1) ** streams
        if size > LARGEST:
            raise RecipeError(
                f"tensor fusion of {streams} streams at width {self.width} has {size} numbers per frame, "
                f"{LARGEST} at most; take a smaller width, or low_rank_tensor"
            )
        self.narrow = nn.ModuleList(nn.Linear(dim, self.width) for _ in range(streams))
        self.drop = Dropout(self.dropout)
        self.mix = nn.Linear(size, dim)

    def join(self, values: Tensor, present: Tensor) -> Tensor:
        narrow = self.drop(each(self.narrow, values).relu())
        factors = F.pad(torch.where(present[..., None], narrow, 0.0), (0, 1), value=1.0)
        return self.mix(outer(factors))


def outer(factors: Tensor) -> Tensor:
    """Return `(batch, time, width ** streams)`, the last stream's index moving fastest.

    `factors (batch, time, streams, width)`.
    """
    product = factors[:, :, 0]
    for i in range(1, factors.shape[2]):
        product = (product[..., None] * factors[:, :, i, None]).flatten(2)
    return product
