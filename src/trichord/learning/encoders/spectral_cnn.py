"""Convolutions over time and frequency."""

from __future__ import annotations

from typing import Annotated

import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from trichord.errors import RecipeError
from trichord.learning.dropout import Dropout, DropoutShare
from trichord.learning.encoders.encoder import Encoder
from trichord.learning.encoders.front_ends import AnyFrontEnd
from trichord.learning.encoders.subsample import StepDown, at_least, cleared, half
from trichord.learning.memory import Memory
from trichord.learning.stream import Stream

Channels = Annotated[tuple[Annotated[int, Field(ge=1, le=1024)], ...], Field(min_length=1, max_length=8)]


class SpectralCnn(Encoder):
    """A residual network over a picture of sound, bands by time (after PANNs, Kong et al., 2020).

    What sounds alike higher or lower looks alike to it; that suits sounds, emotions and few speakers. Each
    stage halves the bands, and the first ones time, down to the model's rate.

    channels: maps of each stage.
    dropout: share of values dropped in training, beside each shortcut.
    front_end: how raw input becomes frames of bands; by default what suits the input.
    dim: width of the stream; by default the recipe's.
    subsample: frames per output step, 1, 2, 4 or 8; by default as many as bring the rate to the clock.
    """

    def __init__(
        self,
        channels: Channels = (16, 32, 48, 64),
        dropout: DropoutShare = 0.1,
        front_end: AnyFrontEnd | None = None,
        dim: int | None = None,
        subsample: int | None = None,
    ) -> None:
        super().__init__(front_end, dim, subsample)
        self.channels = channels
        self.dropout = dropout

    def make_step_down(self, steps: int) -> StepDown:
        return SpectralStages(self.front.width, self.width, steps, self.channels, self.dropout)


class SpectralStages(StepDown):
    """Stages of two convolutions each over `(batch, time, bands)`, then a linear layer.

    Raises RecipeError where there are fewer stages than halvings of time, ValueError for a factor other
    than 1, 2, 4 and 8.
    """

    def __init__(self, bands: int, dim: int, factor: int, channels: Channels, dropout: float) -> None:
        super().__init__(factor)
        if self.halvings > len(channels):
            raise RecipeError(
                f"{len(channels)} stages cannot bring {factor} frames to a step; give more channels, "
                "or a longer hop_ms"
            )
        self.stages = nn.ModuleList()
        before = 1
        for number, width in enumerate(channels):
            stride = (2 if number < self.halvings else 1, 2)
            self.stages.append(Stage(before, width, stride, dropout))
            before, bands = width, -(-bands // 2)
        self.project = nn.Linear(before * bands, dim)
        self.norm = nn.LayerNorm(dim)

    def forward(self, stream: Stream, memory: Memory | None = None) -> Stream:
        stream = stream._replace(values=at_least(1, stream.values)).cleared()
        maps, lengths = stream.values[:, None], stream.lengths  # (batch, channels, time, bands)
        for stage in self.stages:
            maps, lengths = stage(maps, lengths)
        frames = maps.transpose(1, 2).flatten(2)
        rate = None if stream.rate is None else stream.rate / self.factor
        return Stream(self.norm(self.project(frames)), lengths, rate)


class Stage(nn.Module):
    """A convolution that strides, then one beside a shortcut; nothing past a length is seen.

    Only the second one's input is normalised, over the channels at every place, so that neither time nor
    another item changes it: how loud a band is, against others and against silence, goes by on the shortcut.
    """

    def __init__(self, before: int, width: int, stride: tuple[int, int], dropout: float) -> None:
        super().__init__()
        self.stride = stride
        self.narrow = nn.Conv2d(before, width, kernel_size=3, stride=stride, padding=1)
        self.norm = nn.LayerNorm(width)
        self.deepen = nn.Conv2d(width, width, kernel_size=3, padding=1)
        self.dropout = Dropout(dropout)

    def forward(self, maps: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """Return `(batch, width, time, bands)` and lengths, both after the stride."""
        if self.stride[0] == 2:
            lengths = half(lengths)
        maps = F.silu(self.narrow(maps))
        normed = self.norm(maps.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)
        maps = maps + self.dropout(F.silu(self.deepen(cleared(normed, lengths))))
        return cleared(maps, lengths), lengths
