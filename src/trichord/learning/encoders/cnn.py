"""Convolutions over time."""

from __future__ import annotations

from typing import Annotated

import torch.nn.functional as F
from pydantic import Field
from torch import nn

from trichord.learning.dropout import Dropout, DropoutShare
from trichord.learning.encoders.encoder import Encoder
from trichord.learning.encoders.front_ends import AnyFrontEnd
from trichord.learning.stream import Stream

Layers = Annotated[int, Field(ge=1, le=64)]


class Cnn(Encoder):
    """Residual convolutions over time, each with twice the reach of the one before.

    layers: how many.
    kernel: steps that a convolution sees, an odd number.
    dilate: whether the reach doubles from layer to layer, up to 16 times.
    dropout: share of values dropped in training.
    front_end: how raw input becomes frames; by default what suits the input.
    dim: width of the stream; by default the recipe's.
    subsample: frames per output step, 1, 2, 4 or 8; by default as many as bring the rate to the clock.
    """

    def __init__(
        self,
        layers: Layers = 4,
        kernel: Annotated[int, Field(ge=1, le=255)] = 5,
        dilate: bool = True,
        dropout: DropoutShare = 0.1,
        front_end: AnyFrontEnd | None = None,
        dim: int | None = None,
        subsample: int | None = None,
    ) -> None:
        super().__init__(front_end, dim, subsample)
        self.layers = layers
        self.kernel = odd(kernel)
        self.dilate = dilate
        self.dropout = dropout

    def build_body(self, dim: int) -> None:
        reaches = [2 ** min(layer, 4) if self.dilate else 1 for layer in range(self.layers)]
        self.blocks = nn.ModuleList(
            ConvolutionBlock(dim, self.kernel, reach, self.dropout) for reach in reaches
        )

    def body(self, stream: Stream) -> Stream:
        for block in self.blocks:
            stream = block(stream)
        return stream


class ConvolutionBlock(nn.Module):
    """LayerNorm, a convolution, and a linear layer, beside a shortcut; nothing past a length is seen."""

    def __init__(self, dim: int, kernel: int, reach: int, dropout: float) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(dim)
        self.convolution = nn.Conv1d(dim, dim, kernel, padding="same", dilation=reach)
        self.project = nn.Linear(dim, dim)
        self.dropout = Dropout(dropout)

    def forward(self, stream: Stream) -> Stream:
        seen = stream._replace(values=self.norm(stream.values)).cleared().values
        y = self.project(F.gelu(self.convolution(seen.transpose(1, 2)).transpose(1, 2)))
        return stream._replace(values=stream.values + self.dropout(y))


def odd(kernel: int) -> int:
    """Return the kernel; raises ValueError where it has no middle step."""
    if kernel % 2 == 0:
        raise ValueError(f"kernel must be odd, so that a step is its middle; got {kernel}")
    return kernel
