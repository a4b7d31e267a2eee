from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from trichord.artifact import parse_metadata
from trichord.clip import Clip, Features
from trichord.decoding import log_probability
from trichord.errors import ArtifactError, RecipeError
from trichord.learning.batch import Item, collate
from trichord.learning.export import export_run, quantise, set_metadata
from trichord.learning.heads.generate import Generate, step_of
from trichord.learning.model import Model
from trichord.learning.recipe import load_recipe
from trichord.learning.training import RunFolder
from trichord.learning.training.validate import answered
from trichord.running.evaluate import evaluate
from trichord.running.runtime import Model as Running
from trichord.running.runtime import load
from trichord.running.runtime.steps import Decoder

DIM = 5
RECIPE: dict[str, Any] = {
    "corpus": {"kind": "scenes", "size": 12},
    "dim": 16,
    "streams": {"signal": {"from": "sensor", "prepare": {"kind": "array"}, "encoder": "mlp"}},
    "fusion": "sum",
    "heads": {
        "transcript": {"kind": "ctc"},
        "written": {
            "kind": "generate", "layers": 2, "heads": 2, "max_units": 7, "target": "transcript",
            "with_ctc": "transcript",
        },
    },
}  # fmt: skip


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    """A run that has learned nothing."""
    recipe = load_recipe(RECIPE)
    recipe.streams["signal"].prepare.fit([Features(random(9), 25.0)])
    for head in recipe.heads.values():
        head.fit(["a cab", "bad"])
    torch.manual_seed(0)
    model = Model(recipe, {"signal": recipe.streams["signal"].prepare.spec})
    folder = RunFolder(tmp_path_factory.mktemp("run"))
    folder.write_recipe(recipe)
    folder.write_parts(recipe)
    folder.write_weights(model)
    return folder


@pytest.fixture(scope="module")
def path(run: RunFolder) -> Path:
    metadata = export_run(run, run.path / "model.onnx")
    assert (metadata.kind, metadata.steps) == ("generative", {"written": 64})
    return run.path / "model.onnx"


@pytest.fixture(scope="module")
def running(path: Path) -> Running:
    return load(path)


def random(time: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, 1, (time, DIM)).astype(np.float32)


@settings(max_examples=25, deadline=None)
@given(times=st.lists(st.integers(0, 30), min_size=1, max_size=4), seed=st.integers(0, 99))
def test_the_file_writes_what_torch_writes(
    run: RunFolder, running: Running, times: list[int], seed: int
) -> None:
    recipe, model = run.load()
    items = [{"signal": random(time, seed + row)} for row, time in enumerate(times)]
    specs = {name: stream.input.spec for name, stream in running.streams.items()}
    with torch.no_grad():
        said = model(collate([Item("x", item) for item in items], specs).inputs).logits
    for row, logits in enumerate(running.logits(items)):
        told = {name: stream.values[row, : times[row]].numpy() for name, stream in said.items()}
        for name, expected in told.items():
            np.testing.assert_allclose(logits[name], expected, atol=1e-4)
        ours, theirs = running.decode(logits, beam=0), answered(recipe.heads, told, running.rate, model)
        assert ours["written"].value == theirs["written"].value
        assert ours["written"].log_score == pytest.approx(theirs["written"].log_score, abs=1e-3)


@settings(max_examples=25, deadline=None)
@given(
    texts=st.integers(1, 5), count=st.integers(1, 4), time=st.integers(0, 20), past=st.integers(0, 9),
    seed=st.integers(0, 99),
)  # fmt: skip
def test_a_step_of_the_file_is_a_step_in_torch(
    run: RunFolder, running: Running, texts: int, count: int, time: int, past: int, seed: int
) -> None:
    writer = run.load()[1].heads["written"]
    assert isinstance(writer, Generate)
    rng = np.random.default_rng(seed)
    units = rng.integers(0, writer.outputs, (texts, count))
    told, kept = (rng.normal(0, 1, shape).astype(np.float32) for shape in ((time, 64), (texts, past, 64)))
    for ours, theirs in zip(
        running.steps["written"](units, told, kept), step_of(writer)(units, told, kept), strict=True
    ):
        np.testing.assert_allclose(ours, theirs, atol=1e-4)


def test_it_answers_like_any_other_file(running: Running) -> None:
    clip = Clip("noise", {"sensor": Features(random(20), 25.0)}, {"transcript": "a cab"})
    for beam in (None, 0, 8):
        answer = running(clip, beam=beam)
        assert len(answer["written"].value) <= 7  # type: ignore[arg-type]
    assert set(answer.attribution) == {"signal"}
    assert np.isfinite(answer.explain("written").full)
    told = running.logits([{"signal": random(20)}])[0]["written"]
    score = log_probability(running.heads["written"], told, "bad", running.steps["written"])
    assert -50 < score < 0
    assert running({"sensor": Features(random(0), 25.0)})["written"].value == ""
    report = evaluate(running, [clip])  # against the target that both heads share
    assert report.heads["written"]["wer"].n == report.heads["transcript"]["wer"].n == 1


def test_it_still_writes_in_int8(path: Path, running: Running, tmp_path: Path) -> None:
    quantise(path, tmp_path / "int8.onnx")
    small, clip = load(tmp_path / "int8.onnx"), {"signal": random(12)}
    (ours,), (whole,) = small.logits([clip]), running.logits([clip])
    np.testing.assert_allclose(ours["written"], whole["written"], atol=0.2)
    assert small.decode(ours)["written"].value is not None


def test_it_cannot_hear_a_stream_as_it_comes(run: RunFolder, tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="block by block"):
        export_run(run, tmp_path / "streaming.onnx", streaming=True)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"kind": "offline"}, "a generative model, and no other"),
        ({"steps": {}}, "steps must name every head"),
        ({"steps": {"transcript": 64}}, "steps must name every head"),
        ({"steps": {"written": 0}}, "steps.written"),
        ({"steps": {"written": 10**12}}, "steps.written"),
        ({"steps": {"written": 32}}, "input 'written"),
        ({"written": {"max_units": 10**9}}, "max_units"),
        ({"written": {"labels": ["", "ab"]}}, "not one character"),
        ({"written": {"labels": 5}}, "labels"),
        ({"written": {"with_ctc": "written"}}, "'written' is no ctc head"),
        ({"written": {"beam": {"width": 0}}}, "width"),
        ({"written": {"kind": "ctc"}}, "steps must name"),
    ],
)
def test_a_file_that_is_not_as_it_says_is_refused(
    path: Path, running: Running, tmp_path: Path, changes: dict[str, Any], says: str
) -> None:
    told = json.loads(running.metadata.dump())
    told["heads"]["written"] |= changes.pop("written", {})
    model = onnx.load(path)
    onnx.helper.set_model_props(model, {"trichord": json.dumps(told | changes)})
    onnx.save(model, tmp_path / "wrong.onnx")
    with pytest.raises(ArtifactError, match=says):
        load(tmp_path / "wrong.onnx")


def test_labels_that_the_decoder_does_not_have_are_noticed(
    path: Path, running: Running, tmp_path: Path
) -> None:
    told = json.loads(running.metadata.dump())
    told["heads"]["written"]["labels"].append("z")
    copy = tmp_path / "copy.onnx"
    copy.write_bytes(path.read_bytes())
    set_metadata(copy, parse_metadata(json.dumps(told), copy))
    with pytest.raises(ArtifactError, match="the decoder of head 'written' gave"):
        load(copy)({"sensor": Features(random(8), 25.0)}, beam=0)


def test_writing_ends_in_time(running: Running) -> None:
    late = Decoder(running, "written", seconds=-1)
    with pytest.raises(ArtifactError, match="written for too long"):
        late(np.zeros((1, 1), np.int64), np.zeros((1, 64), np.float32), np.zeros((1, 0, 64), np.float32))
