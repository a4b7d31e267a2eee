from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from trichord.errors import RecipeError
from trichord.learning.recipe import Recipe, load_recipe
from trichord.recipes import list_recipes, shipped

TINY = {
    "corpus": {"kind": "scenes", "size": 12},
    "dim": 16,
    "streams": {
        "voice": {"from": "audio", "encoder": {"kind": "rnn", "front_end": {"kind": "logmel", "bands": 16}}},
        "note": {"from": "text", "encoder": "transformer"},
    },
    "fusion": "mean",
    "heads": {"intent": "classify"},
}


def changed(**changes: object) -> dict[str, object]:
    return {**TINY, **changes}


def test_defaults_are_written_out_and_read_back_the_same() -> None:
    recipe = load_recipe(TINY)
    again = load_recipe(yaml.safe_load(yaml.safe_dump(recipe.resolved())))
    assert again.resolved() == recipe.resolved()
    assert recipe.resolved()["streams"]["voice"]["encoder"]["front_end"]["bands"] == 16
    assert recipe.resolved()["training"]["epochs"] == 30


@pytest.mark.parametrize("path", sorted(shipped("recipes").glob("*.yaml")), ids=lambda path: path.stem)
def test_every_shipped_recipe_is_valid(path: Path) -> None:
    assert load_recipe(path).about


def test_shipped_recipes_are_listed_with_their_licence() -> None:
    rows = {Path(row["recipe"]).stem: row for row in list_recipes()}
    assert rows["grid-avsr"]["corpus"] == "grid"
    assert all(row["licence"] and row["commercial"] in ("yes", "no", "unstated") for row in rows.values())


@pytest.mark.parametrize(
    ("recipe", "message"),
    [
        (changed(fussion="mean"), "did you mean 'fusion'"),
        (changed(fusion="concatt"), "did you mean 'concat'"),
        (changed(training={"epoch": 3}), "did you mean 'epochs'"),
        (changed(training={"epochs": 0}), "training.epochs"),
        (changed(streams={}), "streams"),
        (changed(streams={"Voice!": TINY["streams"]["voice"]}), "streams.Voice!"),  # type: ignore[index]
        (changed(streams={"voice": {"from": "audio"}}), "streams.voice.encoder"),
        (
            changed(streams={"voice": {"from": "audio", "encoder": {"kind": "rnn", "layer": 2}}}),
            "did you mean 'layers'",
        ),
        (changed(heads={"voice": "classify"}), "both a stream and a head"),
        (changed(stage="early"), "trunk"),
        (changed(stage="late", trunk="transformer"), "trunk"),
        (changed(format=2), "format"),
        ({"corpus": "scenes"}, "streams"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(recipe: dict[str, object], message: str) -> None:
    with pytest.raises(RecipeError) as error:
        load_recipe(recipe)
    assert message in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "just words",
        "[1, 2]",
        "a: [",
        "a: &x [1]\nb: *x",
        "\x00\x01",
        "1: 2",
        "!!python/object/apply:os.getcwd []",
        "[" * 5000,
    ],
)
def test_hostile_files_are_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text(text)
    with pytest.raises(RecipeError) as error:
        load_recipe(path)
    assert "\n" not in str(error.value)


def test_a_missing_and_a_huge_file_are_refused(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="cannot be read"):
        load_recipe(tmp_path / "none.yaml")
    (tmp_path / "huge.yaml").write_bytes(b"#" * (2 << 20))
    with pytest.raises(RecipeError, match="larger"):
        load_recipe(tmp_path / "huge.yaml")


def test_changes_by_dotted_key() -> None:
    recipe = load_recipe(
        TINY, {"training.epochs": 3, "corpus.seed": 5, "fusion": "gates", "fusion.kind": "sum"}
    )
    assert recipe.training.epochs == 3
    assert recipe.resolved()["corpus"]["seed"] == 5
    assert recipe.resolved()["fusion"]["kind"] == "sum"
    with pytest.raises(RecipeError, match="not a mapping"):
        load_recipe(TINY, {"dim.x": 1})


def test_the_json_schema_knows_every_part_and_says_what_is_optional() -> None:
    schema = Recipe.model_json_schema()
    stream = schema["$defs"]["StreamRecipe"]
    assert stream["required"] == ["from", "encoder"]
    kinds = stream["properties"]["encoder"]["anyOf"]
    assert "conformer" in kinds[0]["enum"]
    conformer = next(part for part in kinds if part.get("title") == "Conformer")
    assert conformer["properties"]["layers"]["default"] == 4
    assert "Gulati" in conformer["description"]
