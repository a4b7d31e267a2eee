from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trichord.artifact import MAX_METADATA_BYTES, InputDescription, Metadata, parse_metadata
from trichord.errors import ArtifactError
from trichord.prepare.preparation import InputSpec

LEAST: dict[str, Any] = {
    "name": "least",
    "max_seconds": 10,
    "clock": 25,
    "streams": {
        "lips": {
            "source": "video",
            "prepare": {"kind": "mouth_crop"},
            "input": {"kind": "frames", "rate": 25, "shape": [48, 96]},
        }
    },
    "heads": {"transcript": {"kind": "ctc", "labels": ["", "a"]}},
}


def test_round_trip() -> None:
    metadata = Metadata.model_validate(LEAST)
    assert parse_metadata(metadata.dump(), "m.onnx") == metadata
    assert json.loads(metadata.dump())["format"] == 1
    assert metadata.kind == "offline"


def test_input_spec() -> None:
    spec = Metadata.model_validate(LEAST).streams["lips"].input.spec
    assert spec == InputSpec("frames", 25, (48, 96))
    assert (spec.dtype, spec.empty().shape) == (np.uint8, (0, 48, 96))


@pytest.mark.parametrize("kind", ["samples", "frames", "tokens", "array"])
def test_an_absent_stream_is_empty(kind: Any) -> None:
    assert len(InputDescription(kind=kind, shape=(3,)).spec.empty()) == 0


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"format": 2}, "this version reads 1. Update trichord"),
        ({"max_seconds": 0}, "max_seconds"),
        ({"max_seconds": 1e9}, "max_seconds"),
        ({"clock": float("nan")}, "clock"),
        ({"clock": float("inf")}, "clock"),
        ({"streams": {}}, "streams"),
        ({"heads": {}}, "heads"),
        ({"heads": "all"}, "heads"),
        ({"name": None}, "name"),
        ({"kind": "quantum"}, "kind"),
        ({"weights": []}, "weights"),
    ],
)
def test_not_valid(change: dict[str, Any], expected: str) -> None:
    with pytest.raises(ArtifactError, match=expected) as caught:
        parse_metadata(json.dumps(LEAST | change), "m.onnx")
    assert str(caught.value).startswith("m.onnx: ")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("key", sorted(LEAST))
def test_missing_key(key: str) -> None:
    kept = {name: value for name, value in LEAST.items() if name != key}
    with pytest.raises(ArtifactError, match=f"not valid at {key}"):
        parse_metadata(json.dumps(kept), "m.onnx")


@pytest.mark.parametrize(
    "change",
    [
        {"kind": "sounds"},
        {"rate": -1},
        {"rate": 1e9},
        {"shape": [1, 2, 3, 4]},
        {"vocabulary": -1},
        {"extra": 1},
    ],
)
def test_hostile_input(change: dict[str, Any]) -> None:
    lips = LEAST["streams"]["lips"]
    stream = lips | {"input": lips["input"] | change}
    with pytest.raises(ArtifactError, match=r"streams\.lips\.input"):
        parse_metadata(json.dumps(LEAST | {"streams": {"lips": stream}}), "m.onnx")


def test_size_limit() -> None:
    with pytest.raises(ArtifactError, match=f"the limit is {MAX_METADATA_BYTES}"):
        parse_metadata(" " * (MAX_METADATA_BYTES + 1), "m.onnx")


@given(st.text() | st.binary().map(lambda b: b.decode("latin-1")))
def test_any_text(text: str) -> None:
    with pytest.raises(ArtifactError):
        parse_metadata(text, "m.onnx")


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
)


@given(st.sampled_from(sorted(LEAST)), JSON)
def test_any_json_in_a_field(key: str, value: Any) -> None:
    try:
        parse_metadata(json.dumps(LEAST | {key: value}), "m.onnx")
    except ArtifactError as error:
        assert "m.onnx" in str(error)
