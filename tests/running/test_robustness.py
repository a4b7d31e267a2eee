from __future__ import annotations

import json
from pathlib import Path

import pytest
from test_evaluate import clips

from trichord import InputError, Model
from trichord.running.conditions import Conditions
from trichord.running.evaluate import evaluate
from trichord.running.robustness import robustness, save_picture, subsets


def test_every_subset_is_measured_once() -> None:
    assert subsets(["a"]) == [("a",)]
    assert subsets(["a", "b"]) == [("a", "b"), ("a",), ("b",)]
    assert subsets(["a", "b", "c"]) == [
        ("a", "b", "c"), ("a", "b"), ("a", "c"), ("b", "c"), ("a",), ("b",), ("c",)
    ]  # fmt: skip


def test_levels_fall_and_agree_with_evaluate(verb: Model, tmp_path: Path) -> None:
    data = clips(12)
    levels = robustness(verb, data, "white", [-5, 10])
    assert [level.snr_db for level in levels] == [None, 10, -5]
    assert [set(level.scores) for level in levels] == [{"all", "voice", "words"}] * 3
    noisy = evaluate(verb, data, Conditions(("words",), "white:-5dB"))
    assert levels[2].scores["voice"]["verb"] == noisy.heads["verb"]
    assert levels[2].scores["words"] == levels[0].scores["words"]  # noise changes nothing there
    for level in levels:
        assert set(level.shares) == {"voice", "words"}
        assert -1 <= level.shares["voice"].value <= 1
    json.dumps([level.to_dict() for level in levels], allow_nan=False)
    save_picture(tmp_path / "curve.png", levels, "white")
    assert (tmp_path / "curve.png").read_bytes().startswith(b"\x89PNG")


def test_a_deaf_model_is_refused(echo: Model) -> None:
    with pytest.raises(InputError, match="no stream of samples"):
        robustness(echo, clips(2), "white", [0])
