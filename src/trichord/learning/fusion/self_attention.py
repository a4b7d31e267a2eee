"""Fusion by self-attention over all tokens of all streams."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

import torch
from pydantic import Field
from torch import nn

from trichord.learning.dropout import DropoutShare
from trichord.learning.fusion.block import Block, Heads
from trichord.learning.fusion.fusion import Fusion, projected, projections
from trichord.learning.fusion.mean import Mean
from trichord.learning.fusion.position import with_position
from trichord.learning.stream import Shape, Stream


class SelfAttention(Fusion):
    """Lays the steps of all streams end to end, and lets every one ask every other, its own stream included.

    One joint sequence with a learned vector per stream, as in Li et al., "VisualBERT", 2019, and Kim et al.,
    "ViLT: vision-and-language transformer without convolution or region supervision", 2021; a learned token
    leads it. Then each stream's steps go back to their own times, and the streams present at a frame are
    averaged.

    layers: Transformer layers over the joint sequence.
    heads: attention heads; at most this many, the most that divide the width.
    dropout: share of what each layer adds that is dropped while learning.
    """

    def __init__(
        self,
        layers: Annotated[int, Field(ge=1, le=24)] = 2,
        heads: Heads = 4,
        dropout: DropoutShare = 0.1,
    ) -> None:
        super().__init__()
        self.layers, self.heads, self.dropout = layers, heads, dropout

    def build(self, streams: Mapping[str, Shape], dim: int) -> None:
        self.project = projections(streams, dim)
        self.lead = nn.Parameter(torch.randn(1, dim) * 0.02)
        self.origin = nn.ParameterDict({name: nn.Parameter(torch.randn(dim) * 0.02) for name in streams})
        self.blocks = nn.ModuleList(Block(dim, self.heads, self.dropout) for _ in range(self.layers))
        self.meet = Mean()
        self.meet.build({name: Shape(dim, shape.rate) for name, shape in streams.items()}, dim)

    def forward(self, streams: Mapping[str, Stream]) -> Stream:
        placed = {name: with_position(stream) for name, stream in projected(streams, self.project).items()}
        lead = self.lead.expand(next(iter(placed.values())).values.shape[0], 1, -1)
        steps = [stream.values + self.origin[name] for name, stream in placed.items()]
        tokens = torch.cat([lead, *steps], 1)  # (batch, 1 + the sum of all times, dim)
        led = torch.ones_like(lead[..., 0], dtype=torch.bool)
        present = torch.cat([led, *(stream.mask for stream in placed.values())], 1)
        for block in self.blocks:
            tokens = block(tokens, present)
        parts = tokens[:, 1:].split([stream.values.shape[1] for stream in placed.values()], 1)
        heard = zip(placed.items(), parts, strict=True)
        return self.meet({name: stream._replace(values=part) for (name, stream), part in heard})
