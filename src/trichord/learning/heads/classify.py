"""The head that chooses one class for a clip."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Annotated, Any, Literal

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor

from trichord.clip import Target
from trichord.decoding.metadata import ClassifyMetadata, read_head
from trichord.errors import InputError
from trichord.kinds import nearest
from trichord.learning.dropout import DropoutShare
from trichord.learning.heads.answer import ClipHead
from trichord.learning.heads.head import balance
from trichord.learning.stream import Stream


class Classify(ClipHead):
    """Chooses one of the class names that the training clips have.

    class_weights: `balanced` makes every class weigh the same in all, however rare: items / (classes *
        items of the class), as in scikit-learn.
    label_smoothing: share of the probability that the loss spreads over all classes (Szegedy et al., 2016).
    weight: share of this head in the loss of all.
    dropout: share of the pooled vector that is dropped while learning.
    """

    def __init__(
        self,
        class_weights: Literal["balanced"] | None = None,
        label_smoothing: Annotated[float, Field(ge=0, lt=1)] = 0.0,
        weight: Annotated[float, Field(ge=0)] = 1.0,
        dropout: DropoutShare = 0.1,
    ) -> None:
        super().__init__(weight, dropout)
        self.class_weights, self.label_smoothing = class_weights, label_smoothing
        self.counts: dict[str, int] = {}
        self.temperature = 1.0

    def fit(self, targets: Sequence[Target]) -> None:
        """Learn the class names and how often each occurs; raises InputError where there are none."""
        counts = Counter(named(target) for target in targets)
        if not counts:
            raise InputError("a classify head learns class names from training targets; there are none")
        self.counts = dict(sorted(counts.items()))

    @property
    def labels(self) -> list[str]:
        return list(self.counts)

    def metadata(self) -> dict[str, Any]:
        return {
            "kind": "classify",
            "labels": self.labels,
            "counts": list(self.counts.values()),
            "temperature": self.temperature,
        }

    def restore(self, metadata: dict[str, Any]) -> None:
        known = read_head(ClassifyMetadata, metadata)
        counts = metadata.get("counts", [1] * len(known.labels))
        self.counts = {label: int(count) for label, count in zip(known.labels, counts, strict=True)}
        self.temperature = known.temperature

    @property
    def outputs(self) -> int:
        return len(self.counts)

    def loss(self, logits: Stream, targets: Sequence[Target | None]) -> Tensor:
        """Return the mean loss; a class that no training clip has teaches nothing."""
        known = [target if target is None or named(target) in self.counts else None for target in targets]
        return super().loss(logits, known)

    def encode(self, targets: Sequence[Target]) -> Tensor:
        numbers = {label: number for number, label in enumerate(self.counts)}
        for name in map(named, targets):
            if name not in numbers:
                raise InputError(f"class {name!r:.80} is in no training clip{nearest(name, numbers)}")
        return torch.tensor([numbers[named(target)] for target in targets])

    def errors(self, logits: Tensor, targets: Tensor) -> Tensor:
        losses = F.cross_entropy(logits, targets, label_smoothing=self.label_smoothing, reduction="none")
        if self.class_weights is None:
            return losses.mean()
        # Not torch's own weighting, which divides by the batch's weights: a batch of one class has none.
        return (losses * balance(self.counts).to(targets.device)[targets]).mean()


def named(target: Target) -> str:
    """Return a target that is a class name; raises InputError for another."""
    if not isinstance(target, str):
        raise InputError(f"a classify head's target is a class name; got {target!r:.80}")
    return target
