"""A recipe without heads, which learns for others to start from."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from trichord.errors import RecipeError
from trichord.experiments.train import EVALUATION, read_headline, train
from trichord.learning.export import export_run
from trichord.learning.recipe import load_recipe
from trichord.learning.training import Learner, RunFolder, load_data
from trichord.recipes import read_yaml, shipped

VOICE = {
    "from": "audio",
    "encoder": {"kind": "rnn", "layers": 1, "front_end": {"kind": "logmel", "bands": 16}},
}
ALONE = {
    "corpus": {"kind": "scenes", "size": 24},
    "dim": 16,
    "streams": {"voice": VOICE},
    "heads": {},
    "objectives": [{"kind": "speed"}, {"kind": "masked_prediction", "stream": "voice", "codes": 16}],
    "training": {"epochs": 3, "batch_seconds": 8, "average": 0.9, "learning_rate": 1e-2},
}
TAUGHT = {**ALONE, "heads": {"intent": "classify"}, "objectives": []}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    return RunFolder(train(ALONE, tmp_path_factory.mktemp("alone") / "run"))


def test_leaves_weights_curves_and_a_card_but_no_model_file(run: RunFolder) -> None:
    names = {path.name for path in run.path.iterdir()}
    assert {"weights.safetensors", "curves.png", "card.md", EVALUATION} <= names
    assert "model.onnx" not in names
    assert "nothing; other trainings start from its weights" in (run.path / "card.md").read_text("utf-8")
    assert read_headline(run.path) == {}


def test_the_objectives_loss_on_validation_clips_chooses_the_epoch(run: RunFolder) -> None:
    losses = [row["valid_loss"] for row in run.read_history()]
    assert losses[-1] < losses[0]
    assert set(run.read_history()[0]) == {"epoch", "train_loss", "valid_loss", "seconds"}


def test_is_finished_and_not_begun_anew(run: RunFolder) -> None:
    before = run.weights_file.stat().st_mtime_ns
    train(ALONE, run.path)
    assert run.weights_file.stat().st_mtime_ns == before


def test_validation_hides_the_same_at_every_call(tmp_path: Path) -> None:
    recipe = load_recipe(ALONE)
    learner = Learner(recipe, load_data(recipe, cache=None), RunFolder(tmp_path))
    first = learner.validate()
    torch.manual_seed(99)
    assert learner.validate() == first


def test_others_start_from_it(run: RunFolder, tmp_path: Path) -> None:
    recipe = load_recipe(TAUGHT, {"training.start_from": [str(run.path)]})
    learner = Learner(recipe, load_data(recipe, cache=None), RunFolder(tmp_path))
    lent, own = load_file(run.weights_file), learner.raw.state_dict()
    encoder = [name for name in lent if name.startswith("encoders.")]
    assert len(encoder) > 5
    for name in encoder:
        torch.testing.assert_close(own[name], lent[name], atol=0, rtol=0)


def test_teaches_beside_heads(tmp_path: Path) -> None:
    recipe = load_recipe(TAUGHT, {"objectives": ALONE["objectives"], "training.epochs": 1})
    folder = train(recipe.resolved(), tmp_path, export=False)
    row = RunFolder(folder).read_history()[0]
    assert row["train_loss"] > row["valid_loss"]  # which is the head's alone
    assert "intent.accuracy" in row


def test_is_not_exported(run: RunFolder, tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="no heads"):
        export_run(run, tmp_path / "model.onnx")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"objectives": [{"kind": "speed"}]}, "no objective that teaches alone"),
        ({"objectives": []}, "heads: there is none"),
        ({"stage": "late"}, "'late' needs heads"),
        ({"objectives": [*ALONE["objectives"], {"kind": "blend"}]}, "Blend weighs"),  # type: ignore[misc]
        ({"training": {"monitor": "intent.accuracy"}}, "no metric of this recipe"),
    ],
)
def test_what_needs_heads_is_refused(changes: dict[str, object], message: str, tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=message):
        train({**ALONE, **changes}, tmp_path / "run")


def test_the_shipped_one_is_made_for_speechocean() -> None:
    alone, taught = (
        read_yaml(shipped("recipes") / f"{name}.yaml") for name in ("speech-pretrain", "speechocean")
    )
    assert alone["streams"] == taught["streams"]
