"""From a run folder to the one file."""

from __future__ import annotations

import tempfile
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import onnx
from torch import nn

from trichord import __version__
from trichord.artifact import Block, Metadata
from trichord.corpora.corpus import About
from trichord.errors import InputError, RecipeError
from trichord.files import atomic
from trichord.learning.export.clean import finish
from trichord.learning.export.generative import export_halves, writers_of
from trichord.learning.export.graph import export_graph
from trichord.learning.export.quantise import quantise
from trichord.learning.export.stateful import blocks_of, export_blocks, memory_of
from trichord.learning.model import Inputs, Model
from trichord.learning.objectives.stream_dropout import StreamDropout
from trichord.learning.recipe import Recipe
from trichord.learning.stream import Stream
from trichord.learning.training.run import RunFolder, streams_of
from trichord.prepare.preparation import InputSpec
from trichord.prepare.samples import Samples


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
    heads: Collection[str] = (),
) -> Metadata:
    """Write a run's best model as one ONNX file and return what the file says of itself.

    It answers as all heads do, or those that `heads` names. A `streaming` file hears a stream block by block,
    with the weights of the other. Where a head writes unit by unit, the file is generative. Raises
    RecipeError where the model cannot, or answers nothing.
    """
    recipe, model = run.load(heads)
    if not recipe.heads:
        raise RecipeError(
            f"{run.path}: has no heads, so there is nothing to export; name it in another recipe's "
            "training.start_from"
        )
    steps = {name: writer.width for name, writer in writers_of(model).items()}
    about = run.learned_from(recipe)
    metadata = describe(recipe, about, name=target.stem, scores=scores or {}, steps=steps)
    specs = {name: stream.input.spec for name, stream in metadata.streams.items()}
    block = None
    if streaming:
        check_prepared_as_it_comes(recipe)
        block = block_of(model, specs)
        metadata = metadata.model_copy(update={"kind": "stateful", "block": block})
    with tempfile.TemporaryDirectory() as folder:
        whole = Path(folder) / "whole.onnx" if int8 else target
        if block is not None:
            export_blocks(model, specs, block, whole, metadata.dump())
        elif steps:
            export_halves(model, specs, whole, metadata.dump())
        else:
            export_graph(Logits(model), specs, whole, metadata=metadata.dump())
        if int8:
            quantise(whole, target)
    return metadata


def check_prepared_as_it_comes(recipe: Recipe) -> None:
    """Raise RecipeError where a stream of sound is prepared in a way that needs the whole of it."""
    for name, stream in recipe.streams.items():
        if isinstance(stream.prepare, Samples):
            try:
                stream.prepare.stream(stream.prepare.rate)
            except InputError as error:
                raise RecipeError(f"streams.{name}: {error}") from None


def block_of(model: Model, specs: Mapping[str, InputSpec]) -> Block:
    """Return how the model hears a stream; RecipeError where it hears only what is whole."""
    steps = blocks_of(model, specs)
    name, first = next(iter(steps.items()))
    seconds = first / (specs[name].rate or 1.0)
    return Block(seconds=seconds, steps=steps, memory=memory_of(model, specs, steps))


def set_metadata(path: Path, metadata: Metadata, target: Path | None = None) -> None:
    """Let an exported file say something else of itself, or a copy of it, the `target`."""
    model = onnx.load_model(path)
    with atomic(target or path) as temporary:
        finish(model, temporary, metadata.dump())


def describe(
    recipe: Recipe, about: About, *, name: str, scores: Mapping[str, Any], steps: Mapping[str, int]
) -> Metadata:
    """Return a fitted recipe's model-file metadata; `about` says what its weights were learned from.

    `steps` as `Metadata` has them.
    """
    resolved = recipe.resolved()
    resolved["corpus"].pop("folder", None)  # where somebody keeps a corpus is nobody else's business
    return Metadata(
        kind="generative" if steps else "offline",
        name=name,
        max_seconds=recipe.max_seconds,
        clock=recipe.clock,
        streams=streams_of(recipe),
        heads={head: part.metadata() for head, part in recipe.heads.items()},
        steps=dict(steps),
        stream_dropout=any(isinstance(objective, StreamDropout) for objective in recipe.objectives),
        recipe=resolved,
        licence=about.licence,
        data=about.title,
        scores=dict(scores),
        trichord=__version__,
    )
