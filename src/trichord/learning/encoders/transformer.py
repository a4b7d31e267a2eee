"""The Transformer encoder."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field
from torch import Tensor, nn

from trichord.learning.attention import Attention
from trichord.learning.dropout import Dropout, DropoutShare
from trichord.learning.encoders.cnn import Layers
from trichord.learning.encoders.encoder import Encoder
from trichord.learning.encoders.front_ends import AnyFrontEnd
from trichord.learning.memory import Memory, Sight
from trichord.learning.stream import Stream

Heads = Annotated[int, Field(ge=1, le=64)]


class Transformer(Encoder):
    """Pre-norm Transformer layers (Vaswani et al., 2017) with rotary positions (Su et al., 2021).

    layers: how many.
    heads: attention heads; the width must be an even multiple of them.
    expansion: width of the feed-forward layers, as a multiple of the stream's.
    dropout: share of values dropped in training.
    front_end: how raw input becomes frames; by default what suits the input.
    dim: width of the stream; by default the recipe's.
    subsample: frames per output step, 1, 2, 4 or 8; by default as many as bring the rate to the clock.
    """

    def __init__(
        self,
        layers: Layers = 3,
        heads: Heads = 4,
        expansion: Annotated[int, Field(ge=1, le=16)] = 4,
        dropout: DropoutShare = 0.1,
        front_end: AnyFrontEnd | None = None,
        dim: int | None = None,
        subsample: int | None = None,
    ) -> None:
        super().__init__(front_end, dim, subsample)
        self.layers = layers
        self.heads = heads
        self.expansion = expansion
        self.dropout = dropout

    def build_body(self, dim: int) -> None:
        self.blocks = nn.ModuleList(
            TransformerBlock(dim, self.heads, self.expansion, self.dropout) for _ in range(self.layers)
        )
        self.norm = nn.LayerNorm(dim)

    def body(self, stream: Stream) -> Stream:
        for block in self.blocks:
            stream = block(stream)
        return stream._replace(values=self.norm(stream.values))


class TransformerBlock(nn.Module):
    """Self-attention, then a feed-forward network, each after LayerNorm and beside a shortcut."""

    def __init__(self, dim: int, heads: int, expansion: int, dropout: float) -> None:
        super().__init__()
        self.attention = SelfAttention(dim, heads, dropout)
        self.feed_forward = FeedForward(dim, expansion, dropout)

    def forward(self, stream: Stream) -> Stream:
        stream = stream._replace(values=stream.values + self.attention(stream))
        return stream._replace(values=stream.values + self.feed_forward(stream.values))


class SelfAttention(nn.Module):
    """LayerNorm and rotary attention of a stream to itself; returns `(batch, time, dim)`."""

    def __init__(self, dim: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(dim)
        self.attention = Attention(dim, heads, dropout, rotary=True)
        self.dropout = Dropout(dropout)

    def forward(self, stream: Stream) -> Tensor:
        normed = stream._replace(values=self.norm(stream.values)).cleared()
        return self.dropout(self.attention(normed.values, normed))

    def within(self, stream: Stream, memory: Memory, sight: Sight, *, limited: bool) -> Tensor:
        """Return the same of a stream that is heard as it comes; see `Attention.within`."""
        normed = stream._replace(values=self.norm(stream.values)).cleared()
        return self.dropout(self.attention.within(normed, memory, sight, limited=limited))


class FeedForward(nn.Sequential):
    """LayerNorm and two linear layers with SiLU between, per step."""

    def __init__(self, dim: int, expansion: int, dropout: float) -> None:
        super().__init__(
            nn.LayerNorm(dim),
            nn.Linear(dim, dim * expansion),
            nn.SiLU(),
            Dropout(dropout),
            nn.Linear(dim * expansion, dim),
            Dropout(dropout),
        )
