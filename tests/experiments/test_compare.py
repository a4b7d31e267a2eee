from __future__ import annotations

import json
from pathlib import Path

import pytest

from trichord.errors import InputError, RecipeError
from trichord.experiments.compare import compare, markdown, tabulate
from trichord.experiments.paired import difference


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


def write_folds(folder: Path, valid: list[float], answers: list[list[str]]) -> list[Path]:
    """The runs of one seed, a fold each; clips are numbered on."""
    runs, start = [], 0
    for fold, values in enumerate(answers):
        run = write_run(folder / f"fold-{fold}", values, valid[fold])
        rows = [json.loads(line) for line in (run / "predictions.jsonl").read_text().splitlines()]
        for number, row in enumerate(rows):
            row["clip"], row["about"] = f"{start + number:03d}", {"speaker": f"s{fold}"}
        start += len(rows)
        (run / "predictions.jsonl").write_text("\n".join(map(json.dumps, rows)) + "\n")
        runs.append(run)
    return runs


def test_a_cross_validation_chooses_fold_by_fold_and_scores_all_parts_together(tmp_path: Path) -> None:
    a = write_folds(tmp_path / "a", [0.9, 0.2], [["yes"] * 4, ["no"] * 6])
    b = write_folds(tmp_path / "b", [0.3, 0.8], [["no"] * 4, ["yes"] * 6])
    rows = {row["variant"]: row for row in tabulate({"a": [a], "b": [b]})}
    assert rows["a"]["test"]["mean"] == pytest.approx(0.4)
    assert rows["b"]["test"]["mean"] == pytest.approx(0.6)
    assert rows["chosen fold by fold"]["test"]["mean"] == 1.0
    assert rows["chosen fold by fold"]["best"]
    assert rows["a"]["minus_best"]["value"] == pytest.approx(-0.6)


def test_runs_on_other_clips_are_not_compared(tmp_path: Path) -> None:
    a = write_folds(tmp_path / "a", [0.9], [["yes"] * 4])
    b = write_folds(tmp_path / "b", [0.9], [["yes"] * 5])
    with pytest.raises(InputError, match="different clips"):
        difference([a], [b], "verb", "accuracy")


def test_nothing_is_the_best_where_nothing_validated(tmp_path: Path) -> None:
    run = write_run(tmp_path / "a", ["yes", "no"], valid=0.5)
    evaluation = json.loads((run / "evaluation.json").read_text())
    del evaluation["valid"]
    (run / "evaluation.json").write_text(json.dumps(evaluation))
    [row] = tabulate({"a": [[run]]})
    assert not row["best"]
    assert "minus_best" not in row
