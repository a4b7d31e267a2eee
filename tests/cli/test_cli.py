"""The whole road, by the commands a user would type: train, export, run, evaluate, explain, compare."""

from __future__ import annotations

import contextlib
import io
import json
import re
import subprocess
import sys
import unittest.mock
from pathlib import Path
from typing import NamedTuple

import pytest
import yaml

from trichord.cli import main
from trichord.cli.use import clips_of
from trichord.errors import InputError
from trichord.learning.recipe import load_recipe
from trichord.running.runtime import load

RECIPE = {
    "corpus": {"kind": "scenes", "size": 40},
    "dim": 16,
    "streams": {
        "voice": {
            "from": "audio",
            "encoder": {"kind": "rnn", "layers": 1, "front_end": {"kind": "logmel", "bands": 16}},
        },
        "note": {"from": "text", "encoder": "features"},
    },
    "heads": {"intent": "classify", "transcript": {"kind": "ctc", "units": "word"}},
    "objectives": [{"kind": "stream_dropout", "probability": 0.3}],
    "training": {"epochs": 1},
}


class Done(NamedTuple):
    code: int
    out: str
    err: str


def trichord(*arguments: object, cwd: Path | None = None) -> Done:
    """Do what the command does, in this process, where torch is imported already."""
    out, err, code = io.StringIO(), io.StringIO(), 0
    argv = ["trichord", *map(str, arguments)]
    with (
        contextlib.chdir(cwd or "."),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
        unittest.mock.patch.object(sys, "argv", argv),
    ):
        try:
            main()
        except SystemExit as stop:
            code = int(stop.code or 0)
    return Done(code, out.getvalue(), err.getvalue())


def succeeds(*arguments: object, cwd: Path | None = None) -> str:
    done = trichord(*arguments, cwd=cwd)
    assert done.code == 0, done.err
    return done.out


def fails(*arguments: object, cwd: Path | None = None) -> str:
    """Return the one line that a command which cannot be carried out prints."""
    done = trichord(*arguments, cwd=cwd)
    assert done.code == 1, done.out + done.err
    lines = [line for line in done.err.splitlines() if line.startswith("error:")]
    assert len(lines) == 1
    return lines[0]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a recipe, its finished run, and a clip."""
    from trichord.corpora.scenes import Scenes
    from trichord.media import write_video

    folder = tmp_path_factory.mktemp("home")
    (folder / "tiny.yaml").write_text(yaml.safe_dump(RECIPE))
    succeeds("train", "tiny.yaml", cwd=folder)
    clip = Scenes(size=40).clips("test")[0]
    write_video(folder / "clip.mp4", clip.load("video"), clip.load("audio"))  # type: ignore[arg-type]
    return folder


def test_a_run_holds_all_that_it_promises(home: Path) -> None:
    names = {path.name for path in (home / "runs" / "tiny").iterdir()}
    assert names >= {
        "recipe.yaml", "parts.json", "weights.safetensors", "history.jsonl", "model.onnx", "evaluation.json",
        "card.md", "curves.png", "streams.png", "confusion-intent.png", "calibration-intent.png",
    }  # fmt: skip
    assert "licence" in (home / "runs" / "tiny" / "card.md").read_text()


def test_a_file_does_not_say_where_its_corpus_lay(home: Path) -> None:
    kept = load(home / "runs" / "tiny" / "model.onnx").metadata.recipe["corpus"]
    assert kept["kind"] == "scenes"
    assert "folder" not in kept


def test_training_again_changes_nothing(home: Path) -> None:
    before = (home / "runs" / "tiny" / "weights.safetensors").read_bytes()
    succeeds("train", "tiny.yaml", cwd=home)
    assert (home / "runs" / "tiny" / "weights.safetensors").read_bytes() == before


def test_run_answers_a_file_and_a_folder(home: Path) -> None:
    answer = json.loads(succeeds("run", "runs/tiny", "clip.mp4", "--text", "now", "--json", cwd=home))
    assert set(answer["answers"]) == {"intent", "transcript"}
    assert 0 <= answer["answers"]["intent"]["confidence"] <= 1
    (home / "clips").mkdir()
    for name in ("a.mp4", "b.mp4"):
        (home / "clips" / name).write_bytes((home / "clip.mp4").read_bytes())
    (home / "clips" / "c.mp4").write_bytes(b"no film")
    done = trichord("run", "runs/tiny", "clips", cwd=home)
    rows = [json.loads(line) for line in done.out.splitlines()]
    assert [Path(row["clip"]).name for row in rows] == ["a.mp4", "b.mp4", "c.mp4"]
    assert "error" in rows[2]
    assert done.code == 1


def test_one_speaker_is_for_models_that_get_used_to_one(home: Path) -> None:
    done = trichord("run", "runs/tiny", "clip.mp4", "--one-speaker", cwd=home)
    assert done.code == 1 and "leave --one-speaker out" in done.err
    voice = {
        "from": "audio",
        "prepare": {"kind": "descriptors", "by": "speaker"},
        "encoder": {"kind": "mlp", "hidden": [8]},
    }
    recipe = RECIPE | {"streams": {"voice": voice}, "heads": {"intent": "classify"}, "objectives": []}
    (home / "own.yaml").write_text(yaml.safe_dump(recipe))
    succeeds("train", "own.yaml", cwd=home)
    (home / "calls").mkdir()
    for name in ("a.mp4", "b.mp4"):
        (home / "calls" / name).write_bytes((home / "clip.mp4").read_bytes())
    (home / "calls" / "c.mp4").write_bytes(b"no film")
    alone, used = (
        [json.loads(line) for line in trichord("run", "runs/own", "calls", *how, cwd=home).out.splitlines()]
        for how in ((), ("--one-speaker",))
    )
    assert [row.get("answers") is None for row in used] == [False, False, True]
    assert alone[0]["answers"] != used[0]["answers"]
    assert used[0]["answers"] == used[1]["answers"]


def test_evaluate_prints_one_json_object_with_intervals(home: Path) -> None:
    arguments = ("--on", "scenes:test", "--without", "note", "--noise", "babble:0dB", "--room", "0.3")
    arguments += ("--gaps", "voice=0.5", "--outliers", "voice=0.01", "--missing", "voice=0.5", "--json")
    report = json.loads(succeeds("evaluate", "runs/tiny/model.onnx", *arguments, cwd=home))
    row = report["heads"]["intent"]["accuracy"]
    assert row["low"] <= row["value"] <= row["high"]
    assert row["n"] > 0
    assert (report["room"], report["gaps"]) == (0.3, {"voice": 0.5})
    assert (report["outliers"], report["missing"]) == ({"voice": 0.01}, {"voice": 0.5})


def test_evaluating_the_file_repeats_the_run_folders_own_evaluation(home: Path) -> None:
    kept = json.loads((home / "runs" / "tiny" / "evaluation.json").read_text())["test"]["all"]["heads"]
    again = json.loads(succeeds("evaluate", "runs/tiny", "--json", cwd=home))["heads"]
    assert again["intent"]["accuracy"]["value"] == kept["intent"]["accuracy"]["value"]
    assert again["transcript"]["wer"]["value"] == kept["transcript"]["wer"]["value"]


def test_a_split_is_the_recipes_own_folds_included() -> None:
    recipe = load_recipe(RECIPE | {"fold": {"of": 5, "number": 1}})
    for split in ("valid", "test"):
        ids = [clip.id for clip in recipe.clips(split)]
        assert [clip.id for clip in clips_of(f"scenes:{split}", None, recipe.resolved())] == ids
    assert clips_of(None, None, recipe.resolved()) == recipe.clips("test") != recipe.corpus.clips("test")
    without_valid = recipe.resolved() | {"fold": {"of": 5, "validate": False}}
    with pytest.raises(InputError, match="its fold has no split 'valid'"):
        clips_of("scenes:valid", None, without_valid)


def test_explain_writes_shares_and_a_picture(home: Path) -> None:
    explanation = json.loads(
        succeeds(
            "explain", "runs/tiny", "clip.mp4", "--text", "now", "--picture", "why.png", "--json", cwd=home
        )
    )
    assert set(explanation["attribution"]) == {"voice", "note"}
    assert (home / "why.png").read_bytes().startswith(b"\x89PNG")


def test_export_to_int8_is_smaller_and_still_answers(home: Path) -> None:
    succeeds("export", "runs/tiny", "small.onnx", "--int8", cwd=home)
    assert (home / "small.onnx").stat().st_size < (home / "runs" / "tiny" / "model.onnx").stat().st_size
    succeeds("run", "small.onnx", "clip.mp4", cwd=home)


def test_a_card_speaks_of_the_very_file(home: Path) -> None:
    succeeds("export", "runs/tiny", "zoo/tiny.onnx", "--int8", "--card", cwd=home)
    card = (home / "zoo" / "tiny.md").read_text()
    assert card.startswith("# tiny\n")
    assert re.search(r"It learned from \d+ clips", card)
    assert "`intent` chooses among" in card
    scores = load(home / "zoo" / "tiny.onnx").metadata.scores["test"]
    again = json.loads(succeeds("evaluate", "zoo/tiny.onnx", "--json", cwd=home))["heads"]
    assert scores["intent"]["accuracy"]["value"] == again["intent"]["accuracy"]["value"]
    assert f"{scores['intent']['accuracy']['value']:.3f}" in card


def test_compare_tells_variants_apart(home: Path) -> None:
    table = succeeds("compare", "tiny.yaml", "--over", "fusion=sum,concat", cwd=home)
    assert "fusion=sum" in table
    assert "fusion=concat" in table
    assert (home / "runs" / "compare-tiny" / "comparison.png").exists()


def test_lists(home: Path) -> None:
    corpora = {row["corpus"]: row for row in json.loads(succeeds("corpora", "--json"))}
    assert corpora["scenes"]["here"]
    assert any(row["corpus"] == "grid" for row in json.loads(succeeds("recipes", "--json")))
    assert json.loads(succeeds("doctor", "--json"))["packages"]["numpy"]
    assert json.loads(succeeds("doctor", "scenes", "--json"))


def test_the_installed_command_prints_one_line_and_no_traceback(home: Path) -> None:
    command = [sys.executable, "-m", "trichord", "run", "none.onnx", "clip.mp4"]
    done = subprocess.run(command, cwd=home, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("error: ")
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("train", "none.yaml"), "none.yaml"),
        (("train", "tiny.yaml", "--set", "training.epoch=2"), "did you mean 'epochs'"),
        (("train", "tiny.yaml", "--set", "dim=24"), "different recipe"),
        (("run", "none.onnx", "clip.mp4"), "none.onnx"),
        (("run", "runs/tiny", "none.mp4"), "none.mp4"),
        (("run", "runs/tiny", "tiny.yaml"), "tiny.yaml"),
        (("run", "runs/tiny", "clip.mp4", "--without", "nose"), "nose"),
        (("run", "clip.mp4", "clip.mp4"), "clip.mp4"),
        (("evaluate", "runs/tiny", "--on", "gird:test"), "did you mean 'grid'"),
        (("evaluate", "runs/tiny", "--noise", "babble"), "babble"),
        (("evaluate", "runs/tiny", "--gaps", "voice"), "STREAM=SHARE"),
        (("evaluate", "runs/tiny", "--noise", "white:0dB", "--noise", "voice=white:0dB"), "say STREAM="),
        (("evaluate", "runs/tiny", "--swap", "notes"), "did you mean 'note'"),
        (("export", "none", "x.onnx"), "none"),
        (("export", "runs/tiny", "tiny.yaml/x.onnx"), "tiny.yaml"),
        (("train", "tiny.yaml", "--run", "clip.mp4"), "clip.mp4"),
        (("doctor", "gird"), "did you mean 'grid'"),
    ],
)
def test_mistakes_are_answered_in_one_line(home: Path, arguments: tuple[str, ...], says: str) -> None:
    assert says in fails(*arguments, cwd=home)
