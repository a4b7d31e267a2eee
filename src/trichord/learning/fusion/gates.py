"""Fusion by gates that depend on what is sensed."""

from __future__ import annotations

from torch import Tensor, nn

from trichord.learning.fusion.fusion import FrameFusion
from trichord.learning.fusion.shares import each, shares


class Gates(FrameFusion):
    """Lets every stream's hidden vector through a gate that sees all streams, one gate per dimension.

    The gated multimodal unit of Arevalo et al., "Gated multimodal units for information fusion", 2017:
    h_i = tanh(W_i x_i), h = sum z_i h_i. The gates z are a softmax over the streams that are present, which
    for two streams is the paper's z and 1 - z.
    """

    def build_join(self, streams: int, dim: int) -> None:
        self.hidden = nn.ModuleList(nn.Linear(dim, dim) for _ in range(streams))
        self.gate = nn.Linear(streams * dim, streams * dim)
        self.out = nn.Linear(dim, dim)  # logits of late fusion could not leave ±1 without it

    def join(self, values: Tensor, present: Tensor) -> Tensor:
        hidden = each(self.hidden, values).tanh()
        scores = self.gate(values.flatten(2)).unflatten(2, (len(self.hidden), -1))
        gates = shares(scores, present[..., None], 2)  # (batch, time, streams, dim)
        return self.out((gates * hidden).sum(2))
