"""One Transformer layer over tokens of which any may be missing."""

from __future__ import annotations

from typing import Annotated, TypeAlias

from pydantic import Field
from torch import Tensor, nn

from trichord.learning.attention import attended, split
from trichord.learning.dropout import Dropout
from trichord.learning.fusion.frame_attention import dividing

Heads: TypeAlias = Annotated[int, Field(ge=1, le=64)]


class Block(nn.Module):
    """Self-attention, then a feed-forward network: two residual steps, normalised first.

    Vaswani et al., "Attention is all you need", 2017. There must be at least one token, and one that is
    present, or attention would have nothing to look at: the caller puts learned ones before the rest.
    """

    def __init__(self, dim: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.heads, self.dropout = dividing(heads, dim), dropout
        self.norm = nn.LayerNorm(dim)
        self.ask = nn.Linear(dim, 3 * dim)  # queries, keys and values in one product
        self.out = nn.Linear(dim, dim)
        self.think = thinking(dim, dropout)
        self.drop = Dropout(dropout)

    def forward(self, tokens: Tensor, present: Tensor) -> Tensor:
        """Return `tokens (batch, tokens, dim)` changed; those not `present (batch, tokens)` tell nothing."""
        q, k, v = (split(part, self.heads) for part in self.ask(self.norm(tokens)).chunk(3, -1))
        told = attended(q, k, v, present[:, None, None, :], self.dropout if self.training else 0.0)
        tokens = tokens + self.drop(self.out(told.transpose(1, 2).flatten(2)))
        return tokens + self.drop(self.think(tokens))


def thinking(dim: int, dropout: float) -> nn.Sequential:
    """Create the feed-forward half of a layer: LayerNorm, then four times the width and back."""
    return nn.Sequential(
        nn.LayerNorm(dim), nn.Linear(dim, 4 * dim), nn.GELU(), Dropout(dropout), nn.Linear(4 * dim, dim)
    )
