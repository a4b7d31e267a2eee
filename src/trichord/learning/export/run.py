"""From a run folder to the one file."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import onnx
from torch import nn

from trichord import __version__
from trichord.artifact import Block, Metadata
from trichord.files import atomic
from trichord.learning.export.clean import finish
from trichord.learning.export.graph import export_graph
from trichord.learning.export.quantise import quantise
from trichord.learning.export.stateful import blocks_of, export_blocks, memory_of
from trichord.learning.model import Inputs, Model
from trichord.learning.objectives.stream_dropout import StreamDropout
from trichord.learning.recipe import Recipe
from trichord.learning.stream import Stream
from trichord.learning.training.run import RunFolder, streams_of
from trichord.prepare.preparation import InputSpec


class Logits(nn.Module):
    """The part of a model that a file holds: prepared inputs to logits by head."""

    def __init__(self, model: Model) -> None:
        super().__init__()
        self.model = model

    def forward(self, inputs: Inputs) -> dict[str, Stream]:
        return dict(self.model(inputs).logits)


def export_run(
    run: RunFolder,
    target: Path,
    *,
    int8: bool = False,
    streaming: bool = False,
    scores: Mapping[str, Any] | None = None,
) -> Metadata:
    """Write a run's best model as one ONNX file and return what the file says of itself.

    A `streaming` file hears a stream block by block, with the weights of the other. Raises RecipeError where
    the model cannot.
    """
    recipe, model = run.load()
    metadata = describe(recipe, name=target.stem, scores=scores or {})
    specs = {name: stream.input.spec for name, stream in metadata.streams.items()}
    if streaming:
        metadata = metadata.model_copy(update={"kind": "stateful", "block": block_of(model, specs)})
    with tempfile.TemporaryDirectory() as folder:
        whole = Path(folder) / "whole.onnx" if int8 else target
        if streaming:
            export_blocks(model, specs, whole, metadata.dump())
        else:
            export_graph(Logits(model), specs, whole, metadata=metadata.dump())
        if int8:
            quantise(whole, target)
    return metadata


def block_of(model: Model, specs: Mapping[str, InputSpec]) -> Block:
    """Return how the model hears a stream; RecipeError where it hears only what is whole."""
    steps = blocks_of(model, specs)
    name, first = next(iter(steps.items()))
    memory = tuple(tuple(tensor.shape[1:]) for tensor in memory_of(model, specs, steps))
    return Block(seconds=first / (specs[name].rate or 1.0), steps=steps, memory=memory)


def set_metadata(path: Path, metadata: Metadata) -> None:
    """Let an exported file say something else of itself."""
    model = onnx.load_model(path)
    with atomic(path) as temporary:
        finish(model, temporary, metadata.dump())


def describe(recipe: Recipe, *, name: str, scores: Mapping[str, Any]) -> Metadata:
    """Return a fitted recipe's model-file metadata."""
    about, resolved = recipe.corpus.about, recipe.resolved()
    resolved["corpus"].pop("folder", None)  # where somebody keeps a corpus is nobody else's business
    return Metadata(
        name=name,
        max_seconds=recipe.max_seconds,
        clock=recipe.clock,
        streams=streams_of(recipe),
        heads={head: part.metadata() for head, part in recipe.heads.items()},
        stream_dropout=any(isinstance(objective, StreamDropout) for objective in recipe.objectives),
        recipe=resolved,
        licence=about.licence,
        data=about.title,
        scores=dict(scores),
        trichord=__version__,
    )
