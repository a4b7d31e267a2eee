"""What an exporter leaves behind that a shipped file must not hold: traces, paths, stale shapes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import onnx

from trichord.artifact import METADATA_KEY

FIXED = "fixed."
"""Begins the name of every initialiser that was given, not learned; quantisation leaves those alone."""


def clean(model: onnx.ModelProto) -> None:
    """Strip stack traces, source paths, documentation and inner shapes from a model, in place.

    Names of inputs, outputs and initialisers stay. The shapes of inner values go because the exporter's
    optimiser leaves wrong ones, which break quantisation.
    """
    for part in (model, *model.functions, *graphs(model.graph)):
        strip(part)
    for graph in (*graphs(model.graph), *model.functions):
        del graph.value_info[:]
        for node in graph.node:
            strip(node)
    for graph in graphs(model.graph):
        for entry in (*graph.input, *graph.output, *graph.initializer):
            strip(entry)


def strip(
    part: onnx.ModelProto | onnx.GraphProto | onnx.FunctionProto | onnx.NodeProto | onnx.ValueInfoProto,
) -> None:
    del part.metadata_props[:]
    part.doc_string = ""


def graphs(graph: onnx.GraphProto) -> Iterator[onnx.GraphProto]:
    """Yield a graph and every graph inside its nodes (bodies of If and Loop)."""
    yield graph
    for node in graph.node:
        for attribute in node.attribute:
            for inner in (attribute.g, *attribute.graphs):
                if inner.node:
                    yield from graphs(inner)


def rename(model: onnx.ModelProto, names: dict[str, str]) -> None:
    """Rename initialisers of the outer graph, wherever they are read, in place."""
    for initializer in model.graph.initializer:
        initializer.name = names.get(initializer.name, initializer.name)
    for graph in graphs(model.graph):
        for node in graph.node:
            for place, name in enumerate(node.input):
                node.input[place] = names.get(name, name)


def read_metadata(model: onnx.ModelProto) -> str | None:
    """Return what Trichord wrote about the model, or None."""
    return next((entry.value for entry in model.metadata_props if entry.key == METADATA_KEY), None)


def finish(model: onnx.ModelProto, path: Path, metadata: str | None) -> None:
    """Clean a model, let it carry `metadata`, check it, and write it to `path`."""
    clean(model)
    model.producer_name, model.producer_version = "trichord", ""
    if metadata is not None:
        onnx.helper.set_model_props(model, {METADATA_KEY: metadata})
    onnx.checker.check_model(model, full_check=True)
    path.write_bytes(model.SerializeToString(deterministic=True))
