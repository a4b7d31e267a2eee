"""`trichord baseline`, as a user would type it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from test_cli import fails, succeeds

RECIPE = {
    "corpus": {"kind": "scenes", "size": 32},
    "dim": 8,
    "streams": {
        "voice": {"from": "audio", "encoder": {"kind": "features", "front_end": "logmel"}},
        "note": {"from": "text", "encoder": "features"},
    },
    "heads": {"intent": "classify", "transcript": {"kind": "ctc", "units": "word"}},
}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a recipe."""
    folder = tmp_path_factory.mktemp("home")
    (folder / "small.yaml").write_text(yaml.safe_dump(RECIPE))
    return folder


def test_a_baseline_is_measured_beside_the_recipe(home: Path) -> None:
    table = succeeds("baseline", "small.yaml", "--kind", "naive_bayes", "--stream", "note", cwd=home)
    assert all(word in table for word in ("valid", "test", "intent", "accuracy", "macro_f1"))
    run = home / "runs" / "baseline-small-naive_bayes"
    written = {"recipe.yaml", "evaluation.json", "predictions.jsonl", "baseline.json", "parts.json"}
    assert written <= {path.name for path in run.iterdir()}


def test_a_program_reads_json(home: Path) -> None:
    arguments = ("--kind", "knn", "--stream", "voice", "--head", "intent", "--run", "near", "--json")
    told = json.loads(succeeds("baseline", "small.yaml", *arguments, "--set", "corpus.size=24", cwd=home))
    assert told["run"] == "near"
    assert told["test"]["all"]["heads"]["intent"]["accuracy"]["n"] == 6


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--kind", "svm"), "say which stream with --stream: note, voice"),
        (("--kind", "hmm", "--stream", "note"), "another --kind"),
        (("--kind", "svm", "--stream", "note", "--head", "transcript"), "heads of kind classify alone"),
        (("--kind", "svm", "--set", "corpus=grdi"), "did you mean 'grid'"),
    ],
)
def test_mistakes_are_answered_in_one_line(home: Path, arguments: tuple[str, ...], says: str) -> None:
    assert says in fails("baseline", "small.yaml", *arguments, "--run", "elsewhere", cwd=home)


def test_help_says_that_nothing_is_saved(home: Path) -> None:
    assert "not saved" in " ".join(succeeds("baseline", "--help", cwd=home).split())
