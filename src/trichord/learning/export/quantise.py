"""A model file in about a third of its bytes: int8 weights, and int8 arithmetic where it is as fast.

Three treatments, chosen by measurement. Matrix products and embeddings compute in int8 (weights per output
channel, activations scaled as they come). Convolutions and recurrent layers, which int8 arithmetic makes
slower and coarser, only store their weights as int8; ONNX Runtime turns those back into floats once, when
it loads the file. What was given and not learned, such as the Fourier basis of a front end, stays as it is:
even float16 buries a quiet band under a loud tone. Such tables stay small by being computed in the graph.
"""

from __future__ import annotations

import logging
import math
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]
from onnx import numpy_helper
from onnxruntime.quantization import QuantType, quantize_dynamic

from trichord.errors import ArtifactError
from trichord.files import atomic
from trichord.learning.export.clean import FIXED, finish, read_metadata

INT8_OPERATORS = ("MatMul", "Gemm", "Gather")
SMALLEST = 512  # numbers; below this a scale and two nodes cost about what int8 saves


@dataclass(frozen=True, slots=True)
class Report:
    """Sizes of a model file in bytes, before and after quantisation."""

    before: int
    after: int

    @property
    def ratio(self) -> float:
        return self.after / self.before


def quantise(source: Path, target: Path) -> Report:
    """Write the model file `source` as the int8 model file `target`, metadata included.

    Raises ArtifactError where `source` is not a model file.
    """
    model = read(source)
    metadata = read_metadata(model)
    model = in_int8_arithmetic(model)
    for weight in list(model.graph.initializer):
        if is_large_and_learned(weight):
            store_int8(model.graph, weight)
    with atomic(target) as temporary:
        finish(model, temporary, metadata)
    return Report(source.stat().st_size, target.stat().st_size)


def read(source: Path) -> onnx.ModelProto:
    try:
        model = onnx.load(source)
        onnx.checker.check_model(model)
    except (DecodeError, OSError, onnx.checker.ValidationError) as error:
        reason = str(error).partition("\n")[0]
        raise ArtifactError(f"{source}: cannot be read as an ONNX model ({reason})") from None
    return model


def in_int8_arithmetic(model: onnx.ModelProto) -> onnx.ModelProto:
    """Return the model with its learned matrix products and embeddings in dynamic int8."""
    fixed = [node.name for node in model.graph.node if any(name.startswith(FIXED) for name in node.input)]
    with tempfile.TemporaryDirectory() as folder, without_advice():
        path = Path(folder) / "int8.onnx"
        quantize_dynamic(
            model,
            path,
            op_types_to_quantize=list(INT8_OPERATORS),
            nodes_to_exclude=fixed,
            per_channel=True,
            reduce_range=True,  # 7 bits: processors without VNNI add two 8-bit products in 16 bits, and clip
            weight_type=QuantType.QInt8,
            extra_options={"MatMulConstBOnly": True},
        )
        return onnx.load(path)


@contextmanager
def without_advice() -> Iterator[None]:
    """Mute ONNX Runtime's advice, on the root logger, to preprocess the model first."""
    root = logging.getLogger()
    level = root.level
    root.setLevel(logging.ERROR)
    try:
        yield
    finally:
        root.setLevel(level)


def is_large_and_learned(weight: onnx.TensorProto) -> bool:
    is_matrix = weight.data_type == onnx.TensorProto.FLOAT and len(weight.dims) >= 2
    return is_matrix and math.prod(weight.dims) >= SMALLEST and not weight.name.startswith(FIXED)


def store_int8(graph: onnx.GraphProto, weight: onnx.TensorProto) -> None:
    """Store a learned weight as int8 with one scale for each output channel.

    Cast and Mul, unlike DequantizeLinear, are worked out once at load, so the layer runs as it did.
    """
    values = numpy_helper.to_array(weight)
    axes = tuple(range(1, values.ndim)) if feeds_convolution(graph, weight.name) else (values.ndim - 1,)
    scale = np.maximum(np.abs(values).max(axes, keepdims=True), 1e-12) / np.float32(127)
    whole = weight.name
    weight.CopyFrom(numpy_helper.from_array(np.round(values / scale).astype(np.int8), f"{whole}.int8"))
    graph.initializer.append(numpy_helper.from_array(scale.astype(np.float32), f"{whole}.scale"))
    scaled = onnx.helper.make_node("Mul", [f"{whole}.float", f"{whole}.scale"], [whole], f"{whole}.Mul")
    graph.node.insert(0, scaled)
    graph.node.insert(0, to_float(weight.name, f"{whole}.float"))


def feeds_convolution(graph: onnx.GraphProto, name: str) -> bool:
    return any(name in node.input for node in graph.node if node.op_type.startswith("Conv"))


def to_float(source: str, target: str) -> onnx.NodeProto:
    return onnx.helper.make_node("Cast", [source], [target], f"{target}.Cast", to=onnx.TensorProto.FLOAT)
