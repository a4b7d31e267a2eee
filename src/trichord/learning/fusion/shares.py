"""Sharing each frame out among the streams that are present there."""

from __future__ import annotations

import torch
from torch import Tensor, nn


def shares(scores: Tensor, present: Tensor, dim: int) -> Tensor:
    """Return the softmax of `scores` along `dim` over what is present; zeros where nothing is.

    `present` is boolean and broadcasts against `scores`.
    """
    lowest = torch.finfo(scores.dtype).min  # not -inf, whose softmax is NaN where nothing is present
    return torch.where(present, torch.where(present, scores, lowest).softmax(dim), 0.0)


def each(layers: nn.ModuleList, values: Tensor) -> Tensor:
    """Apply one layer to each stream of `values (batch, time, streams, dim)`; the width is the layers'."""
    return torch.stack([layer(values[:, :, i]) for i, layer in enumerate(layers)], 2)
