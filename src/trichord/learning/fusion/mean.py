"""Fusion by averaging."""

from __future__ import annotations

from torch import Tensor

from trichord.learning.fusion.fusion import FrameFusion


class Mean(FrameFusion):
    """Averages the vectors of the streams that are present, so that an absent one changes no scale.

    Kittler et al., "On combining classifiers", 1998.
    """

    def join(self, values: Tensor, present: Tensor) -> Tensor:
        return values.sum(2) / present.sum(2, keepdim=True).clamp(min=1)
