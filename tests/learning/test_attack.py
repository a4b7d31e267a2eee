from __future__ import annotations

import numpy as np
import pytest
import torch

from trichord.errors import InputError
from trichord.learning.attack import METHODS, attack
from trichord.learning.batch import Item, collate
from trichord.learning.model import Model
from trichord.learning.recipe import Recipe, load_recipe
from trichord.learning.training import Data, load_data
from trichord.learning.training.validate import head_losses, weighted_sum

RECIPE = {
    "corpus": {"kind": "scenes", "size": 12},
    "dim": 16,
    "streams": {
        "voice": {"from": "audio", "encoder": {"kind": "rnn", "front_end": {"kind": "logmel", "bands": 16}}},
        "scene": {"from": "video", "prepare": {"kind": "frames", "size": [24, 32]}, "encoder": "cnn"},
        "note": {"from": "text", "encoder": "transformer"},
    },
    "heads": {"intent": "classify", "transcript": {"kind": "ctc", "units": "word"}, "place": "regress"},
}
RADII = {"voice": 0.01, "scene": 3.0}


@pytest.fixture(scope="module")
def built() -> tuple[Recipe, Model, Data]:
    recipe = load_recipe(RECIPE)
    data = load_data(recipe, cache=None)
    torch.manual_seed(0)
    model = Model(recipe, data.specs)
    for name, encoder in model.encoders.items():
        encoder.front.fit(item.inputs[name] for item in data.train if name in item.inputs)
    return recipe, model.eval(), data


@torch.no_grad()
def loss(built: tuple[Recipe, Model, Data], items: list[Item]) -> float:
    recipe, model, data = built
    batch = collate(items, data.specs)
    return float(weighted_sum(recipe.heads, head_losses(recipe.heads, model(batch.inputs).logits, batch)))


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("stream", RADII)
def test_an_attack_raises_the_loss_within_its_radius(built, method: str, stream: str) -> None:
    recipe, model, data = built
    items = list(data.train[:4])
    attacked = attack(model, recipe, items, {stream: RADII[stream]}, method=method)
    assert loss(built, attacked) > loss(built, items)
    for before, after in zip(items, attacked, strict=True):
        assert after.inputs[stream].dtype == before.inputs[stream].dtype
        moved = after.inputs[stream].astype(np.float64) - before.inputs[stream]
        assert 0 < np.abs(moved).max() <= RADII[stream] * (1 + 1e-5)
        untouched = set(before.inputs) - {stream}
        assert all(after.inputs[name] is before.inputs[name] for name in untouched)


def test_steps_mislead_more_than_one(built) -> None:
    recipe, model, data = built
    items = list(data.train[:4])
    once, often = (loss(built, attack(model, recipe, items, RADII, method=method)) for method in METHODS)
    assert often > once


def test_the_same_seed_gives_the_same_attack(built) -> None:
    recipe, model, data = built
    items = list(data.train[:2])
    first, again, other = (
        attack(model, recipe, items, RADII, method="pgd", seed=seed)[0].inputs for seed in (1, 1, 2)
    )
    assert all(np.array_equal(first[name], again[name]) for name in RADII)
    assert not np.array_equal(first["voice"], other["voice"])


@pytest.mark.parametrize("method", METHODS)
def test_what_cannot_teach_is_left_alone(built, method: str) -> None:
    recipe, model, data = built
    item = data.train[0]
    items = [Item("unlabelled", item.inputs), Item("nothing", {}, item.targets), Item("silent", {
        "voice": np.zeros(4000, np.float32)}, item.targets)]  # fmt: skip
    first, second, _ = attack(model, recipe, items, RADII, method=method)
    assert all(np.array_equal(first.inputs[name], array) for name, array in item.inputs.items())
    assert second.inputs == {}
    assert all(parameter.grad is None for parameter in model.parameters())


@pytest.mark.parametrize(
    ("epsilons", "method", "message"),
    [
        ({"note": 1.0}, "fgsm", "'note': tokens cannot be changed a little"),
        ({"voise": 1.0}, "fgsm", "no such stream; did you mean 'voice'"),
        ({"voice": 1.0}, "pdg", "no attack is named 'pdg'; did you mean 'pgd'"),
    ],
)
def test_impossible_attacks(built, epsilons: dict[str, float], method: str, message: str) -> None:
    recipe, model, data = built
    with pytest.raises(InputError, match=message):
        attack(model, recipe, list(data.train[:1]), epsilons, method=method)
