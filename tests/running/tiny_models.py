"""Model files made by hand, so that the runtime is tested without training."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from onnx import ModelProto, TensorProto, helper, numpy_helper

RATE = 16000
VERBS = ["go", "stop", "turn"]
LETTERS = ["", " ", "a", "b"]
FEELINGS = ["calm", "glad", "sad"]
VOCABULARY = ["go", "now", "stop", "turn"]
VOICE = np.array([3.0, -1.0, 0.5], np.float32)  # how loudness speaks for each verb
WORDS = np.array([[0, 0, 0], [2, 0, 0], [0, 0, 0], [0, 2, 0], [0, 0, 2]], np.float32)

STREAMS: dict[str, dict[str, Any]] = {
    "voice": {"source": "audio", "prepare": {"kind": "samples"}, "input": {"kind": "samples", "rate": RATE}},
    "words": {
        "source": "text",
        "prepare": {"kind": "words"},
        "state": {"vocabulary": VOCABULARY},
        "input": {"kind": "tokens", "vocabulary": 5},
    },
    "signal": {
        "source": "sensor",
        "prepare": {"kind": "array", "normalise": False},
        "state": {"rate": 25.0, "mean": [0.0] * 4, "deviation": [1.0] * 4},
        "input": {"kind": "array", "rate": 25.0, "shape": [4]},
    },
}
STREAMS |= {  # of utterances, which have no clock
    name: {
        "source": name,
        "prepare": {"kind": "array", "normalise": False},
        "state": {"rate": None, "mean": [0.0] * 3, "deviation": [1.0] * 3},
        "input": {"kind": "array", "shape": [3]},
    }
    for name in ("face", "tone")
}
HEADS: dict[str, dict[str, Any]] = {
    "verb": {"kind": "classify", "labels": VERBS},
    "transcript": {"kind": "ctc", "units": "character", "labels": LETTERS},
    "feeling": {"kind": "tag", "labels": FEELINGS, "outside": None},
}


def metadata(streams: tuple[str, ...], heads: tuple[str, ...], **changes: Any) -> dict[str, Any]:
    return {
        "format": 1,
        "name": "tiny",
        "max_seconds": 5,
        "clock": 25,
        "streams": {name: STREAMS[name] for name in streams},
        "heads": {name: HEADS[name] for name in heads},
        "stream_dropout": True,
    } | changes


def verb_model() -> ModelProto:
    """verb = VOICE x the mean magnitude of the voice + the sum of its words' rows of WORDS."""
    node = helper.make_node
    nodes = [
        *masked("voice", "voice_sum"),
        node("Cast", ["voice_lengths"], ["voice_float"], to=TensorProto.FLOAT),
        node("Max", ["voice_float", "one_float"], ["voice_count"]),
        node("Div", ["voice_sum", "voice_count"], ["loudness"]),
        node("Unsqueeze", ["loudness", "axis1"], ["loudness1"]),
        node("Mul", ["loudness1", "voice_weights"], ["by_voice"]),
        node("Gather", ["word_weights", "words"], ["rows"]),
        node("ReduceSum", ["rows", "axis1"], ["by_words"], keepdims=0),  # padding is row 0: zeros
        node("Add", ["by_voice", "by_words"], ["sum"]),
        node("Unsqueeze", ["sum", "axis1"], ["verb"]),
        node("Add", ["voice_lengths", "words_lengths"], ["total"]),
        node("Min", ["total", "one"], ["verb_lengths"]),
    ]
    constants = {
        "axis1": np.array([1]), "one": np.array([1]), "one_float": np.array([1], np.float32),
        "zero_float": np.array(0, np.float32), "start": np.array(0), "step": np.array(1),
        "time_axis": np.array(1), "voice_weights": VOICE[None], "word_weights": WORDS,
    }  # fmt: skip
    inputs = {
        "voice": (TensorProto.FLOAT, ["batch", "samples"]), "voice_lengths": (TensorProto.INT64, ["batch"]),
        "words": (TensorProto.INT64, ["batch", "tokens"]), "words_lengths": (TensorProto.INT64, ["batch"]),
    }  # fmt: skip
    outputs = {"verb": (TensorProto.FLOAT, ["batch", 1, 3]), "verb_lengths": (TensorProto.INT64, ["batch"])}
    return graph(nodes, constants, inputs, outputs)


def masked(name: str, total: str) -> list[Any]:
    """Sum the magnitudes of a stream of samples up to its length."""
    node = helper.make_node
    return [
        node("Shape", [name], ["shape"]),
        node("Gather", ["shape", "time_axis"], ["time"]),
        node("Range", ["start", "time", "step"], ["steps"]),
        node("Unsqueeze", [f"{name}_lengths", "axis1"], ["lengths1"]),
        node("Less", ["steps", "lengths1"], ["mask"]),
        node("Abs", [name], ["magnitude"]),
        node("Where", ["mask", "magnitude", "zero_float"], ["kept"]),
        node("ReduceSum", ["kept", "axis1"], [total], keepdims=0),
    ]


def echo_model() -> ModelProto:
    """transcript = the sensor's four columns, taken as logits."""
    nodes = [
        helper.make_node("Identity", ["signal"], ["transcript"]),
        helper.make_node("Identity", ["signal_lengths"], ["transcript_lengths"]),
    ]
    sizes = {"signal": ["batch", "time", 4], "signal_lengths": ["batch"]}
    types = {"signal": TensorProto.FLOAT, "signal_lengths": TensorProto.INT64}
    inputs = {name: (types[name], size) for name, size in sizes.items()}
    outputs = {name.replace("signal", "transcript"): value for name, value in inputs.items()}
    return graph(nodes, {}, inputs, outputs)


def feeling_model() -> ModelProto:
    """feeling = the columns of face and tone, taken as logits, summed at each utterance."""
    node = helper.make_node
    nodes = [
        node("Shape", ["face"], ["face_time"], start=1, end=2),
        node("Shape", ["tone"], ["tone_time"], start=1, end=2),
        node("Max", ["face_time", "tone_time"], ["time"]),
        *lengthened("face"),
        *lengthened("tone"),
        node("Add", ["face_long", "tone_long"], ["feeling"]),
        node("Max", ["face_lengths", "tone_lengths"], ["feeling_lengths"]),
    ]
    inputs: dict[str, tuple[int, list[Any]]] = {}
    for name in ("face", "tone"):
        inputs[name] = (TensorProto.FLOAT, ["batch", f"{name}_steps", 3])
        inputs[f"{name}_lengths"] = (TensorProto.INT64, ["batch"])
    outputs = {
        "feeling": (TensorProto.FLOAT, ["batch", "steps", 3]),
        "feeling_lengths": (TensorProto.INT64, ["batch"]),
    }
    return graph(nodes, {"before": np.zeros(4, np.int64), "after": np.zeros(1, np.int64)}, inputs, outputs)


def lengthened(name: str) -> list[Any]:
    """Pad a stream with zeros to `time` steps."""
    node = helper.make_node
    return [
        node("Sub", ["time", f"{name}_time"], [f"{name}_lacks"]),
        node("Concat", ["before", f"{name}_lacks", "after"], [f"{name}_pads"], axis=0),
        node("Pad", [name, f"{name}_pads"], [f"{name}_long"]),
    ]


LISTENING = {"kind": "stateful", "block": {"seconds": 0.2, "steps": {"voice": 3200}, "memory": [[1]]}}
"""What the metadata of `listening_model` add to those of a voice that writes a transcript."""


def listening_model() -> ModelProto:
    """transcript = a where it is loud, b in the quiet step after it; five steps a block, the last kept."""
    node = helper.make_node
    nodes = [
        node("Abs", ["voice"], ["magnitude"]),
        node("Reshape", ["magnitude", "by_step"], ["steps"]),
        node("ReduceMean", ["steps", "axis2"], ["loudness"], keepdims=0),  # (batch, 5)
        node("Concat", ["memory.0", "loudness"], ["joined"], axis=1),
        node("Slice", ["joined", "zero", "five", "axis1"], ["before"]),
        node("Slice", ["joined", "five", "six", "axis1"], ["memory.0.next"]),
        node("Unsqueeze", ["loudness", "axis2"], ["now"]),
        node("Unsqueeze", ["before", "axis2"], ["then"]),
        node("Mul", ["now", "of_now"], ["by_now"]),
        node("Mul", ["then", "of_then"], ["by_then"]),
        node("Sum", ["by_now", "by_then", "bias"], ["transcript"]),
        node("Add", ["voice_lengths", "rest"], ["begun"]),
        node("Div", ["begun", "step"], ["transcript_lengths"]),
    ]
    constants = {
        "by_step": np.array([-1, 5, 640]), "axis1": np.array([1]), "axis2": np.array([2]),
        "zero": np.array([0]), "five": np.array([5]), "six": np.array([6]),
        "rest": np.array(639), "step": np.array(640),
        "of_now": np.array([0, 0, 99, 0], np.float32), "of_then": np.array([0, 0, 0, 70], np.float32),
        "bias": np.array([7, -9, 0, 0], np.float32),
    }  # fmt: skip
    floats, whole = TensorProto.FLOAT, TensorProto.INT64
    inputs = {
        "voice": (floats, ["batch", 3200]), "voice_lengths": (whole, ["batch"]),
        "memory.0": (floats, ["batch", 1]),
    }  # fmt: skip
    outputs = {
        "transcript": (floats, ["batch", 5, 4]), "transcript_lengths": (whole, ["batch"]),
        "memory.0.next": (floats, ["batch", 1]),
    }  # fmt: skip
    return graph(nodes, constants, inputs, outputs)


def graph(
    nodes: list[Any],
    constants: dict[str, np.ndarray],
    inputs: dict[str, tuple[int, list[Any]]],
    outputs: dict[str, tuple[int, list[Any]]],
) -> ModelProto:
    infos = [
        [helper.make_tensor_value_info(name, kind, shape) for name, (kind, shape) in values.items()]
        for values in (inputs, outputs)
    ]
    weights = [numpy_helper.from_array(value, name) for name, value in constants.items()]
    made = helper.make_graph(nodes, "tiny", *infos, weights)
    return helper.make_model(made, opset_imports=[helper.make_opsetid("", 20)], ir_version=9)


def save(model: ModelProto, path: Path, text: str | None) -> Path:
    """Write a model file with this metadata, or none."""
    if text is not None:
        helper.set_model_props(model, {"trichord": text})
    path.write_bytes(model.SerializeToString())
    return path
