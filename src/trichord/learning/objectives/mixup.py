"""Learning between the examples."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated

import numpy as np
import torch
from pydantic import Field
from torch import Tensor

from trichord.errors import RecipeError
from trichord.learning.batch import Batch, Item
from trichord.learning.objectives.change import has, with_inputs
from trichord.learning.objectives.objective import Objective, Outputs, Surroundings
from trichord.prepare.preparation import Array

TOLERANCE = 1e-4


MIXED = ("array", "samples")


class Mixup(Objective):
    """Mixes every item with another of its batch, its inputs as well as its losses.

    Zhang et al., "mixup: beyond empirical risk minimization", 2018: inputs are averaged with a weight drawn
    from Beta(alpha, alpha) once a batch, and the heads' losses against both items' targets likewise, which
    for classes is the same as mixed targets. Only items whose streams are all ready arrays or sound, the same
    in both, are mixed; a shorter one is followed by zeros. Losses of other objectives know one target alone,
    so those that weigh the heads' losses (blend, uncertainty, gradient_norm) stand after this one.

    alpha: the larger, the more evenly items are mixed.
    """

    def __init__(self, alpha: Annotated[float, Field(gt=0, le=100)] = 0.2) -> None:
        super().__init__()
        self.alpha = alpha

    def build(self, surroundings: Surroundings) -> None:
        self.arrays = {name for name, spec in surroundings.specs.items() if spec.kind in MIXED}
        if not self.arrays:
            kinds = sorted({spec.kind for spec in surroundings.specs.values()})
            raise RecipeError(f"Mixup mixes ready arrays and sound; the streams give {' and '.join(kinds)}")
        self.heads = dict(surroundings.heads)
        self.share, self.partners = 1.0, list[Item]()

    def change(self, items: Sequence[Item], rng: np.random.Generator) -> Sequence[Item]:
        self.share = rng.beta(self.alpha, self.alpha)
        others = [items[index] for index in rng.permutation(len(items))]
        self.partners = [
            other if self.fit(item, other) else item for item, other in zip(items, others, strict=True)
        ]
        return [mixed(item, other, self.share) for item, other in zip(items, self.partners, strict=True)]

    def fit(self, one: Item, other: Item) -> bool:
        """Tell whether two items can be mixed."""
        streams, others = ({name for name in item.inputs if has(item, name)} for item in (one, other))
        return streams == others and streams <= self.arrays

    def weigh(self, losses: Mapping[str, Tensor], outputs: Outputs, batch: Batch) -> Mapping[str, Tensor]:
        return {name: self.share * losses[name] + (1 - self.share) * self.others(name, losses, outputs, batch)
                for name in self.heads}  # fmt: skip

    def others(self, name: str, losses: Mapping[str, Tensor], outputs: Outputs, batch: Batch) -> Tensor:
        """Return a head's loss against the partners' targets; RecipeError where its own is weighed."""
        head, logits = self.heads[name], outputs.logits[name]
        with torch.no_grad():
            own = head.loss(logits, batch.targets(name))
        if not torch.allclose(own, losses[name].detach(), rtol=TOLERANCE, equal_nan=True):
            raise RecipeError("Mixup: an objective before it weighs the losses; let mixup stand before it")
        return head.loss(logits, [partner.targets.get(name) for partner in self.partners])


def mixed(item: Item, other: Item, share: float) -> Item:
    """Return the item with `share` of its own arrays and the rest of the other's."""
    if item is other:
        return item
    names = [name for name in item.inputs if has(item, name)]
    return with_inputs(item, {name: between(item.inputs[name], other.inputs[name], share) for name in names})


def between(one: Array, other: Array, share: float) -> Array:
    """Return the weighted mean of two arrays `(time, ...)`, as long as the longer."""
    mean = np.zeros((max(len(one), len(other)), *one.shape[1:]), np.float64)
    mean[: len(one)] += np.multiply(one, share)
    mean[: len(other)] += np.multiply(other, 1 - share)
    return mean.astype(one.dtype)
