"""Fusion through a few tokens that all streams share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor, nn

from trichord.learning.dropout import DropoutShare
from trichord.learning.fusion.block import Block, Heads
from trichord.learning.fusion.fusion import Fusion, projected, projections
from trichord.learning.fusion.mean import Mean
from trichord.learning.fusion.position import with_position
from trichord.learning.stream import Shape, Stream


class Bottleneck(Fusion):
    """Every stream attends to itself and to a few shared tokens, through which alone streams hear each other.

    Nagrani et al., "Attention bottlenecks for multimodal fusion", 2021: in each layer every stream has its
    own weights and changes its own copy of the tokens, and the next layer takes the mean of those copies,
    here over the streams that are present. At the end the streams present at a frame are averaged.

    tokens: how many are shared.
    layers: layers per stream; two at least, for what a token hears in one layer it tells in the next.
    heads: attention heads; at most this many, the most that divide the width.
    dropout: share of what each layer adds that is dropped while learning.
    """

    def __init__(
        self,
        tokens: Annotated[int, Field(ge=1, le=256)] = 4,
        layers: Annotated[int, Field(ge=2, le=24)] = 2,
        heads: Heads = 4,
        dropout: DropoutShare = 0.1,
    ) -> None:
        super().__init__()
        self.tokens, self.layers, self.heads, self.dropout = tokens, layers, heads, dropout

    def build(self, streams: Mapping[str, Shape], dim: int) -> None:
        self.project = projections(streams, dim)
        self.shared = nn.Parameter(torch.randn(self.tokens, dim) * 0.02)
        self.rounds = nn.ModuleList(
            Round(list(streams), dim, self.heads, self.dropout) for _ in range(self.layers)
        )
        self.meet = Mean()
        self.meet.build({name: Shape(dim, shape.rate) for name, shape in streams.items()}, dim)

    def forward(self, streams: Mapping[str, Stream]) -> Stream:
        placed = {name: with_position(stream) for name, stream in projected(streams, self.project).items()}
        return self.meet(self.exchange(placed))

    def exchange(self, streams: Mapping[str, Stream]) -> Mapping[str, Stream]:
        """Return streams of width `dim` after all layers; the shapes stay."""
        batch = next(iter(streams.values())).values.shape[0]
        shared = self.shared.expand(batch, -1, -1)  # (batch, tokens, dim)
        for again in self.rounds:
            streams, shared = again(streams, shared)
        return streams


class Round(nn.Module):
    """Every stream attends once to itself and to the shared tokens."""

    def __init__(self, names: Sequence[str], dim: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.attend = nn.ModuleDict({name: Block(dim, heads, dropout) for name in names})

    def forward(self, streams: Mapping[str, Stream], shared: Tensor) -> tuple[dict[str, Stream], Tensor]:
        """Return the streams and `shared (batch, tokens, dim)`, changed by one another; the shapes stay."""
        count, heard, copies = shared.shape[1], {}, []
        for name, stream in streams.items():
            led = Stream(torch.cat([shared, stream.values], 1), stream.lengths + count)
            changed = self.attend[name](led.values, led.mask)
            copies.append(changed[:, :count])
            heard[name] = stream._replace(values=changed[:, count:])
        return heard, agreed(torch.stack(copies), streams)


def agreed(copies: Tensor, streams: Mapping[str, Stream]) -> Tensor:
    """Return the mean of `copies (streams, batch, tokens, dim)` over the streams that are present."""
    present = torch.stack([stream.lengths > 0 for stream in streams.values()])[..., None, None]
    return torch.where(present, copies, 0.0).sum(0) / present.sum(0).clamp(min=1)
