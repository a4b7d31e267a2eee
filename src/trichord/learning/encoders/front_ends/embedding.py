"""Tokens as vectors."""

from __future__ import annotations

from typing import Annotated, ClassVar

import torch
from pydantic import Field
from torch import Tensor, nn

from trichord.errors import RecipeError
from trichord.learning.attention import angles
from trichord.learning.encoders.front_ends.front_end import FrontEnd
from trichord.learning.encoders.subsample import at_least
from trichord.learning.stream import Stream, mask_of
from trichord.prepare.preparation import InputSpec


class Embedding(FrontEnd):
    """One learned vector per token: `tokens (batch, time)` become `(batch, time, width)`.

    width: size of a vector.
    positions: whether sinusoidal positions are added (Vaswani et al., 2017).
    """

    takes: ClassVar[tuple[str, ...]] = ("tokens",)

    def __init__(self, width: Annotated[int, Field(ge=1, le=8192)] = 128, positions: bool = True) -> None:
        super().__init__()
        self.width = width
        self.positions = positions

    def build(self, spec: InputSpec) -> None:
        if spec.vocabulary < 1:
            raise RecipeError("an embedding needs a vocabulary; the preparation gives none, so fit it first")
        self.rate = spec.rate
        self.table = nn.Embedding(spec.vocabulary, self.width)

    def forward(self, values: Tensor, lengths: Tensor) -> Stream:
        tokens = at_least(1, torch.where(mask_of(lengths, values), values, 0))
        vectors = self.table(tokens)
        if self.positions:
            vectors = vectors + sinusoids(tokens.shape[1], self.width, tokens.device)
        return Stream(vectors, lengths, self.rate)


def sinusoids(time: int, dim: int, device: torch.device) -> Tensor:
    """Return absolute positions `(time, dim)`: sines, then cosines."""
    turns = angles(time, (dim + 1) // 2, device)
    return torch.cat([turns.sin(), turns.cos()], -1)[:, :dim]
