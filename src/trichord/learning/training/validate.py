"""What a model says of prepared items, and how right it is, while learning."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from trichord.decoding import Decoded, decode
from trichord.decoding.generate import Beside
from trichord.learning.batch import Batch, Item, collate
from trichord.learning.heads.ctc import Ctc
from trichord.learning.heads.generate import Generate, step_of
from trichord.learning.heads.head import Head
from trichord.learning.model import Inputs, Model
from trichord.learning.objectives.objective import Objective, Outputs, changing
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
    judges = model.judging(heads)
    logits: dict[str, list[NDArray[np.float32]]] = {
        name: [np.zeros((0, 1), np.float32)] * len(items) for name in heads
    }
    total = 0.0
    for indices in batches:
        batch = collate([items[index] for index in indices], specs)
        outputs = model(inputs_for(model, batch))
        hear(outputs, batch)
        total += float(weighted_sum(heads, head_losses(judges, outputs.logits, batch))) * len(indices)
        for name, stream in outputs.logits.items():
            for row, index in enumerate(indices):
                logits[name][index] = stream.values[row, : int(stream.lengths[row])].float().cpu().numpy()
    return logits, total / max(1, len(items))


@torch.no_grad()
def loss_alone(
    model: Model, objectives: Iterable[Objective], items: Sequence[Item], batches: Sequence[Sequence[int]],
    specs: Mapping[str, InputSpec],
) -> float:  # fmt: skip
    """Return the mean loss of a model without heads: that of the objectives which teach it.

    They draw what they hide from torch's generator, seeded by the batch, so that epochs can be compared.
    """
    model.eval()
    teaching = [objective for objective in objectives if objective.teaches_alone]
    total = 0.0
    for indices in batches:
        torch.manual_seed(indices[0])
        batch = collate([items[index] for index in indices], specs)
        outputs = model(inputs_for(model, batch), changing(teaching))
        losses = [objective.loss(outputs, batch) for objective in teaching]
        total += sum(float(loss) for loss in losses if loss is not None) * len(indices)
    return total / max(1, len(items))


def inputs_for(model: Model, batch: Batch) -> Inputs:
    """Return a batch's inputs where the model is."""
    device = next(model.parameters()).device
    return {name: (values.to(device), lengths.to(device)) for name, (values, lengths) in batch.inputs.items()}


def head_losses(heads: Mapping[str, Head], logits: Mapping[str, Stream], batch: Batch) -> dict[str, Tensor]:
    """Return each head's loss, a scalar."""
    return {name: head.loss(logits[name], batch.targets(name)) for name, head in heads.items()}


def weighted_sum(heads: Mapping[str, Head], losses: Mapping[str, Tensor]) -> Tensor:
    """Return the sum of the heads' losses, each by its head's fixed weight; zero without heads."""
    if not heads:
        return torch.zeros(())
    return torch.stack([head.weight * losses[name] for name, head in heads.items()]).sum()


def rate_of(specs: Mapping[str, InputSpec], clock: float) -> float | None:
    """Return the steps per second of what a model says: its clock, none where no stream has one."""
    return clock if any(spec.rate is not None for spec in specs.values()) else None


def answered(
    heads: Mapping[str, Head], logits: Mapping[str, NDArray[np.float32]], rate: float | None,
    model: Model | None,
) -> dict[str, Decoded]:  # fmt: skip
    """Return one item's answers from its logits, by head; the model holds the decoders of some."""
    described = {name: head.metadata() for name, head in heads.items()}
    searching = {name: head.searching for name, head in heads.items() if isinstance(head, Ctc)}
    writing = {} if model is None else {name: step_of(head) for name, head in model.answering()
                                        if isinstance(head, Generate)}  # fmt: skip
    besides = {name: Beside(step, described, logits) for name, step in writing.items()}
    return {name: decode(head, logits[name], rate=rate, beam=searching.get(name), beside=besides.get(name))
            for name, head in described.items()}  # fmt: skip


def score(
    heads: Mapping[str, Head],
    items: Sequence[Item],
    logits: Mapping[str, Sequence[NDArray[np.float32]]],
    rate: float | None,
    model: Model | None = None,
) -> dict[str, float]:
    """Return validation metrics as `head.metric`; `rate` as `rate_of` gives it, of the `model` that said it.

    Nothing is searched for but by a grammar, so a transcript's are those of the best path: of phones, their
    error rate `per`.
    """
    scores: dict[str, float] = {}
    answers = [answered(heads, {name: logits[name][row] for name in heads}, rate, model)
               for row in range(len(items))]  # fmt: skip
    for name, head in heads.items():
        metadata, decoded = head.metadata(), [answer[name] for answer in answers]
        targets = [item.targets.get(name) for item in items]
        if isinstance(head, Ctc) and head.searching is None:
            targets = [None if target is None else head.writes(target) for target in targets]
            metadata = {**metadata, "beam": None}  # a best path of phones has no words
        found = evaluate_head(metadata, targets, decoded, resamples=0)
        if isinstance(head, Ctc) and head.dictionary is not None and head.searching is None:
            found = {"per": found["wer"]}
        scores |= {f"{name}.{metric}": interval.value for metric, interval in found.items()}
    return scores
