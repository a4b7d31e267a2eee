"""The Conformer encoder."""

from __future__ import annotations

from typing import Annotated

import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from trichord.learning.encoders.cnn import Dropout, Layers, odd
from trichord.learning.encoders.encoder import Encoder
from trichord.learning.encoders.front_ends import AnyFrontEnd
from trichord.learning.encoders.transformer import FeedForward, Heads, SelfAttention
from trichord.learning.stream import Stream


class Conformer(Encoder):
    """Conformer layers (Gulati et al., 2020): half a feed-forward, attention, convolution, the other half.

    LayerNorm stands where the paper has BatchNorm, so that no item of a batch changes another; positions
    are rotary.

    layers: how many.
    heads: attention heads; the width must be an even multiple of them.
    kernel: steps that the depthwise convolution sees, an odd number.
    expansion: width of the feed-forward layers, as a multiple of the stream's.
    dropout: share of values dropped in training.
    front_end: how raw input becomes frames; by default what suits the input.
    dim: width of the stream; by default the recipe's.
    subsample: frames per output step, 1, 2, 4 or 8; by default as many as bring the rate to the clock.
    """

    def __init__(
        self,
        layers: Layers = 4,
        heads: Heads = 4,
        kernel: Annotated[int, Field(ge=1, le=255)] = 15,
        expansion: Annotated[int, Field(ge=1, le=16)] = 4,
        dropout: Dropout = 0.1,
        front_end: AnyFrontEnd | None = None,
        dim: int | None = None,
        subsample: int | None = None,
    ) -> None:
        super().__init__(front_end, dim, subsample)
        self.layers = layers
        self.heads = heads
        self.kernel = odd(kernel)
        self.expansion = expansion
        self.dropout = dropout

    def build_body(self, dim: int) -> None:
        self.blocks = nn.ModuleList(
            ConformerBlock(dim, self.heads, self.kernel, self.expansion, self.dropout)
            for _ in range(self.layers)
        )

    def body(self, stream: Stream) -> Stream:
        for block in self.blocks:
            stream = block(stream)
        return stream


class ConformerBlock(nn.Module):
    """One Conformer layer."""

    def __init__(self, dim: int, heads: int, kernel: int, expansion: int, dropout: float) -> None:
        super().__init__()
        self.before = FeedForward(dim, expansion, dropout)
        self.attention = SelfAttention(dim, heads, dropout)
        self.convolution = ConvolutionModule(dim, kernel, dropout)
        self.after = FeedForward(dim, expansion, dropout)
        self.norm = nn.LayerNorm(dim)

    def forward(self, stream: Stream) -> Stream:
        stream = stream._replace(values=stream.values + self.before(stream.values) / 2)
        stream = stream._replace(values=stream.values + self.attention(stream))
        stream = stream._replace(values=stream.values + self.convolution(stream))
        return stream._replace(values=self.norm(stream.values + self.after(stream.values) / 2))


class ConvolutionModule(nn.Module):
    """A gate, a depthwise convolution that sees nothing past a length, and a projection."""

    def __init__(self, dim: int, kernel: int, dropout: float) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(dim)
        self.gate = nn.Linear(dim, 2 * dim)
        self.depthwise = nn.Conv1d(dim, dim, kernel, padding="same", groups=dim)
        self.depthwise_norm = nn.LayerNorm(dim)
        self.project = nn.Linear(dim, dim)
        self.dropout = nn.Dropout(dropout)

    def forward(self, stream: Stream) -> Tensor:
        """Return `(batch, time, dim)`."""
        gated = stream._replace(values=F.glu(self.gate(self.norm(stream.values)), -1)).cleared()
        seen = self.depthwise(gated.values.transpose(1, 2)).transpose(1, 2)
        return self.dropout(self.project(F.silu(self.depthwise_norm(seen))))
