"""A torch module becomes one ONNX graph: raw prepared inputs in, logits and their lengths out."""

from __future__ import annotations

import contextlib
import io
import logging
import warnings
from collections.abc import Iterator, Mapping, Sequence, Set
from functools import partial
from pathlib import Path
from typing import Any

import torch
from onnxscript import optimizer
from torch import Tensor, nn
from torch.export import Dim

from trichord.errors import RecipeError
from trichord.files import atomic
from trichord.learning.export.clean import FIXED, finish, rename
from trichord.learning.stream import Stream
from trichord.prepare.preparation import InputSpec

OPSET = 20  # 23 brings an Attention operator that refuses broadcast masks in ONNX Runtime
LARGEST_FOLDED = 1 << 28  # numbers; the optimiser's own limit would leave large weights untransposed
EXAMPLE_STEPS = {"samples": 8_000, "frames": 13, "tokens": 7, "array": 17}
STEP_NAMES = {"samples": "samples", "frames": "frames", "tokens": "tokens", "array": "steps"}


def export_graph(
    module: nn.Module, inputs: Mapping[str, InputSpec], path: Path, *, metadata: str | None = None
) -> None:
    """Write `module` as an ONNX file that takes any batch and any time, zero included.

    `module` maps `{stream: (values (batch, time, ...), lengths (batch,))}` to `{output: Stream}`. The graph
    takes `NAME` and `NAME_lengths` for every stream in order, and gives `OUT` and `OUT_lengths`. `metadata`
    is stored under the key `trichord`. Raises RecipeError where an output bears a stream's name.
    """
    flat = Flat(module, tuple(inputs))
    example = example_inputs(inputs)
    with torch.no_grad(), evaluating(module):
        outputs = tuple(module(example))
    refuse_shared_names(tuple(inputs), outputs)
    write_graph(flat, feeds_of(example), with_lengths(outputs), dynamic_shapes(inputs), path, metadata)


def write_graph(
    flat: nn.Module,
    feeds: Mapping[str, Tensor],
    outputs: Sequence[str],
    free: Sequence[Mapping[int, Any]],
    path: Path,
    metadata: str | None,
) -> None:
    """Write a function of a flat list of tensors, `forward(self, *tensors)`, as an ONNX file.

    `feeds` are its inputs by name, as examples, and `free` says which dimensions of each may vary.
    """
    with torch.no_grad(), evaluating(flat), quiet():
        program = torch.onnx.export(
            flat,
            tuple(feeds.values()),
            dynamo=True,
            external_data=False,
            opset_version=OPSET,
            input_names=list(feeds),
            output_names=list(outputs),
            dynamic_shapes={"tensors": tuple(free)},
            optimize=False,
            verbose=False,
        )
        assert program is not None  # torch returns None only for its older exporter
        fixed = {name for name, _ in flat.named_buffers(remove_duplicate=False)}  # parts may share one
        optimizer.optimize_ir(
            program.model, output_size_limit=LARGEST_FOLDED, should_fold=partial(may_fold, fixed)
        )
    model = program.model_proto
    rename(model, {name: FIXED + name for name in fixed})
    with atomic(path) as temporary:
        finish(model, temporary, metadata)


def may_fold(fixed: Set[str], node: Any) -> bool | None:
    """Return False for a node that reads a buffer, None (the optimiser decides) for any other.

    So a table that a module computes from small buffers stays a computation: the file is small, and ONNX
    Runtime works the table out once, when it loads. And buffers keep their names, which quantisation reads.
    """
    reads = {value.name for value in node.inputs if value is not None}
    return None if reads.isdisjoint(fixed) else False


class Flat(nn.Module):
    """A module of named streams as a function of a flat list of tensors, which is what a graph is."""

    def __init__(self, module: nn.Module, names: tuple[str, ...]) -> None:
        super().__init__()
        self.module, self.names = module, names

    def forward(self, *tensors: Tensor) -> tuple[Tensor, ...]:
        pairs = zip(tensors[::2], tensors[1::2], strict=True)
        outputs: Mapping[str, Stream] = self.module(dict(zip(self.names, pairs, strict=True)))
        # An output that is also an input, or another output, would lose its name: hence the copies.
        return tuple(tensor.clone() for stream in outputs.values() for tensor in stream[:2])


def with_lengths(names: tuple[str, ...]) -> list[str]:
    """Return `NAME`, `NAME_lengths` for every name."""
    return [full for name in names for full in (name, f"{name}_lengths")]


def feeds_of(streams: Mapping[str, tuple[Tensor, Tensor]]) -> dict[str, Tensor]:
    """Return values and lengths of every stream under the names of a graph's inputs."""
    tensors = (tensor for pair in streams.values() for tensor in pair)
    return dict(zip(with_lengths(tuple(streams)), tensors, strict=True))


def refuse_shared_names(inputs: tuple[str, ...], outputs: tuple[str, ...]) -> None:
    """Raise RecipeError where an input and an output of the graph would share a name."""
    shared = set(with_lengths(inputs)) & set(with_lengths(outputs))
    if shared:
        raise RecipeError(
            f"{min(shared)!r} names both a stream and a head, and one model file cannot hold both; rename one"
        )


def example_inputs(inputs: Mapping[str, InputSpec]) -> dict[str, tuple[Tensor, Tensor]]:
    """Return a batch of two for every stream, the second shorter: what the exporter traces."""
    return {name: example(spec, 2, EXAMPLE_STEPS[spec.kind] + order)
            for order, (name, spec) in enumerate(inputs.items())}  # fmt: skip


def example(spec: InputSpec, batch: int, steps: int) -> tuple[Tensor, Tensor]:
    """Return zeros `(batch, steps, ...)` of a spec's type, and lengths `(batch,)` from `steps` down."""
    dtype = torch.from_numpy(spec.empty()).dtype
    lengths = torch.tensor([max(1, steps - row) for row in range(batch)])
    return torch.zeros((batch, steps, *spec.shape), dtype=dtype), lengths


def dynamic_shapes(inputs: Mapping[str, InputSpec]) -> tuple[dict[int, Any], ...]:
    """Return the free dimensions of every graph input: the batch from 1, the time from 0."""
    batch = Dim("batch", min=1)
    shapes: list[dict[int, Any]] = []
    for name, spec in inputs.items():
        shapes += [{0: batch, 1: Dim(f"{name}_{STEP_NAMES[spec.kind]}", min=0)}, {0: batch}]
    return tuple(shapes)


@contextlib.contextmanager
def evaluating(module: nn.Module) -> Iterator[None]:
    """Put a module and all its parts in evaluation mode, and each back as it was."""
    modes = [(part, part.training) for part in module.modules()]
    module.eval()
    try:
        yield
    finally:
        for part, training in modes:
            part.training = training


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Silence the exporter's progress lines and the deprecations inside it; errors still speak."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.filterwarnings("ignore", category=DeprecationWarning)
        warnings.filterwarnings("ignore", category=FutureWarning)
        warnings.filterwarnings("ignore", message="# The axis name")
        warnings.filterwarnings("ignore", message="The tensor attributes .*_flat_weights")  # torch's own LSTM
        try:
            yield
        finally:
            logger.setLevel(level)
