from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import ModelProto, TensorProto, helper
from tiny_models import STREAMS, echo_model, metadata, save, verb_model

from trichord.errors import ArtifactError
from trichord.running.runtime import Model
from trichord.running.runtime.external import has_external_data

VERB = metadata(("voice", "words"), ("verb",))


def refused(path: Path, expected: str) -> None:
    with pytest.raises(ArtifactError, match=expected) as caught:
        Model(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def with_stream(name: str, **changes: Any) -> dict[str, Any]:
    return VERB | {"streams": VERB["streams"] | {name: STREAMS[name] | changes}}


@pytest.mark.parametrize("content", [b"", b"random bytes, no model", bytes(1000), b"\xff" * 999, b"location"])
def test_bytes_that_are_no_model(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "no.onnx"
    path.write_bytes(content)
    refused(path, "not an ONNX file")


@settings(deadline=None, max_examples=40)
@given(st.binary(max_size=400))
def test_random_bytes(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "random.onnx"
    path.write_bytes(content)
    refused(path, "ONNX")


def test_truncated(tmp_path: Path) -> None:
    path = save(verb_model(), tmp_path / "cut.onnx", json.dumps(VERB))
    whole = path.read_bytes()
    for end in range(1, len(whole) - 1, 97):
        path.write_bytes(whole[:end])
        refused(path, "cut.onnx")


@settings(deadline=None, max_examples=60)
@given(st.data())
def test_damaged_anywhere(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    path = tmp_path_factory.getbasetemp() / "damaged.onnx"
    content = bytearray(save(verb_model(), path, json.dumps(VERB)).read_bytes())
    content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(content)
    try:
        Model(path)({"text": "go"})
    except ArtifactError as error:
        assert str(path) in str(error)


def test_unreadable(tmp_path: Path) -> None:
    refused(tmp_path / "absent.onnx", "cannot be read")
    refused(tmp_path, "cannot be read")


def test_size_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = save(verb_model(), tmp_path / "large.onnx", json.dumps(VERB))
    monkeypatch.setattr("trichord.running.runtime.file.MAX_FILE_BYTES", 100)
    refused(path, "a model file may have 100")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (None, "not Trichord's"),
        ("", "not JSON"),
        ("[1, 2]", "not valid"),
        ("[" * 100_000, "not JSON"),
        (json.dumps(VERB | {"format": 2}), "this version reads 1"),
        (json.dumps(VERB | {"max_seconds": math.nan}), "max_seconds"),
        (json.dumps(VERB | {"clock": math.inf}), "clock"),
        (json.dumps(VERB | {"surprise": 1}), "surprise"),
        (json.dumps({k: v for k, v in VERB.items() if k != "heads"}), "heads"),
        (json.dumps(VERB | {"kind": "stateful"}), "what its blocks are"),
        (json.dumps(VERB | {"streams": {"voice": STREAMS["voice"]}}), "its metadata describes"),
        (json.dumps(VERB | {"heads": {"noun": VERB["heads"]["verb"]}}), "its metadata describes"),
        (json.dumps(VERB | {"heads": {"verb": {"kind": "classify", "labels": ["a"]}}}), "head 'verb'"),
        (json.dumps(VERB | {"heads": {"verb": {"kind": "clasify"}}}), "did you mean 'classify'"),
        (json.dumps(with_stream("voice", input={"kind": "frames", "rate": 25})), "uint8"),
        (json.dumps(with_stream("voice", input={"kind": "samples", "rate": 8000})), "its graph input is"),
        (json.dumps(with_stream("voice", prepare={"kind": "sampels"})), "did you mean 'samples'"),
        (json.dumps(with_stream("words", state={})), "vocabulary"),
        (json.dumps(with_stream("words", state={"vocabulary": [1]})), "vocabulary"),
        (json.dumps(with_stream("words", input={"kind": "tokens", "vocabulary": 50})), "its graph input is"),
    ],
)
def test_metadata_that_does_not_fit(tmp_path: Path, text: str | None, expected: str) -> None:
    refused(save(verb_model(), tmp_path / "wrong.onnx", text), expected)


def test_fixed_batch(tmp_path: Path) -> None:
    model = echo_model()
    model.graph.input[0].type.tensor_type.shape.dim[0].dim_value = 2
    text = json.dumps(metadata(("signal",), ("transcript",)))
    refused(save(model, tmp_path / "fixed.onnx", text), "'signal' is tensor")


def external(location: str) -> TensorProto:
    tensor = TensorProto(name="weights", data_type=TensorProto.FLOAT, dims=[4, 4])
    tensor.data_location = TensorProto.EXTERNAL
    entry = tensor.external_data.add()
    entry.key, entry.value = "location", location
    return tensor


def with_external(location: str, *, in_node: bool) -> ModelProto:
    model = echo_model()
    if in_node:
        constant = helper.make_node("Constant", [], ["weights"], value=external(location))
        model.graph.node.insert(0, constant)
    else:
        model.graph.initializer.append(external(location))
    model.graph.node[-2].CopyFrom(helper.make_node("MatMul", ["signal", "weights"], ["transcript"]))
    return model


@pytest.mark.parametrize("in_node", [False, True])
def test_weights_in_other_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, in_node: bool) -> None:
    monkeypatch.chdir(tmp_path)
    Path("secret.bin").write_bytes(np.ones(16, np.float32).tobytes())
    model = with_external("secret.bin", in_node=in_node)
    text = json.dumps(metadata(("signal",), ("transcript",)))
    refused(save(model, tmp_path / "external.onnx", text), "keeps weights in other files")


def test_a_label_may_be_called_location() -> None:
    model = echo_model()
    helper.set_model_props(model, {"trichord": '{"labels": ["location"]}'})
    assert not has_external_data(model.SerializeToString())
    weights = model.graph.initializer.add()
    weights.data_location = TensorProto.DEFAULT  # as quantisation writes it
    assert weights.HasField("data_location")
    assert not has_external_data(model.SerializeToString())
    weights.data_location = TensorProto.EXTERNAL
    assert has_external_data(model.SerializeToString())


@settings(deadline=None)
@given(st.binary(max_size=300))
def test_the_walk_ends(content: bytes) -> None:
    try:
        has_external_data(b"location" + content)
        has_external_data(content + b"location")
    except ValueError as error:
        assert str(error)


def swollen(size: int) -> ModelProto:
    """Ask for `size` zeros in the middle of the graph."""
    model = echo_model()
    model.graph.initializer.append(helper.make_tensor("size", TensorProto.INT64, [1], [size]))
    nodes = [
        helper.make_node("ConstantOfShape", ["size"], ["zeros"]),
        helper.make_node("ReduceSum", ["zeros"], ["none"], keepdims=0),
        helper.make_node("Add", ["signal", "none"], ["transcript"]),
    ]
    del model.graph.node[0]
    model.graph.node.extend(nodes)
    return model


@pytest.mark.parametrize("size", [1 << 33, 1 << 50, (1 << 63) - 1])
def test_huge_dimensions(tmp_path: Path, size: int) -> None:
    path = save(swollen(size), tmp_path / "huge.onnx", json.dumps(metadata(("signal",), ("transcript",))))
    with pytest.raises(ArtifactError, match=r"huge\.onnx: "):
        Model(path)({"sensor": np.zeros((3, 4), np.float32)})


def endless() -> ModelProto:
    model = echo_model()
    signal = helper.make_tensor_value_info
    body = helper.make_graph(
        [helper.make_node("Identity", ["going"], ["on"]), helper.make_node("Neg", ["a"], ["b"])],
        "body",
        [signal("i", TensorProto.INT64, []), signal("going", TensorProto.BOOL, []),
         signal("a", TensorProto.FLOAT, None)],
        [signal("on", TensorProto.BOOL, []), signal("b", TensorProto.FLOAT, None)],
    )  # fmt: skip
    model.graph.initializer.append(helper.make_tensor("true", TensorProto.BOOL, [], [True]))
    model.graph.node[0].CopyFrom(helper.make_node("Loop", ["", "true", "signal"], ["transcript"], body=body))
    return model


def test_a_graph_that_never_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trichord.running.runtime.model.PATIENCE_SECONDS", 0.3)
    path = save(endless(), tmp_path / "endless.onnx", json.dumps(metadata(("signal",), ("transcript",))))
    with pytest.raises(ArtifactError, match="its graph failed"):
        Model(path)({"sensor": np.zeros((3, 4), np.float32)})


def test_a_graph_that_gives_nan(tmp_path: Path) -> None:
    model = echo_model()
    model.graph.node[0].op_type = "Log"
    path = save(model, tmp_path / "nan.onnx", json.dumps(metadata(("signal",), ("transcript",))))
    with pytest.raises(ArtifactError, match="gave NaN"):
        Model(path)({"sensor": -np.ones((3, 4), np.float32)})
