"""Fusion by messages over a graph of streams and frames."""

from __future__ import annotations

from typing import Annotated

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from trichord.learning.dropout import Dropout, DropoutShare
from trichord.learning.fusion.fusion import FrameFusion


class Graph(FrameFusion):
    """Every stream at every frame is a node, which hears the other streams there and its neighbours in time.

    The graph of Hu et al., "MMGCN: multimodal fusion via deep graph convolution network for emotion
    recognition in conversation", 2021, with its time edges cut to `reach`, and messages by relation: of each
    kind of edge the mean, each kind with its own weights (Schlichtkrull et al., "Modeling relational data
    with graph convolutional networks", 2018), added to the node. At the end the nodes present at a frame
    are averaged.

    layers: how often messages pass; a frame hears others up to `layers` times `reach` away.
    reach: how many frames to either side are neighbours; with 0 nothing passes over time.
    dropout: share of what each layer adds that is dropped while learning.
    """

    def __init__(
        self,
        layers: Annotated[int, Field(ge=1, le=24)] = 2,
        reach: Annotated[int, Field(ge=0, le=100)] = 4,
        dropout: DropoutShare = 0.1,
    ) -> None:
        super().__init__()
        self.layers, self.reach, self.dropout = layers, reach, dropout

    def build_join(self, streams: int, dim: int) -> None:
        self.origin = nn.Parameter(torch.randn(streams, dim) * 0.02)
        self.pass_on = nn.ModuleList(Messages(dim, self.reach, self.dropout) for _ in range(self.layers))

    def join(self, values: Tensor, present: Tensor) -> Tensor:
        there = present[..., None].to(values.dtype)  # (batch, time, streams, 1)
        nodes = values + self.origin
        for layer in self.pass_on:
            nodes = layer(nodes, there)
        return (nodes * there).sum(2) / there.sum(2).clamp(min=1)


class Messages(nn.Module):
    """Messages pass once along all edges; the nodes are normalised first."""

    def __init__(self, dim: int, reach: int, dropout: float) -> None:
        super().__init__()
        self.reach = reach
        self.norm = nn.LayerNorm(dim)
        self.weigh = nn.Linear(3 * dim, dim)  # of the node itself, over streams, and over time
        self.out = nn.Linear(dim, dim)
        self.drop = Dropout(dropout)

    def forward(self, nodes: Tensor, there: Tensor) -> Tensor:
        """Return `nodes (batch, time, streams, dim)` with what they heard; `there` is 1 where a node is."""
        # A last column of ones makes every sum of nodes count them, too.
        told = torch.cat([self.norm(nodes), torch.ones_like(there)], 3) * there
        heard = (told[..., :-1], mean(told.sum(2, keepdim=True) - told), mean(self.near(told) - told))
        return nodes + self.drop(self.out(self.weigh(torch.cat(heard, 3)).relu()))

    def near(self, told: Tensor) -> Tensor:
        """Return the sum over the frames within reach, each node itself included."""
        window = 2 * self.reach + 1
        rows = told.permute(0, 2, 3, 1).flatten(0, 1)  # (batch * streams, dim + 1, time)
        sums = F.avg_pool1d(rows, window, stride=1, padding=self.reach) * window
        return sums.unflatten(0, (-1, told.shape[2])).permute(0, 3, 1, 2)


def mean(total: Tensor) -> Tensor:
    """Divide a sum of nodes by their number, which stands in its last column; zeros where there are none."""
    count = total[..., -1:].round()  # pooling leaves it a little off a whole number
    return torch.where(count > 0, total[..., :-1] / count.clamp(min=1), 0.0)
