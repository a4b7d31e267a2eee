"""What `trichord robustness` measures of a run and of a model file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from test_cli import fails, succeeds, trichord

from trichord.cli import robustness
from trichord.cli.robustness import can_attack

RECIPE = {
    "corpus": {"kind": "scenes", "size": 24},
    "dim": 8,
    "streams": {
        "voice": {
            "from": "audio",
            "encoder": {"kind": "rnn", "layers": 1, "front_end": {"kind": "logmel", "bands": 8}},
        },
        "note": {"from": "text", "encoder": "features"},
    },
    "heads": {"intent": "classify"},
    "objectives": [{"kind": "stream_dropout", "probability": 0.3}],
    "training": {"epochs": 1},
}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a finished run."""
    folder = tmp_path_factory.mktemp("home")
    (folder / "small.yaml").write_text(yaml.safe_dump(RECIPE))
    succeeds("train", "small.yaml", cwd=folder)
    return folder


def test_all_that_applies_is_measured(home: Path) -> None:
    arguments = ("--snr", "10,-5", "--clips", "6", "--picture", "curves.png", "--markdown", "report.md")
    told = json.loads(succeeds("robustness", "runs/small", *arguments, "--json", cwd=home))
    assert told["clips"] == 6
    kinds = {(sweep["disturbed"], sweep["stream"], sweep["source"]) for sweep in told["sweeps"]}
    assert kinds == {
        ("noise", "voice", "babble"),
        ("outliers", "voice", ""),
        ("outliers", "note", ""),
        ("missing", "voice", ""),
        ("missing", "note", ""),
        ("attack", "voice", "fgsm"),
        ("attack", "voice", "pgd"),
    }
    assert {trust["stream"] for trust in told["trust"]} == {"voice", "note"}
    assert (home / "curves.png").read_bytes().startswith(b"\x89PNG")
    assert "## intent: accuracy" in (home / "report.md").read_text()


def test_a_part_alone_is_a_curve_with_shares(home: Path) -> None:
    arguments = ("--snr", "10,-5", "--noise", "pink")
    table = succeeds("robustness", "runs/small", *arguments, cwd=home)
    assert all(word in table for word in ("clean", "10 dB", "-5 dB", "share", "intent accuracy"))
    told = json.loads(succeeds("robustness", "runs/small", *arguments, "--json", cwd=home))
    (sweep,) = told["sweeps"]
    assert [level["strength"] for level in sweep["levels"]] == [None, 10, -5]
    assert told["trust"] == []


def test_a_model_file_is_measured_but_not_attacked(home: Path) -> None:
    told = json.loads(succeeds("robustness", "runs/small/model.onnx", "--missing", "1", "--json", cwd=home))
    assert {sweep["disturbed"] for sweep in told["sweeps"]} == {"missing"}
    assert "run's folder" in fails("robustness", "runs/small/model.onnx", "--attack", cwd=home)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--snr", "loud", "--noise", "white"), "numbers parted by commas"),
        (("--noise", "voise=white"), "did you mean 'voice'"),
        (("--outliers", "2"), "from 0 to 1"),
        (("--missing", "-1"), "from 0 to 1"),
        (("--picture", "curves.bmp"), "curves.bmp: a picture is written as .png"),
    ],
)
def test_mistakes_are_answered_in_one_line(home: Path, arguments: tuple[str, ...], says: str) -> None:
    done = trichord("robustness", "runs/small", *arguments, cwd=home)
    assert says in done.err
    assert (done.code, done.err.count("\n")) == (1, 1)  # no word of any measuring


def test_an_attack_needs_all_of_the_extra(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert can_attack(str(home / "runs" / "small"))
    assert not can_attack(str(home / "runs" / "small" / "model.onnx"))
    monkeypatch.setattr(robustness, "find_spec", lambda name: None if name == "lightning_fabric" else name)
    assert not can_attack(str(home / "runs" / "small"))
