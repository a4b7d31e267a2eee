"""Fusion by the questions of one stream."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Annotated

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from trichord.learning.attention import Attention
from trichord.learning.dropout import Dropout, DropoutShare
from trichord.learning.fusion.block import Heads, thinking
from trichord.learning.fusion.cross_attention import with_null
from trichord.learning.fusion.frame_attention import dividing
from trichord.learning.fusion.fusion import Fusion, projected, projections
from trichord.learning.stream import Shape, Stream

UNSEEN = -1e9
LEANS = (4.0, 400.0)
"""Of the first head and the last: how much less is seen of the other end of a stream, in nats."""


class Ask(Fusion):
    """The steps of one stream are the timeline, and each asks the whole of every other stream.

    So a prompt asks a voice how each of its phones was said, and an answer has a step for each of them. What
    is asked is answered in order: each head of attention looks mainly at the same share of the other stream,
    more or less strictly, which is learned (after Tachibana et al., Efficiently trainable text-to-speech
    system based on deep convolutional networks with guided attention, 2018). A learned null step stands
    before what is asked, so that a stream with nothing to say can be heard as such; without a step that asks,
    an item has no answer.

    stream: which one asks; by default the first without a clock, or the first of all.
    layers: times that it asks.
    heads: attention heads; at most this many, the most that divide the width.
    dropout: share of what each layer adds that is dropped while learning.
    """

    def __init__(
        self,
        stream: str | None = None,
        layers: Annotated[int, Field(ge=1, le=24)] = 1,
        heads: Heads = 4,
        dropout: DropoutShare = 0.1,
    ) -> None:
        super().__init__()
        self.stream, self.layers, self.heads, self.dropout = stream, layers, heads, dropout

    def build(self, streams: Mapping[str, Shape], dim: int) -> None:
        if self.stream is not None and self.stream not in streams:
            raise ValueError(f"fusion ask: no stream {self.stream!r}; there are {', '.join(streams)}")
        unclocked = [name for name, shape in streams.items() if shape.rate is None]
        self.asking = self.stream or next(iter([*unclocked, *streams]))
        self.project = projections(streams, dim)
        others = [name for name in streams if name != self.asking]
        self.null = nn.ParameterDict({name: nn.Parameter(torch.randn(dim) * 0.02) for name in others})
        heads = dividing(self.heads, dim)
        self.rounds = nn.ModuleList(Round(others, dim, heads, self.dropout) for _ in range(self.layers))

    def forward(self, streams: Mapping[str, Stream]) -> Stream:
        placed = projected(streams, self.project)
        told = {name: with_null(placed[name], null) for name, null in self.null.items()}
        asking = placed[self.asking]
        # One step more, for attention fails where there is none to ask.
        asking = asking._replace(values=F.pad(asking.values, (0, 0, 0, 1)))
        for layer in self.rounds:
            asking = layer(asking, told)
        return asking._replace(values=asking.values[:, :-1]).cleared()


class Round(nn.Module):
    """One stream asks each of the others, then thinks: two residual steps, normalised first."""

    def __init__(self, others: Sequence[str], dim: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.before = nn.LayerNorm(dim)
        self.told = nn.ModuleDict({name: nn.LayerNorm(dim) for name in others})
        self.attend = nn.ModuleDict({name: InOrder(dim, heads) for name in others})
        self.think = thinking(dim, dropout)
        self.drop = Dropout(dropout)

    def forward(self, stream: Stream, others: Mapping[str, Stream]) -> Stream:
        """Return the stream with what the others told added; the shape stays."""
        values, asking = stream.values, stream._replace(values=self.before(stream.values))
        for name, other in others.items():
            normed = other._replace(values=self.told[name](other.values))
            values = values + self.drop(self.attend[name](asking, normed))
        return stream._replace(values=values + self.drop(self.think(values)))


class InOrder(nn.Module):
    """Attention to a stream behind its null step, that leans to the same share of it."""

    def __init__(self, dim: int, heads: int) -> None:
        super().__init__()
        self.attention = Attention(dim, heads)
        self.lean = nn.Parameter(torch.linspace(math.log(LEANS[0]), math.log(LEANS[1]), heads))

    def forward(self, asking: Stream, told: Stream) -> Tensor:
        """Return `(batch, time, dim)`: each step of `asking` asks the whole of `told`."""
        apart = shares(asking)[:, None, :, None] - shares(told, null=1)[:, None, None, :]
        bias = -self.lean.exp()[:, None, None] * apart.square()  # (batch, heads, time, told time)
        null = torch.arange(told.values.shape[1], device=bias.device) == 0
        bias = torch.where(told.mask[:, None, None, :], torch.where(null, 0.0, bias), UNSEEN)
        attention = self.attention
        return attention.ask(asking.values, attention.known(told.values), bias.to(asking.values.dtype))


def shares(stream: Stream, null: int = 0) -> Tensor:
    """Return where the middle of each step lies, `(batch, time)`: from 0 to 1, behind so many null steps."""
    steps = torch.arange(stream.values.shape[1], device=stream.lengths.device) - null
    return (steps[None, :] + 0.5) / (stream.lengths - null).clamp(min=1)[:, None]
