"""What a model says of prepared items, and how right it is, while learning."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from trichord.decoding import decode
from trichord.learning.batch import Batch, Item, collate
from trichord.learning.heads.ctc import Ctc
from trichord.learning.heads.head import Head
from trichord.learning.model import Model
from trichord.learning.objectives.objective import Outputs
from trichord.learning.stream import Stream
from trichord.metrics import evaluate_head
from trichord.prepare.preparation import InputSpec


def unheard(outputs: Outputs, batch: Batch) -> None:
    pass


@torch.no_grad()
def predict(
    model: Model, heads: Mapping[str, Head], items: Sequence[Item], batches: Sequence[Sequence[int]],
    specs: Mapping[str, InputSpec], hear: Callable[[Outputs, Batch], None] = unheard,
) -> tuple[dict[str, list[NDArray[np.float32]]], float]:  # fmt: skip
    """Return each item's logits `(time, outputs)` by head, in the items' order, and the mean loss.

    `hear` is told what the model says of every batch.
    """
    model.eval()
    device = next(model.parameters()).device
    logits: dict[str, list[NDArray[np.float32]]] = {
        name: [np.zeros((0, 1), np.float32)] * len(items) for name in heads
    }
    total = 0.0
    for indices in batches:
        batch = collate([items[index] for index in indices], specs)
        inputs = {
            name: (values.to(device), lengths.to(device)) for name, (values, lengths) in batch.inputs.items()
        }
        outputs = model(inputs)
        hear(outputs, batch)
        total += float(weighted_sum(heads, head_losses(heads, outputs.logits, batch))) * len(indices)
        for name, stream in outputs.logits.items():
            for row, index in enumerate(indices):
                logits[name][index] = stream.values[row, : int(stream.lengths[row])].float().cpu().numpy()
    return logits, total / max(1, len(items))


def head_losses(heads: Mapping[str, Head], logits: Mapping[str, Stream], batch: Batch) -> dict[str, Tensor]:
    """Return each head's loss, a scalar."""
    return {name: head.loss(logits[name], batch.targets(name)) for name, head in heads.items()}


def weighted_sum(heads: Mapping[str, Head], losses: Mapping[str, Tensor]) -> Tensor:
    """Return the sum of the heads' losses, each by its head's fixed weight."""
    return torch.stack([head.weight * losses[name] for name, head in heads.items()]).sum()


def rate_of(specs: Mapping[str, InputSpec], clock: float) -> float | None:
    """Return the steps per second of what a model says: its clock, none where no stream has one."""
    return clock if any(spec.rate is not None for spec in specs.values()) else None


def score(
    heads: Mapping[str, Head],
    items: Sequence[Item],
    logits: Mapping[str, Sequence[NDArray[np.float32]]],
    rate: float | None,
) -> dict[str, float]:
    """Return validation metrics as `head.metric`; `rate` as `rate_of` gives it.

    Nothing is searched for, so a transcript's are those of the best path: of phones, phone error rates.
    """
    scores = {}
    for name, head in heads.items():
        metadata = head.metadata()
        decoded = [decode(metadata, one, rate=rate) for one in logits[name]]
        targets = [item.targets.get(name) for item in items]
        if isinstance(head, Ctc):  # whose answers here are not searched for
            targets = [None if target is None else head.writes(target) for target in targets]
        for metric, interval in evaluate_head(metadata, targets, decoded, resamples=0).items():
            scores[f"{name}.{metric}"] = interval.value
    return scores
