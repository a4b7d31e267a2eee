"""Fusion by attention over the streams at each frame."""

from __future__ import annotations

from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor, nn

from trichord.learning.fusion.fusion import FrameFusion
from trichord.learning.fusion.shares import each, shares


class FrameAttention(FrameFusion):
    """Asks, at each frame, which stream to listen to: attention over the streams, with a learned query.

    After the modality attention of Zhou et al., "Modality attention for end-to-end audio-visual speech
    recognition", 2019, with a key per stream, and several heads.

    heads: how many queries, each over its part of the width; at most this many, the most that divide it.
    """

    def __init__(self, heads: Annotated[int, Field(ge=1, le=64)] = 4) -> None:
        super().__init__()
        self.heads = heads

    def build_join(self, streams: int, dim: int) -> None:
        heads = dividing(self.heads, dim)
        self.query = nn.Parameter(torch.randn(heads, dim // heads) * (dim // heads) ** -0.5)
        self.key = nn.ModuleList(nn.Linear(dim, dim) for _ in range(streams))
        self.value = nn.ModuleList(nn.Linear(dim, dim) for _ in range(streams))

    def join(self, values: Tensor, present: Tensor) -> Tensor:
        keys = each(self.key, values).unflatten(3, self.query.shape)
        told = each(self.value, values).unflatten(3, self.query.shape)
        scores = (keys * self.query).sum(-1)  # (batch, time, streams, heads)
        weights = shares(scores, present[..., None], 2)
        return (weights[..., None] * told).sum(2).flatten(2)


def dividing(heads: int, dim: int) -> int:
    """Return the most heads, at most `heads`, that divide `dim`: logits have any width."""
    return next(count for count in range(min(heads, dim), 0, -1) if dim % count == 0)
