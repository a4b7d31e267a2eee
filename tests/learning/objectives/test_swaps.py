import numpy as np
import pytest

from trichord.errors import RecipeError
from trichord.learning.batch import Item
from trichord.learning.objectives import Surroundings
from trichord.learning.objectives.swap_means import SwapMeans
from trichord.learning.objectives.swap_steps import SwapSteps
from trichord.prepare.preparation import InputSpec

SPECS = {"face": InputSpec("array", None, (2,)), "words": InputSpec("tokens", vocabulary=5)}


def item(number, actor, offset):
    face = (np.array([[1.0, 0.0], [-1.0, 0.0]]) * (number + 1) + offset).astype(np.float32)
    return Item(f"{number}", {"face": face}, {}, {"actor": actor})


def built(objective, items):
    objective.build(Surroundings(SPECS, lambda n, rng: items[:n], 4, items=items))
    return objective


def test_a_swapped_mean_leaves_what_is_the_clips_own():
    items = [item(n, actor, offset) for n in range(3) for actor, offset in (("a", 10.0), ("b", -20.0))]
    part = built(SwapMeans("actor", probability=1.0), items)
    seen = set()
    for seed in range(20):
        for before, after in zip(items, part.change(items, np.random.default_rng(seed)), strict=True):
            face = after.inputs["face"]
            seen.add(float(face.mean()))
            np.testing.assert_allclose(
                face - face.mean(0), before.inputs["face"] - before.inputs["face"].mean(0)
            )
    assert seen == {10.0, -20.0}  # every clip was moved to either actor's mean, and nowhere else


def test_means_are_swapped_between_groups_that_are_known():
    with pytest.raises(RecipeError, match="no training clip has 'acter'; did you mean 'actor'"):
        built(SwapMeans("acter"), [item(0, "a", 0.0)])
    part = built(SwapMeans("actor", probability=1.0), [item(0, "a", 0.0)])
    stranger = item(0, "z", 5.0)
    assert part.change([stranger], np.random.default_rng(0)) == [stranger]


def test_nothing_to_swap_is_refused():
    tokens = {"words": SPECS["words"]}
    with pytest.raises(RecipeError, match="SwapMeans changes ready arrays, but the streams give tokens"):
        SwapMeans("actor").build(Surroundings(tokens, lambda n, rng: [], 4, items=[item(0, "a", 0.0)]))
    empty = Item("empty", {"face": np.zeros((0, 2), np.float32)})
    for items in ([], [empty], [Item("none", {})]):
        with pytest.raises(RecipeError, match="no training clip has a step of 'face'"):
            built(SwapSteps("face"), items)


def test_steps_are_swapped_as_often_as_is_said():
    items = [
        Item("x", {"face": np.full((4000, 2), 1.0, np.float32)}),
        Item("y", {"face": np.zeros((4000, 2), np.float32)}),
    ]
    changed = built(SwapSteps("face", share=0.4), items).change(items, np.random.default_rng(0))
    assert changed[0].inputs["face"].mean() == pytest.approx(
        0.8, abs=0.03
    )  # half of what is swapped is alike
    assert changed[1].inputs["face"].mean() == pytest.approx(0.2, abs=0.03)
    assert changed[0].inputs["face"].dtype == np.float32
    rows = changed[0].inputs["face"]
    assert (rows[:, 0] == rows[:, 1]).all()  # whole steps
