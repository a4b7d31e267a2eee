from __future__ import annotations

from pathlib import Path

import pytest

from trichord.errors import InputError
from trichord.experiments.demo import remove_run, shown
from trichord.running.robustness import subsets


def test_only_a_run_is_removed(tmp_path: Path) -> None:
    remove_run(tmp_path / "none")
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(InputError, match="something else"):
        remove_run(tmp_path)
    assert (tmp_path / "thesis.txt").exists()
    (tmp_path / "recipe.yaml").write_text("format: 1")
    remove_run(tmp_path)
    assert not tmp_path.exists()


def test_streams_are_removed_in_turn_and_tried_alone() -> None:
    assert subsets(["a"]) == [("a",)]
    assert subsets(["a", "b"]) == [("a", "b"), ("a",), ("b",)]
    kept = subsets(["a", "b", "c", "d"])
    assert kept[0] == ("a", "b", "c", "d")
    assert len(kept) == 1 + 4 + 4
    assert ("b", "c", "d") in kept
    assert ("d",) in kept


def test_scores_are_written_short() -> None:
    assert [shown(value) for value in (0.12345, None, "take red now")] == ["0.123", "–", "take red now"]
