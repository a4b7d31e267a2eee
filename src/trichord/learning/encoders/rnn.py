"""Recurrent networks."""

from __future__ import annotations

from torch import nn

from trichord.learning.encoders.cnn import Dropout, Layers
from trichord.learning.encoders.encoder import Encoder
from trichord.learning.encoders.front_ends import AnyFrontEnd
from trichord.learning.encoders.recurrent import Cell, Recurrent
from trichord.learning.stream import Stream


class Rnn(Encoder):
    """Layers of GRU (Cho et al., 2014), LSTM (Hochreiter and Schmidhuber, 1997) or plain RNN.

    cell: gru, lstm or rnn.
    layers: how many.
    bidirectional: whether half of each layer reads backwards, from the item's end.
    dropout: share of values dropped in training, after each layer.
    front_end: how raw input becomes frames; by default what suits the input.
    dim: width of the stream; by default the recipe's.
    subsample: frames per output step, 1, 2, 4 or 8; by default as many as bring the rate to the clock.
    """

    def __init__(
        self,
        cell: Cell = "gru",
        layers: Layers = 2,
        bidirectional: bool = True,
        dropout: Dropout = 0.1,
        front_end: AnyFrontEnd | None = None,
        dim: int | None = None,
        subsample: int | None = None,
    ) -> None:
        super().__init__(front_end, dim, subsample)
        self.cell: Cell = cell
        self.layers = layers
        self.bidirectional = bidirectional
        self.dropout = dropout

    def build_body(self, dim: int) -> None:
        self.recurrent = nn.ModuleList(
            Recurrent(self.cell, dim, self.bidirectional) for _ in range(self.layers)
        )
        self.drop = nn.Dropout(self.dropout)

    def body(self, stream: Stream) -> Stream:
        for layer in self.recurrent:
            stream = layer(stream)
            stream = stream._replace(values=self.drop(stream.values))
        return stream
