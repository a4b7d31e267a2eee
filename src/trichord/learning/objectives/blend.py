"""Learning from every stream alone beside all of them together."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from typing import Annotated, cast

import torch
from pydantic import Field
from torch import Tensor, nn

from trichord.errors import RecipeError
from trichord.kinds import nearest
from trichord.learning.batch import Batch
from trichord.learning.heads.head import Head
from trichord.learning.objectives.objective import Objective, Outputs, Surroundings
from trichord.learning.stream import Stream

FUSED = "fused"
LEAST_OVERFITTING = 0.01


class Blend(Objective):
    """Lets a copy of every head answer from each stream alone, and blends their losses with the fused one.

    Gradient blending (Wang, Tran and Feiszli, "What makes training multi-modal classification networks
    hard?", 2020): a stream that learns and overfits faster than others would otherwise decide alone. The
    weights sum to 1. With `every`, they are estimated anew as G / O^2, where G is how much the validation
    loss fell between two estimates, and O how much its distance from the training loss grew; what has
    become worse gets none. The paper trains each stream apart to estimate; here the same training, and the
    model that is validated, serve. The copies are only for learning: no model file holds them.

    weights: by stream, and `fused`; those not named weigh 1, and all are divided by their sum.
    every: epochs between two estimates, each over its last epoch; 0 keeps the weights.
    """

    shares: Tensor
    learned: Tensor
    heard: Tensor
    before: Tensor
    epochs: Tensor

    def __init__(
        self,
        weights: dict[str, Annotated[float, Field(ge=0)]] | None = None,
        every: Annotated[int, Field(ge=0)] = 0,
    ) -> None:
        super().__init__()
        self.weights, self.every = weights, every

    def build(self, surroundings: Surroundings) -> None:
        if FUSED in surroundings.shapes:
            raise RecipeError(f"Blend: a stream must not be called {FUSED!r}; rename it")
        self.names = [*surroundings.shapes, FUSED]
        self.heads = dict(surroundings.heads)
        self.alone = nn.ModuleDict(
            {stream: built(self.heads, shape.width) for stream, shape in surroundings.shapes.items()}
        )
        self.register_buffer("shares", self.given_shares())
        self.register_buffer("learned", torch.zeros(len(self.names), 2))  # of training: loss * items, items
        self.register_buffer("heard", torch.zeros(len(self.names), 2))  # of validation, in the same way
        self.register_buffer("before", torch.full((len(self.names), 2), torch.nan))  # mean losses of both
        self.register_buffer("epochs", torch.zeros((), dtype=torch.long))

    def given_shares(self) -> Tensor:
        given = self.weights or {}
        for name in given:
            if name not in self.names:
                raise RecipeError(f"Blend.weights: there is no stream {name!r}{nearest(name, self.names)}")
        shares = torch.tensor([given.get(name, 1.0) for name in self.names])
        if not shares.sum() > 0:
            raise RecipeError("Blend.weights: all of them are 0; at least one must be more")
        return shares / shares.sum()

    def weigh(self, losses: Mapping[str, Tensor], outputs: Outputs, batch: Batch) -> Mapping[str, Tensor]:
        self.note_fused(self.learned, outputs, batch)
        share = self.shares[-1]
        return {name: share * loss for name, loss in losses.items()}

    def loss(self, outputs: Outputs, batch: Batch) -> Tensor | None:
        said = {name: self.loss_alone(name, outputs, batch) for name in self.alone}
        for name, loss in said.items():
            self.note(self.learned, name, loss, outputs.streams[name])
        return (torch.stack(list(said.values())) * self.shares[:-1]).sum()

    def loss_alone(self, stream: str, outputs: Outputs, batch: Batch) -> Tensor:
        """Return what the heads lose who have one stream alone."""
        heads = cast(Mapping[str, Head], self.alone[stream])
        judges = {name: head if head.layered_loss else self.heads[name] for name, head in heads.items()}
        return self.total({name: judges[name].loss(head(outputs.streams[stream]), batch.targets(name))
                           for name, head in heads.items()})  # fmt: skip

    def total(self, losses: Mapping[str, Tensor]) -> Tensor:
        return torch.stack([head.weight * losses[name] for name, head in self.heads.items()]).sum()

    def note(self, sums: Tensor, name: str, loss: Tensor, stream: Stream) -> None:
        items = (stream.lengths > 0).sum()
        sums[self.names.index(name)] += torch.stack([loss.detach() * items, items])

    @torch.no_grad()
    def note_fused(self, sums: Tensor, outputs: Outputs, batch: Batch) -> None:
        """Note the fused loss as the heads give it: of training, others may have weighed it meanwhile."""
        if self.every:
            losses = {name: head.loss(outputs.logits[name], batch.targets(name))
                      for name, head in self.heads.items()}  # fmt: skip
            self.note(sums, FUSED, self.total(losses), outputs.fused)

    def hear(self, outputs: Outputs, batch: Batch) -> None:
        if not self.every:
            return
        self.note_fused(self.heard, outputs, batch)
        for name in self.alone:
            self.note(self.heard, name, self.loss_alone(name, outputs, batch), outputs.streams[name])

    def epoch_done(self) -> None:
        self.epochs += 1
        if self.every and self.epochs % self.every == 0:
            self.estimate()
        self.learned.zero_()
        self.heard.zero_()

    def estimate(self) -> None:
        """Weigh anew by what this epoch's losses say against those of the estimate before."""
        now = torch.stack([sums[:, 0] / sums[:, 1] for sums in (self.learned, self.heard)], 1)
        gain = (self.before - now)[:, 1]
        overfitting = (now - self.before).diff(dim=1)[:, 0].abs().clamp(min=LEAST_OVERFITTING)
        ratios = gain.clamp(min=0) / overfitting**2
        if torch.isfinite(ratios).all() and ratios.sum() > 0:
            self.shares.copy_(ratios / ratios.sum())
        self.before.copy_(now)


def built(heads: Mapping[str, Head], width: int) -> nn.ModuleDict:
    """Return a copy of every head that reads a stream of this width."""
    copies = {name: deepcopy(head) for name, head in heads.items()}
    for copy in copies.values():
        copy.build(width)
    return nn.ModuleDict(copies)
