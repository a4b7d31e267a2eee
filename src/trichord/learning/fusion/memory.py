"""Fusion by a memory that watches how the streams change together."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from trichord.learning.dropout import Dropout, DropoutShare
from trichord.learning.fusion.fusion import FrameFusion
from trichord.learning.fusion.shares import shares


class Memory(FrameFusion):
    """One LSTM per stream, attention over what they hold now and held a step ago, and a memory of that.

    The memory fusion network of Zadeh et al., "Memory fusion network for multi-view sequential learning",
    2018, which never looks ahead, with three changes that keep time out of Python. The delta-memory attention
    looks at the LSTMs' outputs, not their cells, and its softmax, which is over all their numbers, is
    multiplied by how many there are. The multi-view gated memory u = g1 u + g2 tanh(..) is an LSTM, whose
    forget and input gates are g1 and g2 and whose cell is u: its gates see what is read from the memory. A
    stream that is absent at a frame holds nothing there.

    dropout: share of the attended numbers that is dropped while learning.
    """

    def __init__(self, dropout: DropoutShare = 0.1) -> None:
        super().__init__()
        self.dropout = dropout

    def build_join(self, streams: int, dim: int) -> None:
        both = 2 * streams * dim  # what all LSTMs hold, before and now
        self.listen = nn.ModuleList(nn.LSTM(dim, dim, batch_first=True) for _ in range(streams))
        self.attend = nn.Sequential(nn.Linear(both, dim), nn.ReLU(), nn.Linear(dim, both))
        self.drop = Dropout(self.dropout)
        self.remember = nn.LSTM(both, dim, batch_first=True)
        self.out = nn.Linear((streams + 1) * dim, dim)

    def join(self, values: Tensor, present: Tensor) -> Tensor:
        held = torch.stack([listen(values[:, :, i])[0] for i, listen in enumerate(self.listen)], 2)
        held = torch.where(present[..., None], held, 0.0).flatten(2)  # (batch, time, streams * dim)
        there = present.repeat_interleave(values.shape[3], 2)
        memory, _ = self.remember(self.drop(self.attended(with_last(held), with_last(there))))
        return self.out(torch.cat([held, memory], 2))

    def attended(self, held: Tensor, there: Tensor) -> Tensor:
        """Return `held (batch, time, numbers)` by the attention paid to each; on average by one."""
        return held * shares(self.attend(held), there, 2) * there.sum(2, keepdim=True)


def with_last(x: Tensor) -> Tensor:
    """`(batch, time, width)` -> `(batch, time, 2 * width)`: the step before, and this one."""
    return torch.cat([F.pad(x, (0, 0, 1, 0))[:, :-1], x], 2)
