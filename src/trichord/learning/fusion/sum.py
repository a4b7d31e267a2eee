"""Fusion by addition."""

from __future__ import annotations

from torch import Tensor

from trichord.learning.fusion.fusion import FrameFusion


class Sum(FrameFusion):
    """Adds the streams' vectors; of log-probabilities in late fusion this is the product rule.

    Kittler et al., "On combining classifiers", 1998.
    """

    def join(self, values: Tensor, present: Tensor) -> Tensor:
        return values.sum(2)
