"""Fusion by concatenation."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from trichord.learning.fusion.fusion import FrameFusion


class Concat(FrameFusion):
    """Puts the streams' vectors side by side and mixes them with one linear layer.

    Where a stream is absent a vector stands in for it, learned for that stream, so that "absent" and
    "zero" stay apart (the feature-level fusion of Ngiam et al., "Multimodal deep learning", 2011).
    """

    def build_join(self, streams: int, dim: int) -> None:
        self.absent = nn.Parameter(torch.zeros(streams, dim))
        self.mix = nn.Linear(streams * dim, dim)

    def join(self, values: Tensor, present: Tensor) -> Tensor:
        filled = torch.where(present[..., None], values, self.absent)  # (batch, time, streams, dim)
        return self.mix(filled.flatten(2))
