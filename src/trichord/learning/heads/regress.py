"""The head that answers with numbers, of the clip or of each step."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Annotated, Any, Literal

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from trichord.clip import Target
from trichord.decoding.metadata import RegressMetadata, read_head
from trichord.errors import InputError
from trichord.learning.dropout import Dropout, DropoutShare
from trichord.learning.heads.answer import ClipHead
from trichord.learning.heads.head import answerable, nothing
from trichord.learning.stream import Stream

LEAST_STD = 1e-6


class Regress(ClipHead):
    """Answers with numbers; logits are in standard deviations from the training mean.

    criterion: `mse`, `mae`, or `ccc`, one minus the concordance correlation coefficient (Lin, 1989), which
        compares a whole batch and so wants large ones; a batch of one item is learned by `mse`.
    weight: share of this head in the loss of all.
    dropout: share of the pooled vector, or of each step's, that is dropped while learning.
    each: whether a clip has the numbers, one or several, or each step has one: then a target is a list of as
        many as there are steps, in which NaN is not known.
    """

    def __init__(
        self,
        criterion: Literal["mse", "mae", "ccc"] = "mse",
        weight: Annotated[float, Field(ge=0)] = 1.0,
        dropout: DropoutShare = 0.1,
        each: Literal["clip", "step"] = "clip",
    ) -> None:
        super().__init__(weight, dropout)
        self.criterion = criterion
        self.each = each
        self.by_step = each == "step"  # type: ignore[misc]  # a head of other kinds always is, or never
        self.mean: list[float] = []
        self.std: list[float] = []

    def fit(self, targets: Sequence[Target]) -> None:
        """Learn mean and deviation; raises InputError where targets are none or differ in number."""
        rows = self.rows(targets)
        if not rows:
            raise InputError("a regress head needs training clips with a number as target; there are none")
        if len({len(row) for row in rows}) > 1:
            sizes = sorted({len(row) for row in rows})
            raise InputError(f"a regress head's targets must all have as many numbers; they have {sizes}")
        values = torch.tensor(rows, dtype=torch.float64)
        std = values.std(0, correction=0)
        self.mean = values.mean(0).tolist()
        self.std = torch.where(std > LEAST_STD, std, 1.0).tolist()  # a constant has no scale of its own

    def rows(self, targets: Sequence[Target]) -> list[list[float]]:
        """Return what is known of the numbers: a row for each clip, or for each step."""
        if self.each == "clip":
            return [numbers(target) for target in targets]
        return [[number] for target in targets for number in step_numbers(target) if not math.isnan(number)]

    def metadata(self) -> dict[str, Any]:
        names = ["value"] if self.outputs == 1 else [f"value_{i + 1}" for i in range(self.outputs)]
        described = {"kind": "regress", "names": names, "mean": list(self.mean), "std": list(self.std)}
        return described | ({"each": "step"} if self.each == "step" else {})

    def restore(self, metadata: dict[str, Any]) -> None:
        known = read_head(RegressMetadata, metadata)
        self.mean, self.std = list(known.mean), list(known.std)

    @property
    def outputs(self) -> int:
        return len(self.mean)

    def build(self, dim: int) -> None:
        if self.each == "clip":
            super().build(dim)
        else:
            self.answer = nn.Sequential(Dropout(self.dropout), nn.Linear(dim, 1))

    def rate_of(self, rate: float | None) -> float | None:
        return None if self.each == "clip" else rate

    def forward(self, fused: Stream) -> Stream:
        if self.each == "clip":
            return super().forward(fused)
        return fused._replace(values=self.answer(fused.cleared().values)).cleared()

    def loss(self, logits: Stream, targets: Sequence[Target | None]) -> Tensor:
        """Return the mean loss over clips, or over all known steps of the batch; 0 where none is known."""
        if self.each == "clip":
            return super().loss(logits, targets)
        lengths, truth = logits.lengths.tolist(), torch.full(logits.values.shape[:2], math.nan)
        for row, target in answerable(logits, targets).items():
            row_numbers = step_numbers(target)
            if len(row_numbers) != lengths[row]:
                raise InputError(f"a target has {len(row_numbers)} numbers for {lengths[row]} steps")
            truth[row, : lengths[row]] = torch.tensor(row_numbers)
        known = ~truth.isnan()
        if not known.any():
            return nothing(logits)
        values = logits.values[known.to(logits.values.device)].float()
        return self.errors(values, self.encode(truth[known].tolist()).to(values.device))

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


def step_numbers(target: Target) -> list[float]:
    """Return a target that is a list of numbers or NaN; raises InputError for another."""
    if isinstance(target, str | float | int) or not all(isinstance(v, int | float) for v in target):
        raise InputError(f"a regress head's target is a number for each step; got {target!r:.80}")
    row = [float(value) for value in target if isinstance(value, int | float)]
    if any(map(math.isinf, row)):
        raise InputError(f"a regress head's targets must not be infinite; got {target!r:.80}")
    return row


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
