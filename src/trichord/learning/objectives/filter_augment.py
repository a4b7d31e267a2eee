"""Other microphones, rooms and voices: random filters over the bands of a stream's frames."""

from __future__ import annotations

from typing import Annotated

import torch
import torch.nn.functional as F
from pydantic import Field

from trichord.learning.objectives.change import Probability, spec_of
from trichord.learning.objectives.objective import Objective, Surroundings
from trichord.learning.stream import Stream


class FilterAugment(Objective):
    """Adds a random smooth curve over bands to the frames of an item, the same one all the while.

    On log energies that is a filter, as in the linear FilterAugment of Nam, Kim and Park (2021), its level
    included: what another microphone, another room or another throat does to a voice.

    stream: whose front end's frames to change.
    knots: how many random gains a curve goes through, evenly spaced over the bands.
    strength: standard deviation of a gain, in standard deviations of the normalised features.
    probability: of an item to be changed.
    """

    def __init__(
        self,
        stream: str,
        knots: Annotated[int, Field(ge=2, le=64)] = 5,
        strength: Annotated[float, Field(gt=0, le=10)] = 0.7,
        probability: Probability = 0.8,
    ) -> None:
        super().__init__()
        self.stream = stream
        self.knots = knots
        self.strength = strength
        self.probability = probability

    def build(self, surroundings: Surroundings) -> None:
        spec_of(self.stream, surroundings.specs, "FilterAugment", ())

    def change_features(self, name: str, frames: Stream) -> Stream:
        if name != self.stream:
            return frames
        batch, _, width = frames.values.shape
        device = frames.values.device
        gains = torch.randn(batch, 1, self.knots, device=device) * self.strength
        curves = F.interpolate(gains, size=width, mode="linear", align_corners=True)  # (batch, 1, width)
        chosen = torch.rand(batch, 1, 1, device=device) < self.probability
        return frames._replace(values=frames.values + curves * chosen).cleared()
