"""Learning that two streams of one clip belong together."""

from __future__ import annotations

import math
from typing import Annotated

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from trichord.errors import RecipeError
from trichord.learning.batch import Batch
from trichord.learning.objectives.change import spec_of
from trichord.learning.objectives.objective import Objective, Outputs, Surroundings
from trichord.learning.pooled import mean_over_time

LARGEST_SCALE = 100.0  # as in CLIP, lest it runs away


class Align(Objective):
    """Adds a loss by which two streams of one clip find each other among the clips of a batch.

    Each stream's mean over time is projected to a sphere, where the two of a clip shall be nearer than those
    of different clips, in both directions (InfoNCE, van den Oord et al., 2018, as in CLIP, Radford et al.,
    2021). The temperature is learned. Items that lack either stream are left out, so wants large batches.

    streams: the two to align.
    weight: of this loss beside the heads'.
    width: of the vectors that are compared.
    temperature: at first.
    """

    def __init__(
        self,
        streams: tuple[str, str],
        weight: Annotated[float, Field(ge=0)] = 0.1,
        width: Annotated[int, Field(ge=1, le=8192)] = 64,
        temperature: Annotated[float, Field(gt=0.01, le=10)] = 0.07,
    ) -> None:
        super().__init__()
        self.streams = streams
        self.weight, self.width, self.temperature = weight, width, temperature

    def build(self, surroundings: Surroundings) -> None:
        for stream in self.streams:
            spec_of(stream, surroundings.specs, "Align.streams", ())
        if len(set(self.streams)) < 2:
            raise RecipeError(f"Align.streams: two different ones are needed; got {self.streams[0]!r} twice")
        shapes = surroundings.shapes
        self.project = nn.ModuleDict(
            {name: nn.Linear(shapes[name].width, self.width, bias=False) for name in self.streams}
        )
        self.log_scale = nn.Parameter(torch.tensor(-math.log(self.temperature)))

    def loss(self, outputs: Outputs, batch: Batch) -> Tensor | None:
        both = torch.stack([outputs.streams[name].lengths > 0 for name in self.streams]).all(0)  # (batch,)
        if both.sum() < 2:
            return None
        one, other = (self.placed(name, outputs)[both] for name in self.streams)
        with torch.no_grad():  # a bound on what is learned, for one on its exponential would end its gradient
            self.log_scale.clamp_(max=math.log(LARGEST_SCALE))
        alike = self.log_scale.exp() * one @ other.T  # (items, items)
        own = torch.arange(len(one), device=alike.device)
        return self.weight * (F.cross_entropy(alike, own) + F.cross_entropy(alike.T, own)) / 2

    def placed(self, name: str, outputs: Outputs) -> Tensor:
        """Return where each item of a stream lies on the sphere, `(batch, width)`."""
        return F.normalize(self.project[name](mean_over_time(outputs.streams[name]).float()), dim=1)
