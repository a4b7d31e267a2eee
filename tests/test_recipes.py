from __future__ import annotations

from pathlib import Path

from trichord.recipes import list_recipes


def test_a_recipe_is_no_freer_than_what_it_starts_from(tmp_path: Path) -> None:
    written = {
        "free": "corpus: fsdd",
        "bound": "corpus: nemo_emotion",
        "begun": "corpus: {kind: fsdd}\ntraining: {start_from: [runs/bound, free]}",
        "again": "corpus: fsdd\ntraining: {start_from: [begun]}",
        "round": "corpus: fsdd\ntraining: {start_from: [round]}",
        "odd": "corpus: 3\ntraining: [1]",
    }
    for name, text in written.items():
        (tmp_path / f"{name}.yaml").write_text(text, "utf-8")
    found = {Path(row["recipe"]).stem: row for row in list_recipes(tmp_path)}
    allowed = {name: row["commercial"] for name, row in found.items()}
    assert allowed == {
        "free": "yes",
        "bound": "no",
        "begun": "no",
        "again": "no",
        "round": "yes",
        "odd": "unstated",
    }
    assert found["begun"]["licence"] == f"{found['free']['licence']}; {found['bound']['licence']}"
