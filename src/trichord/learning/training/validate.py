"""What a model says of prepared items, and how right it is, while learning."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from trichord.decoding import decode
from trichord.learning.batch import Batch, Item, collate
from trichord.learning.heads.head import Head
from trichord.learning.model import Model
from trichord.learning.stream import Stream
from trichord.metrics import evaluate_head
from trichord.prepare.preparation import InputSpec


@torch.no_grad()
def predict(
    model: Model, heads: Mapping[str, Head], items: Sequence[Item], batches: Sequence[Sequence[int]],
    specs: Mapping[str, InputSpec],
) -> tuple[dict[str, list[NDArray[np.float32]]], float]:  # fmt: skip
    """Return each item's logits `(time, outputs)` by head, in the items' order, and the mean loss."""
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
        answers = model(inputs).logits
        total += float(weighted_loss(heads, answers, batch)) * len(indices)
        for name, stream in answers.items():
            for row, index in enumerate(indices):
                logits[name][index] = stream.values[row, : int(stream.lengths[row])].float().cpu().numpy()
    return logits, total / max(1, len(items))


def weighted_loss(heads: Mapping[str, Head], logits: Mapping[str, Stream], batch: Batch) -> Tensor:
    """Return the weighted sum of the heads' losses."""
    return torch.stack(
        [head.weight * head.loss(logits[name], batch.targets(name)) for name, head in heads.items()]
    ).sum()


def score(
    heads: Mapping[str, Head],
    items: Sequence[Item],
    logits: Mapping[str, Sequence[NDArray[np.float32]]],
    clock: float,
) -> dict[str, float]:
    """Return validation metrics as `head.metric`."""
    scores = {}
    for name, head in heads.items():
        metadata = head.metadata()
        decoded = [decode(metadata, one, rate=clock) for one in logits[name]]
        targets = [item.targets.get(name) for item in items]
        for metric, interval in evaluate_head(metadata, targets, decoded, resamples=0).items():
            scores[f"{name}.{metric}"] = interval.value
    return scores
