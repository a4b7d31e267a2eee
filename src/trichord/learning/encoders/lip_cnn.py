"""Lip reading."""

from __future__ import annotations

from trichord.learning.dropout import DropoutShare
from trichord.learning.encoders.cnn import Layers
from trichord.learning.encoders.front_ends import AnyFrontEnd
from trichord.learning.encoders.front_ends.lip_stem import LipStem
from trichord.learning.encoders.rnn import Rnn


class LipCnn(Rnn):
    """A lip stem and bidirectional GRUs, as in LipNet (Assael et al., 2016) with a residual stem.

    layers: how many GRU layers.
    dropout: share of values dropped in training, after each layer.
    front_end: how raw input becomes frames; by default a lip stem.
    dim: width of the stream; by default the recipe's.
    subsample: frames per output step, 1, 2, 4 or 8; by default as many as bring the rate to the clock.
    """

    def __init__(
        self,
        layers: Layers = 2,
        dropout: DropoutShare = 0.1,
        front_end: AnyFrontEnd | None = None,
        dim: int | None = None,
        subsample: int | None = None,
    ) -> None:
        super().__init__(
            "gru", layers, True, dropout, front_end=front_end or LipStem(), dim=dim, subsample=subsample
        )
