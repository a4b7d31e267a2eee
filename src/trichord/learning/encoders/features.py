"""Features as they are, at the model's rate and width."""

from __future__ import annotations

from trichord.learning.encoders.encoder import Encoder
from trichord.learning.encoders.front_ends import AnyFrontEnd


class Features(Encoder):
    """No body: what the front end gives, brought to the model's rate and width.

    front_end: how raw input becomes frames; by default what suits the input.
    dim: width of the stream; by default the recipe's.
    subsample: frames per output step, 1, 2, 4 or 8; by default as many as bring the rate to the clock.
    """

    def __init__(
        self, front_end: AnyFrontEnd | None = None, dim: int | None = None, subsample: int | None = None
    ) -> None:
        super().__init__(front_end, dim, subsample)
