"""Fusion by one learned weight per stream."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from trichord.learning.fusion.fusion import FrameFusion
from trichord.learning.fusion.shares import shares


class Weights(FrameFusion):
    """Averages the streams with one learned weight each, renormalised over those that are present.

    The weights are a softmax and equal at first: the stream weights of audio-visual speech recognition
    (Potamianos et al., "Recent advances in the automatic recognition of audiovisual speech", 2003), learned.
    """

    def build_join(self, streams: int, dim: int) -> None:
        self.score = nn.Parameter(torch.zeros(streams))

    def join(self, values: Tensor, present: Tensor) -> Tensor:
        weights = shares(self.score.expand(present.shape), present, 2)  # (batch, time, streams)
        return (weights[..., None] * values).sum(2)
