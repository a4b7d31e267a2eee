"""What an objective is: anything that changes the batch or adds to the loss while learning."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar, NamedTuple

import numpy as np
from torch import Tensor, nn

from trichord.learning.batch import Batch, Item
from trichord.learning.encoders.front_ends.front_end import FrontEnd
from trichord.learning.heads.head import Head
from trichord.learning.stream import Shape, Stream
from trichord.prepare.preparation import InputSpec


class Outputs(NamedTuple):
    """What a model computed: `logits` by head, `streams` by name before fusion, and the fused stream."""

    logits: Mapping[str, Stream]
    streams: Mapping[str, Stream]
    fused: Stream


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What an objective may know of its model and data.

    `specs` describes each stream's prepared input; `draw(n, rng)` returns n random training items, for
    objectives that mix clips; `dim` is the model's width; `labels` holds what each class of a head is
    called, for heads that have classes. `shapes` describes the encoded streams, and `fused` is the width of
    the fused one; `heads` are fitted but not built; `items` are all training clips, prepared; `fronts` are
    the streams' front ends, built and fitted.
    """

    specs: Mapping[str, InputSpec]
    draw: Callable[[int, np.random.Generator], Sequence[Item]]
    dim: int
    labels: Mapping[str, Sequence[str]] = field(default_factory=dict)
    shapes: Mapping[str, Shape] = field(default_factory=dict)
    fused: int = 0
    heads: Mapping[str, Head] = field(default_factory=dict)
    items: Sequence[Item] = ()
    fronts: Mapping[str, FrontEnd] = field(default_factory=dict)


class Objective(nn.Module):
    """One idea about learning; a recipe composes several in a list. Each hook does nothing by default.

    All randomness of `change` comes from `rng`, which depends on seed and step alone, so that a resumed run
    repeats it; the other hooks may use torch's generator, which is seeded the same way. `progress`, from 0 to
    1, says how much of training is done. What must outlive a batch is a parameter or a buffer: both are saved
    with the run's state.

    `teaches_alone` says whether its loss can teach a model that has no heads; what it then changes is
    changed for validation clips too, whose loss chooses the epoch.
    """

    teaches_alone: ClassVar[bool] = False
    progress: float = 1.0

    @property
    def changes(self) -> bool:
        """Whether clips are altered only so that more is learned of them, not because that is the task."""
        kind = type(self)
        alters = kind.change is not Objective.change or kind.change_features is not Objective.change_features
        return alters and not self.teaches_alone

    def build(self, surroundings: Surroundings) -> None:
        """Receive what comes from model and data; create layers if the objective learns."""

    def change(self, items: Sequence[Item], rng: np.random.Generator) -> Sequence[Item]:
        """Return the items to train on in place of these; `items` themselves stay as they are."""
        return items

    def lasting(self, seconds: float) -> float:
        """Return how long a clip of so many seconds is at most once `change` has been at it."""
        return seconds

    def change_features(self, name: str, frames: Stream) -> Stream:
        """Return the frames to train on in place of those that the front end of stream `name` gave."""
        return frames

    def weigh(self, losses: Mapping[str, Tensor], outputs: Outputs, batch: Batch) -> Mapping[str, Tensor]:
        """Return the heads' losses, scalars by name, to learn from in place of these.

        Each is multiplied by its head's own `weight` afterwards. Validation sums the losses as they are, so
        that epochs and recipes can be compared.
        """
        return losses

    def loss(self, outputs: Outputs, batch: Batch) -> Tensor | None:
        """Return what to add to the heads' losses, a scalar."""
        return None

    def hear(self, outputs: Outputs, batch: Batch) -> None:
        """Take note of what the model says of a validation batch; no gradients are kept there."""

    def epoch_done(self) -> None:
        """Draw conclusions, once all batches of an epoch are learned and all validation batches heard."""


def changing(objectives: Iterable[Objective]) -> Callable[[str, Stream], Stream]:
    """Return what makes of a stream's frames what these objectives do, one after the other."""

    def change(name: str, frames: Stream) -> Stream:
        for objective in objectives:
            frames = objective.change_features(name, frames)
        return frames

    return change
