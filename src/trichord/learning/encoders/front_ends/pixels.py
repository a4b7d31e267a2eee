"""Frames of video as a network wants them, and the residual block that reads them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from trichord.learning.encoders.front_ends.normaliser import Normaliser
from trichord.learning.encoders.subsample import at_least
from trichord.learning.stream import mask_of
from trichord.prepare.preparation import Array, InputSpec

WHITE = 255.0
Channels = Annotated[tuple[Annotated[int, Field(ge=1, le=2048)], ...], Field(min_length=1, max_length=6)]


class Pixels(nn.Module):
    """Turns `frames (batch, time, height, width[, 3])` of 0 to 255 into standardised channels first.

    Before `fit` a channel is centred as if its mean were a half and its deviation a quarter of white.
    """

    def __init__(self, spec: InputSpec) -> None:
        super().__init__()
        self.channels = 1 if len(spec.shape) == 2 else spec.shape[2]
        self.normaliser = Normaliser(self.channels)
        self.normaliser.mean.fill_(0.5)
        self.normaliser.deviation.fill_(0.25)

    def fit(self, arrays: Iterable[Array]) -> None:
        """Measure each channel over training arrays `(time, height, width[, 3])`."""
        self.normaliser.fit(
            torch.from_numpy(array).float().reshape(-1, self.channels) / WHITE
            for array in arrays
            if len(array)
        )

    def forward(self, values: Tensor, lengths: Tensor) -> Tensor:
        """Return `(batch, time, channels, height, width)`, at least one frame, zero past each length."""
        present = at_least(1, mask_of(lengths, values))[:, :, None, None, None]
        values = at_least(1, values)
        values = values if values.ndim == 5 else values[..., None]
        pixels = self.normaliser(values.float() / WHITE).movedim(-1, 2)
        return torch.where(present, pixels, 0.0)


class Residual(nn.Module):
    """Two 3 x 3 convolutions around a shortcut (He et al., 2016), at `stride`, per frame.

    GroupNorm in place of BatchNorm: a frame must not depend on the other frames of its batch.
    """

    def __init__(self, channels_in: int, channels: int, stride: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(channels_in, channels, 3, stride, padding=1, bias=False)
        self.second = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.first_norm, self.second_norm = group_norm(channels), group_norm(channels)
        self.shortcut = nn.Conv2d(channels_in, channels, 1, stride)

    def forward(self, x: Tensor) -> Tensor:
        """Return `(frames, channels, height / stride, width / stride)`, rounded up."""
        y = F.relu(self.first_norm(self.first(x)))
        return F.relu(self.second_norm(self.second(y)) + self.shortcut(x))


def group_norm(channels: int) -> nn.GroupNorm:
    """Return a GroupNorm of four groups, or fewer where the channels don't divide."""
    return nn.GroupNorm(next(groups for groups in (4, 3, 2, 1) if channels % groups == 0), channels)


def ceil_halved(size: tuple[int, int], strides: int) -> tuple[int, int]:
    """Return a map's height and width after so many strides of 2, rounded up."""
    height, width = size
    return -(-height // 2**strides), -(-width // 2**strides)
