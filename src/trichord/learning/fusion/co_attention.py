"""Fusion by attention of pairs of streams to each other at once."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from trichord.learning.dropout import Dropout, DropoutShare
from trichord.learning.fusion.fusion import Fusion, projected, projections
from trichord.learning.fusion.mean import Mean
from trichord.learning.fusion.position import with_position
from trichord.learning.fusion.shares import shares
from trichord.learning.stream import Shape, Stream


class CoAttention(Fusion):
    """Compares each step of one stream with each step of another, and lets both streams hear by the result.

    The parallel co-attention of Lu et al., "Hierarchical question-image co-attention for visual question
    answering", 2016: C = tanh(Q' W V), H_v = tanh(W_v V + W_q Q C), H_q = tanh(W_q Q + W_v V C'); a stream's
    answer is the mean of its steps by the shares softmax(w' H). Here every pair of streams has a C, whose
    product is divided by the root of the width, and what is heard by the other's length. Frames are
    kept: each is the mean of its streams' x + W H, to which the sum of the answers is added.

    dropout: share of H that is dropped while learning.
    """

    def __init__(self, dropout: DropoutShare = 0.1) -> None:
        super().__init__()
        self.dropout = dropout

    def build(self, streams: Mapping[str, Shape], dim: int) -> None:
        self.project = projections(streams, dim)
        self.pairs = list(combinations(streams, 2))
        self.affinity = nn.ModuleList(nn.Linear(dim, dim, bias=False) for _ in self.pairs)
        self.hidden = nn.ModuleDict({name: nn.Linear(dim, dim) for name in streams})
        self.score = nn.ModuleDict({name: nn.Linear(dim, 1) for name in streams})
        self.out = nn.ModuleDict({name: nn.Linear(dim, dim) for name in streams})
        self.answer = nn.Linear(dim, dim)
        self.drop = Dropout(self.dropout)
        self.meet = Mean()
        self.meet.build({name: Shape(dim, shape.rate) for name, shape in streams.items()}, dim)

    def forward(self, streams: Mapping[str, Stream]) -> Stream:
        # ONNX Runtime cannot multiply at time zero: each stream has one step more while they are compared.
        placed = {name: longer(with_position(s)) for name, s in projected(streams, self.project).items()}
        hidden = {name: self.drop(heard.tanh()) for name, heard in self.heard(placed).items()}
        answers = torch.stack([self.summary(name, placed[name], hidden[name]) for name in placed]).sum(0)
        frames = {name: stream._replace(values=(stream.values + self.out[name](hidden[name]))[:, :-1])
                  for name, stream in placed.items()}  # fmt: skip
        fused = self.meet(frames)
        return fused._replace(values=fused.values + self.answer(answers)[:, None]).cleared()

    def heard(self, streams: Mapping[str, Stream]) -> dict[str, Tensor]:
        """Return what each stream's steps and those of all others say there, `(batch, time, dim)` each."""
        own = {name: self.hidden[name](stream.values) for name, stream in streams.items()}
        heard = dict(own)
        for (a, b), weigh in zip(self.pairs, self.affinity, strict=True):
            affinity = affinities(weigh(streams[a].values), streams[b].values)
            heard[a] = heard[a] + affinity @ own[b] / counted(streams[b])
            heard[b] = heard[b] + affinity.transpose(1, 2) @ own[a] / counted(streams[a])
        return heard

    def summary(self, name: str, stream: Stream, hidden: Tensor) -> Tensor:
        """Return the mean of a stream's steps by their shares, `(batch, dim)`; zero where it is absent."""
        return (shares(self.score[name](hidden), stream.mask[..., None], 1) * stream.values).sum(1)


def affinities(a: Tensor, b: Tensor) -> Tensor:
    """Return `(batch, time a, time b)` within ±1, zero wherever either is zero."""
    return (a @ b.transpose(1, 2) * a.shape[-1] ** -0.5).tanh()


def longer(stream: Stream) -> Stream:
    """Clear a stream and append one step that is not there."""
    return stream._replace(values=F.pad(stream.cleared().values, (0, 0, 0, 1)))


def counted(stream: Stream) -> Tensor:
    """Return each item's length, one at least, `(batch, 1, 1)`."""
    return stream.lengths.clamp(min=1)[:, None, None]
