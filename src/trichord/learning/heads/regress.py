"""The head that answers with one number or several."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Annotated, Any, Literal

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor

from trichord.clip import Target
from trichord.decoding.metadata import RegressMetadata, read_head
from trichord.errors import InputError
from trichord.learning.heads.answer import ClipHead

LEAST_STD = 1e-6


class Regress(ClipHead):
    """Answers with numbers; logits are in standard deviations from the training mean.

    criterion: `mse`, `mae`, or `ccc`, one minus the concordance correlation coefficient (Lin, 1989), which
        compares a whole batch and so wants large ones; a batch of one item is learned by `mse`.
    weight: share of this head in the loss of all.
    dropout: share of the pooled vector that is dropped while learning.
    """

    def __init__(
        self,
        criterion: Literal["mse", "mae", "ccc"] = "mse",
        weight: Annotated[float, Field(ge=0)] = 1.0,
        dropout: Annotated[float, Field(ge=0, lt=1)] = 0.1,
    ) -> None:
        super().__init__(weight, dropout)
        self.criterion = criterion
        self.mean: list[float] = []
        self.std: list[float] = []

    def fit(self, targets: Sequence[Target]) -> None:
        """Learn mean and deviation; raises InputError where targets are none or differ in number."""
        rows = [numbers(target) for target in targets]
        if not rows:
            raise InputError("a regress head needs training clips with a number as target; there are none")
        if len({len(row) for row in rows}) > 1:
            sizes = sorted({len(row) for row in rows})
            raise InputError(f"a regress head's targets must all have as many numbers; they have {sizes}")
        values = torch.tensor(rows, dtype=torch.float64)
        std = values.std(0, correction=0)
        self.mean = values.mean(0).tolist()
        self.std = torch.where(std > LEAST_STD, std, 1.0).tolist()  # a constant has no scale of its own

    def metadata(self) -> dict[str, Any]:
        names = ["value"] if self.outputs == 1 else [f"value_{i + 1}" for i in range(self.outputs)]
        return {"kind": "regress", "names": names, "mean": list(self.mean), "std": list(self.std)}

    def restore(self, metadata: dict[str, Any]) -> None:
        known = read_head(RegressMetadata, metadata)
        self.mean, self.std = list(known.mean), list(known.std)

    @property
    def outputs(self) -> int:
        return len(self.mean)

    def encode(self, targets: Sequence[Target]) -> Tensor:
        rows = [numbers(target) for target in targets]
        for row in rows:
            if len(row) != self.outputs:
                raise InputError(f"a target has {len(row)} numbers; those of training have {self.outputs}")
        values, mean, std = (torch.tensor(v, dtype=torch.float64) for v in (rows, self.mean, self.std))
        return ((values - mean) / std).float()

    def errors(self, logits: Tensor, targets: Tensor) -> Tensor:
        if self.criterion == "mae":
            return F.l1_loss(logits, targets)
        if self.criterion == "mse" or len(logits) == 1:
            return F.mse_loss(logits, targets)
        return 1 - concordance(logits, targets).mean()


def concordance(x: Tensor, y: Tensor) -> Tensor:
    """Return Lin's concordance of each column of `x` and `y (items, outputs)`: -1 to 1; 0 for constants."""
    shared = ((x - x.mean(0)) * (y - y.mean(0))).mean(0)
    spread = x.var(0, correction=0) + y.var(0, correction=0) + (x.mean(0) - y.mean(0)) ** 2
    return 2 * shared / spread.clamp(min=1e-8)


def numbers(target: Target) -> list[float]:
    """Return a target that is a finite number or several; raises InputError for another."""
    values = [target] if isinstance(target, int | float) else target
    if isinstance(values, str) or not values or not all(isinstance(v, int | float) for v in values):
        raise InputError(f"a regress head's target is a number or several; got {target!r:.80}")
    row = [float(value) for value in values if isinstance(value, int | float)]
    if not all(map(math.isfinite, row)):
        raise InputError(f"a regress head's targets must be finite; got {target!r:.80}")
    return row
