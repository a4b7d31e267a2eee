"""Weighing heads by how uncertain their answers are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor, nn

from trichord.learning.batch import Batch
from trichord.learning.objectives.objective import Objective, Outputs, Surroundings


class Uncertainty(Objective):
    """Divides each head's loss by a learned variance, so that a noisier task counts less.

    Kendall, Gal and Cipolla, "Multi-task learning using uncertainty to weigh losses", 2018: with s the
    logarithm of the variance, a loss L becomes exp(-s) L + s / 2, and for numbers exp(-s) L / 2 + s / 2,
    which a squared error minimises where the variance is the error's own. A batch without any target of a
    head says nothing about its variance.

    speed: how many times faster than the model's weights s moves (under Adam, whose steps have one size).
    """

    def __init__(self, speed: Annotated[float, Field(gt=0, le=1000)] = 10.0) -> None:
        super().__init__()
        self.speed = speed

    def build(self, surroundings: Surroundings) -> None:
        kinds = {name: head.metadata()["kind"] for name, head in surroundings.heads.items()}
        self.factors = {name: 0.5 if kind == "regress" else 1.0 for name, kind in kinds.items()}
        self.slow = nn.Parameter(torch.zeros(len(kinds)))  # s / speed

    @property
    def log_variances(self) -> dict[str, Tensor]:
        """By head, the logarithm of the variance, a scalar."""
        return dict(zip(self.factors, self.speed * self.slow, strict=True))

    def weigh(self, losses: Mapping[str, Tensor], outputs: Outputs, batch: Batch) -> Mapping[str, Tensor]:
        weighed = {}
        for name, s in self.log_variances.items():
            known = losses[name].detach() != 0
            likelihood = self.factors[name] * torch.exp(-s) * losses[name] + s / 2
            weighed[name] = torch.where(known, likelihood, losses[name])
        return weighed
