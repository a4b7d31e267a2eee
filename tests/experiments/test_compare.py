from __future__ import annotations

import json
from pathlib import Path

import pytest

from trichord.errors import RecipeError
from trichord.experiments.compare import compare, difference, markdown, tabulate


def write_run(folder: Path, values: list[str], valid: float) -> Path:
    """A finished run that answered `values` where the truth was all `yes`."""
    folder.mkdir(parents=True)
    rows = [
        json.dumps({"clip": str(i), "verb": {"value": value, "confidence": 1.0, "target": "yes"}})
        for i, value in enumerate(values)
    ]
    (folder / "predictions.jsonl").write_text("\n".join(rows) + "\n")
    test = values.count("yes") / len(values)
    heads = {split: {"all": {"heads": {"verb": {"accuracy": {"value": value}}}}}
             for split, value in (("valid", valid), ("test", test))}  # fmt: skip
    (folder / "evaluation.json").write_text(json.dumps(heads))
    parts = {"heads": {"verb": {"kind": "classify", "labels": ["no", "yes"]}}}
    (folder / "parts.json").write_text(json.dumps(parts))
    return folder


def test_the_best_is_chosen_on_validation_and_differences_are_paired_on_test(tmp_path: Path) -> None:
    good = [write_run(tmp_path / f"good{i}", ["yes"] * 18 + ["no"] * 2, valid=0.8) for i in range(2)]
    poor = [write_run(tmp_path / f"poor{i}", ["yes"] * 20, valid=0.7) for i in range(2)]
    runs = {"good": [[run] for run in good], "poor": [[run] for run in poor]}
    rows = {row["variant"]: row for row in tabulate(runs)}
    assert rows["good"]["best"]
    assert not rows["poor"]["best"]
    assert rows["poor"]["minus_best"]["value"] == pytest.approx(0.1)
    assert rows["poor"]["minus_best"]["low"] <= 0.1 <= rows["poor"]["minus_best"]["high"]
    assert "| good **best** | verb | accuracy | 0.8000 ± 0.0000 | 0.9000 ± 0.0000 |" in markdown(
        [rows["good"]], 2
    )


def test_a_run_does_not_differ_from_itself(tmp_path: Path) -> None:
    run = write_run(tmp_path / "a", ["yes", "no", "yes"], valid=0.5)
    interval = difference([[run]], [[run]], "verb", "accuracy")
    assert (interval.value, interval.low, interval.high) == (0, 0, 0)


def test_there_must_be_something_to_vary(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="nothing to compare"):
        compare("recipe.yaml", tmp_path, over={})
