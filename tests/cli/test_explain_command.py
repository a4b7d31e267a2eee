"""`trichord explain`, as a user would type it: of a file, of a run's folder, of a corpus."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from test_cli import fails, succeeds

from trichord import load
from trichord.cli.explain import step_for
from trichord.learning.model import Model
from trichord.learning.recipe import load_recipe
from trichord.learning.training import RunFolder, load_data

RECIPE = {
    "corpus": {"kind": "scenes", "size": 40},
    "dim": 8,
    "streams": {
        "voice": {
            "from": "audio",
            "encoder": {"kind": "features", "front_end": {"kind": "logmel", "bands": 8}},
        },
        "note": {"from": "text", "encoder": "features"},
        "scene": {
            "from": "video",
            "prepare": {"kind": "frames", "size": [8, 12]},
            "encoder": {"kind": "features", "front_end": {"kind": "image_cnn", "channels": [4]}},
        },
    },
    "heads": {"intent": "classify", "transcript": {"kind": "ctc", "units": "word"}},
    "objectives": [{"kind": "stream_dropout"}],
}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a run of three streams, as it is before any training, and a clip."""
    from trichord.corpora.scenes import Scenes
    from trichord.learning.export import export_run
    from trichord.media import write_video

    folder = tmp_path_factory.mktemp("home")
    recipe, run = load_recipe(RECIPE), RunFolder(folder / "runs" / "tiny")
    data = load_data(recipe, cache=None)
    torch.manual_seed(0)
    run.write_recipe(recipe)
    run.write_parts(recipe)
    run.write_weights(Model(recipe, data.specs))
    export_run(run, run.path / "model.onnx")
    clip = Scenes(size=40).clips("test")[0]
    write_video(folder / "clip.mp4", clip.load("video"), clip.load("audio"))  # type: ignore[arg-type]
    return folder


def test_a_run_tells_what_each_part_did(home: Path) -> None:
    arguments = ("clip.mp4", "--text", "now then", "--steps", "16", "--picture", "why.png", "--json")
    told = json.loads(succeeds("explain", "runs/tiny", *arguments, cwd=home))
    assert set(told["attribution"]) == {"voice", "note", "scene"}
    assert sum(told["nats"].values()) == pytest.approx(told["full"] - told["empty"], abs=1e-4)
    assert set(told["moments"]) == {"voice", "scene"}
    felt = told["gradients"]
    parts = felt["streams"]
    assert len(parts["note"]["tokens"]) == len(parts["note"]["nats"]) == len("now then")
    assert len(parts["voice"]["seconds"]) == len(parts["voice"]["nats"]) > 50
    heat = parts["scene"]["strongest"]["nats"]
    assert (len(heat), len(heat[0])) == (8, 12)
    total = sum(sum(part["nats"]) for part in parts.values())
    assert abs(total - (felt["full"] - felt["baseline"])) == pytest.approx(felt["error"], abs=1e-2)
    assert (home / "why.png").read_bytes().startswith(b"\x89PNG")


def test_a_file_tells_streams_and_moments(home: Path) -> None:
    told = json.loads(succeeds("explain", "runs/tiny/model.onnx", "clip.mp4", "--json", cwd=home))
    assert set(told["attribution"]) == {"voice", "scene"}
    assert "gradients" not in told


def test_one_head_is_explained_alone(home: Path) -> None:
    arguments = ("runs/tiny/model.onnx", "clip.mp4", "--json")
    whole = json.loads(succeeds("explain", *arguments, cwd=home))
    parts = [
        json.loads(succeeds("explain", *arguments, "--head", head, cwd=home))
        for head in ("intent", "transcript")
    ]
    for stream, nats in whole["nats"].items():
        assert sum(part["nats"][stream] for part in parts) == pytest.approx(nats, abs=1e-3)


def test_a_long_clip_is_occluded_in_wider_steps(home: Path) -> None:
    model = load(home / "runs" / "tiny" / "model.onnx")
    rate = round(model.streams["voice"].input.rate or 0)
    assert step_for(model, {"voice": np.zeros(20 * rate, np.float32)}) == 0.1
    assert step_for(model, {"voice": np.zeros(100 * rate, np.float32)}) == pytest.approx(0.2)


def test_a_picture_of_one_head_has_its_events_alone(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[Any] = []
    monkeypatch.setattr("trichord.running.explain.save_picture", lambda *given: drawn.append(given))
    arguments = ("runs/tiny/model.onnx", "clip.mp4", "--picture", "why.png")
    for head in ("intent", "transcript"):
        assert head in succeeds("explain", *arguments, "--head", head, cwd=home)
    answer = load(home / "runs" / "tiny" / "model.onnx")(home / "clip.mp4")
    assert [events for _, _, _, events, *_ in drawn] == [(), answer["transcript"].events]


def test_a_corpus_is_told_by_class(home: Path) -> None:
    arguments = ("runs/tiny", "--on", "scenes:test", "--picture", "classes.png")
    told = json.loads(succeeds("explain", *arguments, "--json", cwd=home))
    assert set(told["heads"]) == {"intent", "transcript"}
    groups = told["heads"]["intent"]
    clips = groups["all"]["voice"]["n"]
    assert sum(row["voice"]["n"] for group, row in groups.items() if group != "all") == clips > 0
    assert set(told["heads"]["transcript"]) == {"all"}
    for row in groups.values():
        assert all(share["low"] <= share["value"] <= share["high"] for share in row.values())
    assert (home / "classes.png").read_bytes().startswith(b"\x89PNG")
    table = succeeds("explain", *arguments, "--head", "intent", "--against", "uniform", cwd=home)
    assert "intent" in table
    assert "transcript" not in table


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("runs/tiny",), "one of the two"),
        (("runs/tiny", "clip.mp4", "--on", "scenes:test"), "one of the two"),
        (("runs/tiny", "clip.mp4", "--head", "nose"), "no head 'nose'"),
        (("runs/tiny", "clip.mp4", "--head", "intent", "--head", "transcript"), "one answer"),
        (("runs/tiny", "--on", "scenes:test", "--head", "nose"), "no head 'nose'"),
        (("runs/tiny", "--on", "gird:test"), "did you mean 'grid'"),
        (("runs/tiny", "--on", "scenes:test", "--text", "now"), "--text goes with a clip"),
        (("runs/tiny", "--on", "scenes:test", "--steps", "8"), "--steps goes with a clip"),
        (("runs/tiny", "clip.mp4", "--against", "uniform"), "--against goes with --on"),
        (("runs/tiny", "clip.mp4", "--data", "."), "--data goes with --on"),
        (("runs/tiny", "clip.mp4", "--picture", "why.bmp"), "why.bmp: a picture is written as .png"),
    ],
)
def test_mistakes_are_answered_in_one_line(home: Path, arguments: tuple[str, ...], says: str) -> None:
    assert says in fails("explain", *arguments, cwd=home)
