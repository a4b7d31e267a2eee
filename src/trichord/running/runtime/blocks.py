"""A stateful model's graph, run block by block."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from trichord.artifact import Block, memory_name
from trichord.errors import ArtifactError
from trichord.prepare.preparation import Array, pad

if TYPE_CHECKING:
    from trichord.running.runtime.model import Model


class Blocks:
    """So many streams of sound heard side by side, and what the model remembers of each: a fixed size."""

    def __init__(self, model: Model, streams: int = 1) -> None:
        self.model, self.block = model, block_of(model)
        self.memory: list[Array] = [np.zeros((streams, *shape), np.float32) for shape in self.block.memory]

    def push(self, arrays: Sequence[Mapping[str, Array]]) -> list[dict[str, Array]]:
        """Return each stream's logits by head `(steps, outputs)`, after the next block of prepared arrays.

        One mapping for each of the streams; an array shorter than a block is the last one of its stream, and
        one that is missing is over.
        """
        fed: dict[str, Array] = {}
        for name, steps in self.block.steps.items():
            spec = self.model.streams[name].input.spec
            values, lengths = pad([item.get(name) for item in arrays], spec)
            missing = [(0, 0), (0, steps - values.shape[1])] + [(0, 0)] * len(spec.shape)
            fed[name], fed[f"{name}_lengths"] = np.pad(values, missing), lengths
        fed |= {memory_name(number): past for number, past in enumerate(self.memory)}
        given = self.model.run(fed)
        self.memory = [self.remembered(given, number) for number in range(len(self.memory))]
        return [
            {head: self.model.item(given, head, row) for head in self.model.heads}
            for row in range(len(arrays))
        ]

    def remembered(self, given: Mapping[str, Array], number: int) -> Array:
        past = given[memory_name(number, after=True)]
        if past.shape != self.memory[number].shape or not np.isfinite(past).all():
            raise ArtifactError(f"{self.model.path}: its memory came out {past.shape}, or not finite")
        return past


def block_of(model: Model) -> Block:
    """Return how a model hears a stream; raises ArtifactError where it hears only what is whole."""
    if model.metadata.block is None:
        raise ArtifactError(
            f"{model.path}: hears only what is whole; for one that hears a stream as it comes, train with "
            "causal: true and use 'trichord export --streaming'"
        )
    return model.metadata.block


def in_blocks(model: Model, inputs: Sequence[Mapping[str, Array]]) -> list[dict[str, Array]]:
    """Return whole items' logits by head, as a stream of them would have given them."""
    blocks = Blocks(model, len(inputs))
    steps = blocks.block.steps
    count = max((-(-len(array) // steps[name]) for item in inputs for name, array in item.items()), default=0)
    parts = []
    for number in range(max(count, 1)):
        cut = [
            {name: array[number * steps[name] : (number + 1) * steps[name]] for name, array in item.items()}
            for item in inputs
        ]
        parts.append(blocks.push(cut))
    return [{head: joined(model, head, [part[row][head] for part in parts]) for head in model.heads}
            for row in range(len(inputs))]  # fmt: skip


def joined(model: Model, head: str, parts: Sequence[Array]) -> Array:
    """Return a head's logits of all blocks, one behind the other."""
    if len({part.shape[1:] for part in parts}) > 1:
        raise ArtifactError(f"{model.path}: head {head!r} gave logits of several widths")
    return np.concatenate(parts)
