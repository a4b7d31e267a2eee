"""A model that writes, as one ONNX graph of two halves: the clip encoded, and a step of each decoder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.export import Dim

from trichord.artifact import step_inputs, step_outputs
from trichord.learning.export.graph import (
    dynamic_shapes,
    example_inputs,
    feeds_of,
    refuse_shared_names,
    with_lengths,
    write_graph,
)
from trichord.learning.heads.generate import Generate
from trichord.learning.model import Model
from trichord.learning.stream import Stream
from trichord.prepare.preparation import InputSpec

EXAMPLE = {"texts": 2, "units": 3, "time": 11, "past": 5}


class Halves(nn.Module):
    """A model as a function of a flat list of tensors: the streams with lengths, then each decoder's four."""

    def __init__(self, model: Model, streams: Sequence[str]) -> None:
        super().__init__()
        self.model, self.streams = model, tuple(streams)
        self.writers = cast(Sequence[Generate], nn.ModuleList(writers_of(model).values()))

    def forward(self, *tensors: Tensor) -> tuple[Tensor, ...]:
        split = 2 * len(self.streams)
        pairs = zip(tensors[:split:2], tensors[1:split:2], strict=True)
        logits = self.model(dict(zip(self.streams, pairs, strict=True))).logits
        given = [tensor for stream in logits.values() for tensor in stream[:2]]
        for number, writer in enumerate(self.writers):
            units, told, lengths, past = tensors[split + 4 * number :][:4]
            given += writer.write(units, Stream(told, lengths), past)
        return tuple(tensor.clone() for tensor in given)


def writers_of(model: Model) -> dict[str, Generate]:
    """Return the heads that write unit by unit, by name."""
    return {name: head for name, head in model.answering() if isinstance(head, Generate)}


def export_halves(model: Model, specs: Mapping[str, InputSpec], path: Path, metadata: str) -> None:
    """Write the model as a graph that encodes clips, and beside it takes a step of each decoder.

    Besides what `export_graph` writes, it takes `step_inputs` and gives `step_outputs` for every head that
    writes. Both halves take any batch; times and the past may be zero.
    """
    heads = tuple(dict(model.answering()))
    refuse_shared_names(tuple(specs), heads)
    feeds, free = feeds_of(example_inputs(specs)), list(dynamic_shapes(specs))
    outputs = with_lengths(heads)
    for name, writer in writers_of(model).items():
        feeds |= dict(zip(step_inputs(name), step_example(writer), strict=True))
        free += step_shapes(name)
        outputs += step_outputs(name)
    write_graph(Halves(model, tuple(specs)), feeds, outputs, free, path, metadata)


def step_example(writer: Generate) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    texts, time = EXAMPLE["texts"], EXAMPLE["time"]
    return (
        torch.zeros(texts, EXAMPLE["units"], dtype=torch.long),
        torch.zeros(texts, time, writer.width),
        torch.tensor([time, 1]),
        torch.zeros(texts, EXAMPLE["past"], writer.width),
    )


def step_shapes(head: str) -> list[dict[int, Any]]:
    """Return the free dimensions of a decoder's inputs."""
    texts = Dim(f"{head}_texts", min=1)
    units, time, past = (
        Dim(f"{head}_{what}", min=least) for what, least in (("units", 1), ("time", 0), ("past", 0))
    )
    return [{0: texts, 1: units}, {0: texts, 1: time}, {0: texts}, {0: texts, 1: past}]
