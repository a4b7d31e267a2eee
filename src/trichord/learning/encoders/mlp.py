"""An encoder that looks at one step at a time."""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated

from pydantic import Field
from torch import nn

from trichord.learning.dropout import Dropout, DropoutShare, dropped
from trichord.learning.encoders.encoder import Encoder
from trichord.learning.encoders.front_ends import AnyFrontEnd
from trichord.learning.memory import Memory
from trichord.learning.stream import Stream


class Mlp(Encoder):
    """A multi-layer perceptron over each step by itself, for features that already sum up a clip.

    hidden: widths of the hidden layers, each with GELU and dropout; the last layer has the stream's width.
    input_dropout: share of the features dropped in training.
    dropout: share of hidden values dropped in training.
    front_end: how raw input becomes frames; by default what suits the input.
    dim: width of the stream; by default the recipe's.
    subsample: frames per output step, 1, 2, 4 or 8; by default as many as bring the rate to the clock.
    """

    def __init__(
        self,
        hidden: Annotated[tuple[Annotated[int, Field(ge=1, le=8192)], ...], Field(max_length=16)] = (128,),
        input_dropout: DropoutShare = 0.0,
        dropout: DropoutShare = 0.1,
        front_end: AnyFrontEnd | None = None,
        dim: int | None = None,
        subsample: int | None = None,
    ) -> None:
        super().__init__(front_end, dim, subsample)
        self.hidden = hidden
        self.input_dropout, self.dropout = input_dropout, dropout

    def embed(self, frames: Stream, memory: Memory | None = None) -> Stream:
        kept = dropped(frames.values, self.input_dropout) if self.training else frames.values
        return super().embed(frames._replace(values=kept), memory)

    def build_body(self, dim: int) -> None:
        widths = [dim, *self.hidden, dim]
        self.layers = nn.Sequential(
            *(nn.Sequential(nn.GELU(), Dropout(self.dropout), nn.Linear(a, b))
              for a, b in pairwise(widths))
        )  # fmt: skip
        self.norm = nn.LayerNorm(dim)

    def body(self, stream: Stream) -> Stream:
        return stream._replace(values=self.norm(self.layers(stream.values)))
