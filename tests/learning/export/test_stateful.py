from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from trichord.clip import Audio, Clip
from trichord.errors import ArtifactError, RecipeError
from trichord.learning.batch import Item, collate
from trichord.learning.export import export_run
from trichord.learning.model import Model
from trichord.learning.recipe import load_recipe
from trichord.learning.training import RunFolder
from trichord.learning.training.run import streams_of
from trichord.running.runtime import load
from trichord.running.runtime.blocks import Blocks

LOGMEL = {"kind": "logmel", "bands": 16}
ENCODERS = {
    "conformer": {"kind": "conformer", "layers": 2, "causal": True, "chunk_ms": 320, "left_ms": 640},
    "gru": {"kind": "rnn", "causal": True, "bidirectional": False},
    "lstm": {"kind": "rnn", "cell": "lstm", "causal": True, "bidirectional": False},
}
RECIPE: dict[str, Any] = {
    "corpus": {"kind": "scenes", "size": 12},
    "dim": 16,
    "fusion": "sum",
    "heads": {"transcript": {"kind": "ctc"}},
    "max_seconds": 60,
}


def run_of(encoder: dict[str, Any], folder: Path, **changes: Any) -> RunFolder:
    """Write a run that has learned nothing."""
    streams = {"voice": {"from": "audio", "encoder": {**encoder, "front_end": LOGMEL}}}
    recipe = load_recipe({**RECIPE, "streams": streams, **changes})
    for head in recipe.heads.values():
        head.fit(["the lamp is on", "stop"])
    torch.manual_seed(0)
    model = Model(recipe, {name: part.prepare.spec for name, part in recipe.streams.items()})
    run = RunFolder(folder)
    folder.mkdir()
    run.write_recipe(recipe)
    run.write_parts(recipe)
    run.write_weights(model)
    assert streams_of(recipe)
    return run


@pytest.fixture(scope="module", params=ENCODERS)
def exported(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Model]:
    folder = tmp_path_factory.mktemp(request.param)
    run = run_of(ENCODERS[request.param], folder / "run")
    metadata = export_run(run, folder / "streaming.onnx", streaming=True)
    assert metadata.kind == "stateful"
    return folder / "streaming.onnx", run.load()[1]


def sound(seconds: float, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, 0.1, round(seconds * 16000)).astype(np.float32)


def test_blocks_say_what_torch_says_of_the_whole(exported: tuple[Path, Model]) -> None:
    path, model = exported
    running = load(path)
    for encoder in model.encoders.values():
        encoder.limited = True
    items = [{"voice": sound(seconds)} for seconds in (2.03, 0.5, 0.0, 0.003, 1.28)]
    given = running.logits(items)
    specs = {name: stream.input.spec for name, stream in running.streams.items()}
    with torch.no_grad():
        said = model(collate([Item("x", item) for item in items], specs).inputs).logits["transcript"]
    for row, logits in enumerate(given):
        length = int(said.lengths[row])
        assert len(logits["transcript"]) == length
        np.testing.assert_allclose(
            logits["transcript"], said.values[row, :length].numpy(), atol=2e-4, err_msg=str(row)
        )


def test_streams_side_by_side_do_not_hear_each_other(exported: tuple[Path, Model]) -> None:
    running = load(exported[0])
    steps = running.metadata.block.steps["voice"]  # type: ignore[union-attr]
    alone, together = Blocks(running), Blocks(running, 2)
    for number in range(4):
        block = sound(steps / 16000, number)
        (one,) = alone.push([{"voice": block}])
        both = together.push([{"voice": sound(steps / 16000, 100 + number)}, {"voice": block}])
        np.testing.assert_allclose(one["transcript"], both[1]["transcript"], atol=1e-5)


def test_a_streaming_file_answers_clips_like_any_other(exported: tuple[Path, Model]) -> None:
    running = load(exported[0])
    answer = running(Clip("noise", {"audio": Audio(sound(1.5), 16000)}))
    assert isinstance(answer["transcript"].value, str)
    assert running({"audio": Audio(np.zeros(0, np.float32), 16000)})["transcript"].value == ""


def test_the_same_weights_hear_a_whole_clip_at_once(tmp_path: Path) -> None:
    run = run_of({**ENCODERS["gru"], "layers": 1}, tmp_path / "run")
    export_run(run, tmp_path / "whole.onnx")
    export_run(run, tmp_path / "int8.onnx", streaming=True, int8=True)
    clip = {"voice": sound(1.5)}
    (whole,), (blocks,) = (load(tmp_path / name).logits([clip]) for name in ("whole.onnx", "int8.onnx"))
    assert whole["transcript"].shape == blocks["transcript"].shape
    with pytest.raises(ArtifactError, match="--streaming"):
        Blocks(load(tmp_path / "whole.onnx"))


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"encoder": {"kind": "conformer"}}, "causal: true"),
        ({"heads": {"intent": "classify"}}, "once a clip"),
        ({"fusion": "self_attention"}, "looks across time"),
        ({"trunk": {"kind": "rnn", "layers": 1}}, "trunk"),
        ({"encoder": {**ENCODERS["gru"], "front_end": "mfcc"}}, "whole"),
        ({"clock": 20}, "the clock's 20 Hz"),
        ({"encoder": {**ENCODERS["conformer"], "subsample": 2}}, "comes at 50"),
        (
            {"clock": 12.5, "encoder": {**ENCODERS["conformer"], "chunk_ms": 40, "subsample": 8}},
            "less than a",
        ),
        ({"prepare": {"kind": "samples", "denoise": "wiener"}}, "denoise"),
    ],
)
def test_what_hears_only_what_is_whole_is_told_so(tmp_path: Path, changes: dict[str, Any], says: str) -> None:
    encoder, prepare = changes.pop("encoder", ENCODERS["gru"]), changes.pop("prepare", "samples")
    streams = {"voice": {"from": "audio", "prepare": prepare, "encoder": encoder}}
    run = run_of({}, tmp_path / "run", streams=streams, **changes)
    with pytest.raises(RecipeError, match=says):
        export_run(run, tmp_path / "streaming.onnx", streaming=True)


BOTH = {"transcript": {"kind": "ctc"}, "intent": "classify"}


def test_some_heads_alone_may_be_exported(tmp_path: Path) -> None:
    run = run_of(ENCODERS["gru"], tmp_path / "run", heads=BOTH)
    with pytest.raises(RecipeError, match="export the others alone, with --head"):
        export_run(run, tmp_path / "a.onnx", streaming=True)
    metadata = export_run(run, tmp_path / "a.onnx", streaming=True, heads=["transcript"])
    export_run(run, tmp_path / "whole.onnx")
    assert set(metadata.heads) == {"transcript"}
    some, whole = load(tmp_path / "a.onnx"), load(tmp_path / "whole.onnx")
    (one,), (all_of_it,) = (model.logits([{"voice": sound(1.0)}]) for model in (some, whole))
    assert (set(one), set(all_of_it)) == ({"transcript"}, set(BOTH))
    np.testing.assert_allclose(one["transcript"], all_of_it["transcript"], atol=1e-4)


def test_a_head_that_is_not_there_or_needs_another_is_not_exported_alone(tmp_path: Path) -> None:
    run = run_of(ENCODERS["gru"], tmp_path / "run", heads=BOTH, after={"intent": ["transcript"]})
    with pytest.raises(RecipeError, match="no head 'transcripts'; did you mean 'transcript'"):
        export_run(run, tmp_path / "a.onnx", heads=["transcripts"])
    with pytest.raises(RecipeError, match=r"after\.intent: there is no head 'transcript'"):
        export_run(run, tmp_path / "a.onnx", heads=["intent"])
    assert set(export_run(run, tmp_path / "a.onnx", heads=["transcript"]).heads) == {"transcript"}
