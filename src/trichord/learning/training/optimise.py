"""The optimiser, the learning rate over time, and the moving average of weights."""

from __future__ import annotations

import math
from collections.abc import Iterable
from copy import deepcopy

import torch
from torch import nn

from trichord.learning.model import Model
from trichord.learning.recipe import Training


def make_optimizer(parameters: Iterable[nn.Parameter], training: Training) -> torch.optim.Optimizer:
    """Return the recipe's optimiser; biases, gains and other vectors are not decayed."""
    learned = [parameter for parameter in parameters if parameter.requires_grad]
    groups = [
        {"params": [p for p in learned if p.ndim >= 2], "weight_decay": training.weight_decay},
        {"params": [p for p in learned if p.ndim < 2], "weight_decay": 0.0},
    ]
    if training.optimizer == "sgd":
        return torch.optim.SGD(groups, training.learning_rate, momentum=0.9, nesterov=True)
    kinds = {"adamw": torch.optim.AdamW, "adam": torch.optim.Adam}
    return kinds[training.optimizer](groups, training.learning_rate, betas=(0.9, 0.98), fused=True)


def learning_rate(progress: float, training: Training) -> float:
    """Return the learning rate when `progress`, 0 to 1, of training is done."""
    if progress < training.warmup:
        return training.learning_rate * progress / training.warmup
    rest = (progress - training.warmup) / (1 - training.warmup)
    factors = {"cosine": 0.5 * (1 + math.cos(math.pi * rest)), "linear": 1 - rest, "none": 1.0}
    return training.learning_rate * factors[training.decay]


class Average:
    """An exponential moving average of a model's weights, quick at first (Polyak and Juditsky, 1992)."""

    def __init__(self, model: Model, decay: float) -> None:
        self.model = deepcopy(model).requires_grad_(False).eval()
        self.decay = decay

    @torch.no_grad()
    def update(self, model: nn.Module, step: int) -> None:
        """Take in the weights after this step."""
        share = 1 - min(self.decay, (1 + step) / (10 + step))
        torch._foreach_lerp_(list(self.model.parameters()), list(model.parameters()), share)
        for kept, new in zip(self.model.buffers(), model.buffers(), strict=True):
            kept.copy_(new)
