"""The Conformer encoder."""

from __future__ import annotations

from typing import Annotated

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from trichord.errors import RecipeError
from trichord.learning.dropout import Dropout, DropoutShare
from trichord.learning.encoders.cnn import Layers, odd
from trichord.learning.encoders.encoder import Chunk, Encoder
from trichord.learning.encoders.front_ends import AnyFrontEnd
from trichord.learning.encoders.transformer import FeedForward, Heads, SelfAttention
from trichord.learning.memory import Memory, Sight
from trichord.learning.stream import Stream

LIMITED_SHARE = 0.5  # of the batches, that a causal one learns from in chunks


class Conformer(Encoder):
    """Conformer layers (Gulati et al., 2020): half a feed-forward, attention, convolution, the other half.

    LayerNorm stands where the paper has BatchNorm, so that no item of a batch changes another; positions
    are rotary.

    A causal one hears a stream in chunks: convolutions look back only, attention looks within the chunk and
    some way back. Learning with the whole clip at hand in half of the batches, and in chunks in the others,
    makes one set of weights for both (Zhang et al., Unified streaming and non-streaming two-pass end-to-end
    model for speech recognition, 2020).

    layers: how many.
    heads: attention heads; the width must be an even multiple of them.
    kernel: steps that the depthwise convolution sees, an odd number.
    expansion: width of the feed-forward layers, as a multiple of the stream's.
    dropout: share of values dropped in training.
    causal: whether it can hear a stream as it comes.
    chunk_ms: how much of a stream a causal one takes at once, in milliseconds, and so how long it waits.
    left_ms: how far back, in milliseconds, attention then looks.
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
        dropout: DropoutShare = 0.1,
        causal: bool = False,
        chunk_ms: Chunk = 640,
        left_ms: Annotated[float, Field(ge=0, le=60_000)] = 5120,
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
        self.causal = causal
        self.chunk_ms = chunk_ms
        self.left_ms = left_ms
        self.limited = False  # whether a causal one that has all at hand sees no more than in chunks

    def build_body(self, dim: int) -> None:
        self.blocks = nn.ModuleList(
            ConformerBlock(dim, self.heads, self.kernel, self.expansion, self.dropout, self.causal)
            for _ in range(self.layers)
        )

    def body(self, stream: Stream) -> Stream:
        for block in self.blocks:
            stream = block(stream)
        return stream

    def causal_body(self, stream: Stream, memory: Memory) -> Stream:
        if stream.rate is None:
            raise RecipeError("a causal conformer hears what has a clock; this stream has none")
        chunk, left = (round(ms / 1000 * stream.rate) for ms in (self.chunk_ms, self.left_ms))
        sight = Sight(max(1, chunk), left)
        limited = self.limited or (self.training and bool(torch.rand(()) < LIMITED_SHARE))
        for block in self.blocks:
            stream = block(stream, memory, sight, limited)
        return stream


class ConformerBlock(nn.Module):
    """One Conformer layer."""

    def __init__(
        self, dim: int, heads: int, kernel: int, expansion: int, dropout: float, causal: bool = False
    ) -> None:
        super().__init__()
        self.before = FeedForward(dim, expansion, dropout)
        self.attention = SelfAttention(dim, heads, dropout)
        self.convolution = ConvolutionModule(dim, kernel, dropout, causal)
        self.after = FeedForward(dim, expansion, dropout)
        self.norm = nn.LayerNorm(dim)

    def forward(
        self, stream: Stream, memory: Memory | None = None, sight: Sight | None = None, limited: bool = False
    ) -> Stream:
        stream = stream._replace(values=stream.values + self.before(stream.values) / 2)
        if memory is None or sight is None:
            seen = self.attention(stream)
        else:
            seen = self.attention.within(stream, memory, sight, limited=limited)
        stream = stream._replace(values=stream.values + seen)
        stream = stream._replace(values=stream.values + self.convolution(stream, memory))
        return stream._replace(values=self.norm(stream.values + self.after(stream.values) / 2))


class ConvolutionModule(nn.Module):
    """A gate, a depthwise convolution that sees nothing past a length, and a projection."""

    def __init__(self, dim: int, kernel: int, dropout: float, causal: bool) -> None:
        super().__init__()
        self.behind = kernel - 1
        self.norm = nn.LayerNorm(dim)
        self.gate = nn.Linear(dim, 2 * dim)
        self.depthwise = nn.Conv1d(dim, dim, kernel, padding=0 if causal else "same", groups=dim)
        self.depthwise_norm = nn.LayerNorm(dim)
        self.project = nn.Linear(dim, dim)
        self.dropout = Dropout(dropout)

    def forward(self, stream: Stream, memory: Memory | None = None) -> Tensor:
        """Return `(batch, time, dim)`."""
        gated = stream._replace(values=F.glu(self.gate(self.norm(stream.values)), -1)).cleared().values
        if memory is not None:
            gated = memory.join(gated, self.behind)
        seen = self.depthwise(gated.transpose(1, 2)).transpose(1, 2)
        return self.dropout(self.project(F.silu(self.depthwise_norm(seen))))
