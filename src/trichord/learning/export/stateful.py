"""A model that hears a stream as it comes, as one ONNX graph: a block and the past in, both out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.export import Dim

from trichord.artifact import Block, memory_name
from trichord.errors import RecipeError
from trichord.learning.export.graph import (
    evaluating,
    example,
    feeds_of,
    refuse_shared_names,
    with_lengths,
    write_graph,
)
from trichord.learning.memory import Memory
from trichord.learning.model import Model
from trichord.prepare.preparation import InputSpec


class InBlocks(nn.Module):
    """A model as a function of a flat list of tensors: the streams' blocks with lengths, then the memory."""

    def __init__(self, model: Model, streams: Sequence[str]) -> None:
        super().__init__()
        self.model, self.streams = model, tuple(streams)

    def forward(self, *tensors: Tensor) -> tuple[Tensor, ...]:
        split = 2 * len(self.streams)
        pairs = zip(tensors[:split:2], tensors[1:split:2], strict=True)
        memory = Memory(tensors[split:])
        logits = self.model(dict(zip(self.streams, pairs, strict=True)), memory=memory).logits
        said = [tensor.clone() for stream in logits.values() for tensor in stream[:2]]
        return (*said, *(kept.clone() for kept in memory.kept))


def blocks_of(model: Model, specs: Mapping[str, InputSpec]) -> dict[str, int]:
    """Return how many steps of each stream's input a block has.

    Raises RecipeError for a model that hears only what is whole: a part of it looks at all of a clip, or its
    streams come in blocks of different duration.
    """
    whole = [name for name, head in model.answering() if not head.by_step]
    if whole:
        raise RecipeError(
            f"head {whole[0]!r} answers once a clip, so the model cannot answer block by block; export the "
            "others alone, with --head"
        )
    if not all(fusion.by_step for fusion in model.fusing()):
        raise RecipeError("its fusion looks across time, so the model cannot answer block by block")
    if getattr(model, "trunk", None) is not None:
        raise RecipeError("a trunk reads the whole fused stream, so the model cannot answer block by block")
    blocks = {}
    for name, encoder in model.encoders.items():
        try:
            blocks[name] = encoder.block(model.clock)
        except RecipeError as error:
            raise RecipeError(f"stream {name!r}: {error}") from None
    seconds = {round(steps / (specs[name].rate or 1), 6) for name, steps in blocks.items()}
    if len(seconds) > 1:
        raise RecipeError(f"the streams take blocks of {sorted(seconds)} seconds; give all the same chunk_ms")
    return blocks


def memory_of(
    model: Model, specs: Mapping[str, InputSpec], blocks: Mapping[str, int]
) -> tuple[tuple[int, ...], ...]:
    """Return the shapes `(steps, ...)` of what a stream leaves in memory, in the order of the layers."""
    memory = Memory(blockwise=True)
    with torch.no_grad(), evaluating(model):
        model({name: example(spec, 2, blocks[name]) for name, spec in specs.items()}, memory=memory)
    return tuple(tuple(kept.shape[1:]) for kept in memory.kept)


def export_blocks(
    model: Model, specs: Mapping[str, InputSpec], block: Block, path: Path, metadata: str
) -> None:
    """Write the model as a graph of one block of fixed size, for any number of streams heard side by side.

    It takes `NAME` and `NAME_lengths` for every stream, and `memory.0` and on; it gives `HEAD` and
    `HEAD_lengths` for every head, and `memory.0.next` and on.
    """
    heads = tuple(dict(model.answering()))
    refuse_shared_names(tuple(specs), heads)
    feeds = feeds_of({name: example(spec, 2, block.steps[name]) for name, spec in specs.items()})
    feeds |= {memory_name(number): torch.zeros(2, *shape) for number, shape in enumerate(block.memory)}
    outputs = [*with_lengths(heads), *(memory_name(n, after=True) for n in range(len(block.memory)))]
    batch = Dim("batch", min=1)
    write_graph(InBlocks(model, tuple(specs)), feeds, outputs, [{0: batch}] * len(feeds), path, metadata)
