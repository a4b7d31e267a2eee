"""Recurrent networks."""

from __future__ import annotations

from torch import nn

from trichord.learning.dropout import Dropout, DropoutShare
from trichord.learning.encoders.cnn import Layers
from trichord.learning.encoders.encoder import Chunk, Encoder
from trichord.learning.encoders.front_ends import AnyFrontEnd
from trichord.learning.encoders.recurrent import Cell, Recurrent
from trichord.learning.memory import Memory
from trichord.learning.stream import Stream


class Rnn(Encoder):
    """Layers of GRU (Cho et al., 2014), LSTM (Hochreiter and Schmidhuber, 1997) or plain RNN.

    cell: gru, lstm or rnn.
    layers: how many.
    bidirectional: whether half of each layer reads backwards, from the item's end.
    dropout: share of values dropped in training, after each layer.
    causal: whether it can hear a stream as it comes, which one that reads backwards cannot.
    chunk_ms: how much of a stream a causal one takes at once, in milliseconds.
    front_end: how raw input becomes frames; by default what suits the input.
    dim: width of the stream; by default the recipe's.
    subsample: frames per output step, 1, 2, 4 or 8; by default as many as bring the rate to the clock.
    """

    def __init__(
        self,
        cell: Cell = "gru",
        layers: Layers = 2,
        bidirectional: bool = True,
        dropout: DropoutShare = 0.1,
        causal: bool = False,
        chunk_ms: Chunk = 160,
        front_end: AnyFrontEnd | None = None,
        dim: int | None = None,
        subsample: int | None = None,
    ) -> None:
        super().__init__(front_end, dim, subsample)
        self.cell: Cell = cell
        self.layers = layers
        self.bidirectional = bidirectional
        self.dropout = dropout
        if causal and bidirectional:
            raise ValueError("a causal rnn cannot read backwards; set bidirectional: false")
        self.causal = causal
        self.chunk_ms = chunk_ms

    def build_body(self, dim: int) -> None:
        self.recurrent = nn.ModuleList(
            Recurrent(self.cell, dim, self.bidirectional) for _ in range(self.layers)
        )
        self.drop = Dropout(self.dropout)

    def body(self, stream: Stream) -> Stream:
        return self.through(stream, None)

    def causal_body(self, stream: Stream, memory: Memory) -> Stream:
        return self.through(stream, memory)

    def through(self, stream: Stream, memory: Memory | None) -> Stream:
        for layer in self.recurrent:
            stream = layer(stream, memory)
            stream = stream._replace(values=self.drop(stream.values))
        return stream
