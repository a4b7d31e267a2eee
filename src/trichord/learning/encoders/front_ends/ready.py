"""Features that are ready as they come."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

import torch
from torch import Tensor

from trichord.learning.encoders.front_ends.front_end import FrontEnd
from trichord.learning.encoders.front_ends.normaliser import Normaliser
from trichord.learning.encoders.subsample import at_least
from trichord.learning.memory import Memory
from trichord.learning.stream import Stream
from trichord.prepare.preparation import Array, InputSpec


class Ready(FrontEnd):
    """Passes `array (batch, time, dim)` on as `(batch, time, dim)`.

    normalise: whether each column is standardised by the training data's mean and deviation.
    """

    takes: ClassVar[tuple[str, ...]] = ("array",)

    def __init__(self, normalise: bool = True) -> None:
        super().__init__()
        self.normalise = normalise

    def build(self, spec: InputSpec) -> None:
        self.width, self.rate = spec.shape[0], spec.rate
        self.normaliser = Normaliser(self.width)

    def fit(self, arrays: Iterable[Array]) -> None:
        if self.normalise:
            self.normaliser.fit(torch.from_numpy(array) for array in arrays if len(array))

    def forward(self, values: Tensor, lengths: Tensor) -> Stream:
        stream = Stream(at_least(1, values), lengths, self.rate)
        return stream._replace(values=self.normaliser(stream.values)).cleared()

    def causal(self, values: Tensor, lengths: Tensor, memory: Memory) -> Stream:
        return self(values, lengths)  # step by step: there is nothing to remember
