"""Weighing heads so that all of them pull at what they share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor

from trichord.errors import RecipeError
from trichord.learning.batch import Batch
from trichord.learning.objectives.objective import Objective, Outputs, Surroundings

LEAST = 1e-6
LARGEST_STEP = 1.0  # in logarithms, before `rate`


class GradientNorm(Objective):
    """Weighs the heads so that their gradients are of one size, larger where a head learns more slowly.

    GradNorm (Chen et al., 2018), with two changes: gradients are taken at the fused stream rather than at
    the last shared layer's weights, which costs one backward pass through each head alone; and the weights
    step towards the same balance by the distance of logarithms, so that no loss's scale matters. They sum
    to the number of heads. A head whose target a batch lacks keeps its place in that batch.

    alpha: how strongly heads that learn slowly are favoured; 0 only makes gradients equal.
    rate: how far a weight goes towards the balance of one batch.
    """

    shares: Tensor
    first: Tensor

    def __init__(
        self,
        alpha: Annotated[float, Field(ge=0, le=10)] = 1.5,
        rate: Annotated[float, Field(gt=0, le=1)] = 0.025,
    ) -> None:
        super().__init__()
        self.alpha, self.rate = alpha, rate

    def build(self, surroundings: Surroundings) -> None:
        self.names = list(surroundings.heads)
        self.register_buffer("shares", torch.ones(len(self.names)))
        self.register_buffer("first", torch.full((len(self.names),), torch.nan))

    def weigh(self, losses: Mapping[str, Tensor], outputs: Outputs, batch: Batch) -> Mapping[str, Tensor]:
        norms = [norm_at(outputs.fused.values, losses[name]) for name in self.names]
        self.balance(torch.stack([losses[name].detach() for name in self.names]), torch.stack(norms))
        return {name: share * losses[name] for name, share in zip(self.names, self.shares, strict=True)}

    @torch.no_grad()
    def balance(self, losses: Tensor, norms: Tensor) -> None:
        """Step towards the balance of one batch, from losses and gradient norms `(heads,)`."""
        taught = (losses > 0) & (norms > 0) & torch.isfinite(norms)
        self.first.copy_(torch.where(taught & self.first.isnan(), losses, self.first))
        if taught.sum() < 2:
            return
        pace = losses[taught] / self.first[taught]  # 1 at first; the more is left, the slower the head
        pulls = self.shares[taught] * norms[taught]
        goals = pulls.mean() * (pace / pace.mean()) ** self.alpha
        step = (pulls / goals).clamp(min=LEAST).log().clamp(-LARGEST_STEP, LARGEST_STEP)
        self.shares[taught] *= torch.exp(-self.rate * step)
        self.shares *= len(self.shares) / self.shares.sum()


def norm_at(fused: Tensor, loss: Tensor) -> Tensor:
    """Return the norm of a loss's gradient at the fused stream; raises RecipeError where there is none."""
    try:
        (gradient,) = torch.autograd.grad(loss, fused, retain_graph=True)
    except RuntimeError:
        raise RecipeError(
            "gradient_norm: a head's loss has no gradient at the fused stream; this objective needs stage "
            "early or middle, and training.precision 32-true"
        ) from None
    return gradient.norm()
