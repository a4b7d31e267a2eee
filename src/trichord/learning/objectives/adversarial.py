"""Learning what does not give away where it comes from."""

from __future__ import annotations

import math
from typing import Annotated, Any

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from trichord.errors import RecipeError
from trichord.kinds import nearest
from trichord.learning.batch import Batch
from trichord.learning.objectives.objective import Objective, Outputs, Surroundings
from trichord.learning.pooled import mean_over_time

STREAM = "stream"
STEEPNESS = 10.0  # of the ramp, as in the paper


class Adversarial(Objective):
    """Sets a discriminator against the model, which learns to leave it nothing to go by.

    Domain-adversarial training by gradient reversal (Ganin et al., 2016). The discriminator reads means over
    time and tells streams apart, so that these come to share one space; or, reading the fused stream, it
    tells speakers apart, so that the model hears what they have in common. Its gradient reaches the model
    turned round, at a strength that rises over training as 2 / (1 + exp(-10 progress)) - 1.

    of: `stream`, or what the corpus knows about its clips, such as `speaker`.
    strength: of the reversed gradient, at the end.
    hidden: width of the discriminator.
    """

    def __init__(
        self,
        of: str = STREAM,
        strength: Annotated[float, Field(ge=0)] = 1.0,
        hidden: Annotated[int, Field(ge=1, le=8192)] = 64,
    ) -> None:
        super().__init__()
        self.of, self.strength, self.hidden = of, strength, hidden

    def build(self, surroundings: Surroundings) -> None:
        self.classes = streams_of(surroundings) if self.of == STREAM else values_of(self.of, surroundings)
        if len(self.classes) < 2:
            raise RecipeError(f"Adversarial: there is only one {self.of}, so none to tell apart")
        shapes = surroundings.shapes
        width = shapes[self.classes[0]].width if self.of == STREAM else surroundings.fused
        self.discriminator = nn.Sequential(
            nn.Linear(width, self.hidden), nn.ReLU(), nn.Linear(self.hidden, len(self.classes))
        )

    def loss(self, outputs: Outputs, batch: Batch) -> Tensor | None:
        vectors, truth = self.from_streams(outputs) if self.of == STREAM else self.from_fused(outputs, batch)
        if not len(truth):
            return None
        strength = self.strength * (2 / (1 + math.exp(-STEEPNESS * self.progress)) - 1)
        reversed_: Tensor = Reversal.apply(vectors.float(), strength)  # type: ignore[no-untyped-call]
        return F.cross_entropy(self.discriminator(reversed_), truth)

    def from_streams(self, outputs: Outputs) -> tuple[Tensor, Tensor]:
        """Return the mean of every stream that an item has, `(seen, dim)`, and which stream each is."""
        seen = [outputs.streams[name].lengths > 0 for name in self.classes]
        means = [
            mean_over_time(outputs.streams[name])[mask] for name, mask in zip(self.classes, seen, strict=True)
        ]
        truth = [torch.full_like(mask[mask], number, dtype=torch.long) for number, mask in enumerate(seen)]
        return torch.cat(means), torch.cat(truth)

    def from_fused(self, outputs: Outputs, batch: Batch) -> tuple[Tensor, Tensor]:
        """Return the mean of the fused stream of every item about which this is known, and what it is."""
        numbers = {value: number for number, value in enumerate(self.classes)}
        known = [numbers.get(item.about.get(self.of, ""), -1) for item in batch.items]
        truth = torch.tensor(known, dtype=torch.long, device=outputs.fused.values.device)
        seen = (truth >= 0) & (outputs.fused.lengths > 0)
        return mean_over_time(outputs.fused)[seen], truth[seen]


def streams_of(surroundings: Surroundings) -> list[str]:
    """Return the streams; raises RecipeError where a discriminator could know them by their width."""
    widths = {name: shape.width for name, shape in surroundings.shapes.items()}
    if len(set(widths.values())) > 1:
        raise RecipeError(
            f"Adversarial: streams must have the same width to be told apart fairly; got {widths}"
        )
    return list(widths)


def values_of(key: str, surroundings: Surroundings) -> list[str]:
    """Return what the training clips' `about` has under a key; raises RecipeError where it has nothing."""
    values = sorted({item.about[key] for item in surroundings.items if key in item.about})
    if not values:
        known = sorted({STREAM, *(key for item in surroundings.items for key in item.about)})
        raise RecipeError(f"Adversarial.of: no training clip says its {key!r}{nearest(key, known)}")
    return values


class Reversal(torch.autograd.Function):
    """Leaves values as they are, and turns their gradient round, `strength` times as large."""

    @staticmethod
    def forward(ctx: Any, values: Tensor, strength: float) -> Tensor:
        ctx.strength = strength
        return values.view_as(values)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        return -ctx.strength * gradients[0], None
