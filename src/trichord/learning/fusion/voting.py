"""Fusion by soft voting."""

from __future__ import annotations

import torch
from torch import Tensor

from trichord.learning.fusion.fusion import FrameFusion


class Voting(FrameFusion):
    """Averages the probabilities that the streams give, and returns their logarithm.

    The sum rule of Kittler et al., "On combining classifiers", 1998: log mean softmax(logits), over the
    streams that are present; its largest value is the vote. Meant for late fusion of the logits of
    classifiers and CTC; a head with a single output has nothing to vote on.
    """

    def join(self, values: Tensor, present: Tensor) -> Tensor:
        lowest = torch.finfo(values.dtype).min  # not -inf, whose difference to itself is NaN
        opinions = torch.where(present[..., None], values.log_softmax(3), lowest)
        votes = present.sum(2, keepdim=True)  # (batch, time, 1)
        return torch.where(votes > 0, opinions.logsumexp(2) - votes.clamp(min=1).log(), 0.0)
