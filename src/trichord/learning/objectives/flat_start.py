"""Beginning as if all of a transcript's units lasted alike."""

from __future__ import annotations

from typing import Annotated

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor

from trichord.errors import RecipeError
from trichord.kinds import nearest
from trichord.learning.batch import Batch
from trichord.learning.heads.ctc import Ctc
from trichord.learning.heads.head import answerable
from trichord.learning.objectives.objective import Objective, Outputs, Surroundings

IGNORED = -1


class FlatStart(Objective):
    """Adds, at first, the cross-entropy of every step against the unit at its share of the transcript.

    The flat start of HMM recognisers (Young et al., The HTK Book). CTC alone writes nothing but blanks for
    long before it finds the first units; a rough guess of where they are spares it most of that. Its weight
    falls evenly to nothing.

    head: a ctc head.
    until: the share of all steps after which it says nothing.
    weight: share of this loss beside the heads', to begin with.
    """

    def __init__(
        self,
        head: str,
        until: Annotated[float, Field(gt=0, le=1)] = 0.1,
        weight: Annotated[float, Field(ge=0)] = 1.0,
    ) -> None:
        super().__init__()
        self.head, self.until, self.weight = head, until, weight

    def build(self, surroundings: Surroundings) -> None:
        heads = {name: head for name, head in surroundings.heads.items() if isinstance(head, Ctc)}
        if self.head not in heads:
            raise RecipeError(f"FlatStart: there is no ctc head {self.head!r}{nearest(self.head, heads)}")
        self.writer = [heads[self.head]]  # in a list, for it is no layer of this objective

    def loss(self, outputs: Outputs, batch: Batch) -> Tensor | None:
        if self.progress >= self.until:
            return None
        logits, (head,) = outputs.logits[self.head], self.writer
        known = {row: target for row, target in answerable(logits, batch.targets(self.head)).items()
                 if head.teaches(target)}  # fmt: skip
        if not known:
            return None
        labels = torch.full(logits.values.shape[:2], IGNORED, dtype=torch.long)  # (batch, time)
        spelled, sizes = head.spell(list(known.values()))
        lengths = logits.lengths.tolist()
        for row, units, size in zip(known, spelled, sizes.tolist(), strict=True):
            labels[row, : lengths[row]] = evenly(units[:size], lengths[row])
        losses = F.cross_entropy(
            logits.cleared().values.float().transpose(1, 2),
            labels.to(logits.values.device),
            ignore_index=IGNORED,
        )
        return self.weight * (1 - self.progress / self.until) * losses


def evenly(units: Tensor, steps: int) -> Tensor:
    """Return `units` spread over so many steps, each as long as any other; blanks where there is none."""
    if not len(units):
        return torch.zeros(steps, dtype=torch.long)
    return units[torch.arange(steps) * len(units) // steps]
