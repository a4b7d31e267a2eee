"""Prepared clips, and batches of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from trichord.clip import Target
from trichord.prepare.preparation import Array, InputSpec, pad


@dataclass(frozen=True, slots=True)
class Item:
    """A clip whose inputs are prepared: by stream name, one array each, absent ones left out."""

    id: str
    inputs: Mapping[str, Array]
    targets: Mapping[str, Target] = field(default_factory=dict)
    about: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Batch:
    """Items padded together: `inputs[stream]` is `(values (batch, time, ...), lengths (batch,))`."""

    items: Sequence[Item]
    inputs: Mapping[str, tuple[Tensor, Tensor]]

    def targets(self, head: str) -> list[Target | None]:
        return [item.targets.get(head) for item in self.items]


def collate(items: Sequence[Item], specs: Mapping[str, InputSpec]) -> Batch:
    """Pad items into one batch; a stream that no item has gets time zero."""
    inputs = {}
    for name, spec in specs.items():
        values, lengths = pad([item.inputs.get(name) for item in items], spec)
        inputs[name] = torch.from_numpy(values), torch.from_numpy(lengths)
    return Batch(items, inputs)
