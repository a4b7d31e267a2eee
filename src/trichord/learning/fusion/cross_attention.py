"""Fusion by attention between the streams, over time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from trichord.learning.attention import Attention
from trichord.learning.dropout import Dropout, DropoutShare
from trichord.learning.fusion.block import Heads, thinking
from trichord.learning.fusion.frame_attention import dividing
from trichord.learning.fusion.fusion import Fusion, projected, projections
from trichord.learning.fusion.gates import Gates
from trichord.learning.fusion.position import with_position
from trichord.learning.stream import Shape, Stream


class CrossAttention(Fusion):
    """Every stream asks all the others, over the whole of time; then gates join them frame by frame.

    After Tsai et al., "Multimodal Transformer for unaligned multimodal language sequences", 2019: each
    layer asks the others' own features. A learned null step stands before each stream, so that a stream
    with nothing to say can be heard as such.

    layers: crossmodal layers per stream.
    heads: attention heads; at most this many, the most that divide the width.
    dropout: share of what each layer adds that is dropped while learning.
    """

    def __init__(
        self,
        layers: Annotated[int, Field(ge=1, le=24)] = 1,
        heads: Heads = 4,
        dropout: DropoutShare = 0.1,
    ) -> None:
        super().__init__()
        self.layers, self.heads, self.dropout = layers, heads, dropout

    def build(self, streams: Mapping[str, Shape], dim: int) -> None:
        self.project = projections(streams, dim)
        self.null = nn.ParameterDict({name: nn.Parameter(torch.randn(dim) * 0.02) for name in streams})
        heads = dividing(self.heads, dim)
        self.cross = nn.ModuleList(
            CrossLayer(list(streams), dim, heads, self.dropout) for _ in range(self.layers)
        )
        self.meet = Gates()
        self.meet.build({name: Shape(dim, shape.rate) for name, shape in streams.items()}, dim)

    def forward(self, streams: Mapping[str, Stream]) -> Stream:
        placed = {name: with_position(stream) for name, stream in projected(streams, self.project).items()}
        told = {name: with_null(stream, self.null[name]) for name, stream in placed.items()}
        heard = placed
        for layer in self.cross:
            heard = layer(heard, told)
        return self.meet(heard)


class CrossLayer(nn.Module):
    """Every stream asks all the others once."""

    def __init__(self, names: Sequence[str], dim: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.listen = nn.ModuleDict({name: Listener(len(names) - 1, dim, heads, dropout) for name in names})

    def forward(self, streams: Mapping[str, Stream], told: Mapping[str, Stream]) -> dict[str, Stream]:
        """Return `streams` with what each heard of the others in `told` added; the shapes stay."""
        return {
            name: self.listen[name](stream, [told[other] for other in told if other != name])
            for name, stream in streams.items()
        }


class Listener(nn.Module):
    """One stream asks each of the others, then thinks: two residual steps, normalised first."""

    def __init__(self, others: int, dim: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.asking = nn.LayerNorm(dim)
        self.told = nn.ModuleList(nn.LayerNorm(dim) for _ in range(others))
        self.attend = nn.ModuleList(Attention(dim, heads, dropout) for _ in range(others))
        self.think = thinking(dim, dropout)
        self.drop = Dropout(dropout)

    def forward(self, stream: Stream, others: Sequence[Stream]) -> Stream:
        """Return the stream with what the others told added; the shape stays."""
        values, asking = stream.values, self.asking(stream.values)
        for attend, norm, other in zip(self.attend, self.told, others, strict=True):
            values = values + self.drop(attend(asking, other._replace(values=norm(other.values))))
        return stream._replace(values=values + self.drop(self.think(values)))


def with_null(stream: Stream, null: Tensor) -> Stream:
    """Put the learned vector `null (dim,)` before the first step; an absent stream then has length one."""
    values = F.pad(stream.values, (0, 0, 1, 0))  # (batch, time + 1, dim)
    first = torch.arange(values.shape[1], device=values.device)[:, None] == 0
    return Stream(torch.where(first, null, values), stream.lengths + 1, stream.rate)
