"""Standardisation by statistics of the training data."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn

SMALLEST_DEVIATION = 1e-6


class Normaliser(nn.Module):
    """Subtracts a mean and divides by a deviation, one per column; the identity until it is fitted.

    The statistics are the training data's, never an utterance's, so that streaming equals offline.
    """

    mean: Tensor
    deviation: Tensor

    def __init__(self, width: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(width))
        self.register_buffer("deviation", torch.ones(width))

    def fit(self, parts: Iterable[Tensor]) -> None:
        """Measure over parts `(rows, width)`, one at a time; a column that never varies keeps deviation 1."""
        count = 0
        total = squares = torch.zeros(len(self.mean), dtype=torch.float64)
        for part in parts:
            rows = part.double().cpu()
            count += len(rows)
            total, squares = total + rows.sum(0), squares + rows.square().sum(0)
        if not count:
            return
        mean = total / count
        deviation = (squares / count - mean.square()).clamp(min=0).sqrt()
        varies = deviation > SMALLEST_DEVIATION * (1 + mean.abs())
        self.mean.copy_(mean)
        self.deviation.copy_(torch.where(varies, deviation, 1.0))

    def forward(self, values: Tensor) -> Tensor:
        return (values - self.mean) / self.deviation
