from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import torch

from parity import assert_export_parity
from trichord.errors import RecipeError
from trichord.learning.export.run import Logits
from trichord.learning.hierarchy import Hierarchy
from trichord.learning.model import Model
from trichord.learning.recipe import load_recipe
from trichord.learning.stream import Stream
from trichord.prepare.preparation import InputSpec

SPECS = {"pulse": InputSpec("array", 25.0, (3,)), "note": InputSpec("array", None, (2,))}
RECIPE = {
    "corpus": {"kind": "scenes", "size": 12},
    "dim": 8,
    "streams": {
        "pulse": {"from": "pulse", "encoder": "features"},
        "note": {"from": "note", "encoder": "features"},
    },
    "heads": {
        "child": "classify",
        "once": "classify",
        "said": {"kind": "ctc", "units": "word"},
        "number": "regress",
    },
    "after": {"child": ["once", "said", "number"], "said": ["once"]},
}
TARGETS = {
    "child": ["x", "y"],
    "once": ["a", "b", "c"],
    "said": ["one two", "two"],
    "number": [(1.0, 2.0), (2.0, 0.0)],
}


def model_of(**changes: object) -> Model:
    recipe = load_recipe({**RECIPE, **changes})
    for name, head in recipe.heads.items():
        head.fit(TARGETS[name])
    torch.manual_seed(0)
    return Model(recipe, SPECS).eval()


def batch_of(pulses: list[int], notes: list[int]) -> dict[str, tuple[torch.Tensor, torch.Tensor]]:
    generator = torch.Generator().manual_seed(1)
    return {
        name: (
            torch.randn(len(lengths), max(lengths), *SPECS[name].shape, generator=generator),
            torch.tensor(lengths),
        )
        for name, lengths in {"pulse": pulses, "note": notes}.items()
    }


def test_a_head_reads_what_those_below_it_say() -> None:
    model, batch = model_of(), batch_of([5, 3], [2, 0])
    assert list(model(batch).logits) == list(RECIPE["heads"])
    assert model.heads["child"].pool.key.in_features == 8 + 3 + 3 + 2
    before = model(batch).logits
    with torch.no_grad():
        model.heads["once"].answer[1].bias += torch.tensor([9.0, 0.0, 0.0])
    after = model(batch).logits
    changed = {name for name in before if not torch.equal(before[name].values, after[name].values)}
    assert changed == {"once", "said", "child"}


def test_heads_without_any_below_answer_as_ever() -> None:
    batch = batch_of([5, 3], [2, 0])
    plain, listed = model_of(after={})(batch), model_of(after={"child": []})(batch)
    assert all(torch.equal(plain.logits[name].values, listed.logits[name].values) for name in plain.logits)


def test_the_order_of_heads_does_not_matter() -> None:
    model = model_of()
    turned = model_of(heads=dict(reversed(RECIPE["heads"].items())))
    turned.load_state_dict(model.state_dict())
    batch = batch_of([5, 3], [2, 0])
    one, other = model(batch).logits, turned(batch).logits
    assert list(one) == list(reversed(other))
    for name, stream in one.items():
        torch.testing.assert_close(stream.values, other[name].values)


def test_classes_are_read_as_probabilities_and_numbers_as_they_are() -> None:
    model = model_of()
    hierarchy = Hierarchy(model.heads, RECIPE["after"], 25.0)
    fused = Stream(torch.randn(2, 4, 8), torch.tensor([4, 2]), 25.0)
    once = Stream(torch.tensor([[[0.0, 1.0, 2.0]], [[5.0, 0.0, 0.0]]]), torch.tensor([1, 1]))
    number = Stream(torch.tensor([[[3.0, -7.0]], [[0.5, 0.5]]]), torch.tensor([1, 1]))
    beside = hierarchy.beside(fused, {"once": once, "number": number}).values
    torch.testing.assert_close(beside[0, :, 8:11], once.values[0].softmax(-1).expand(4, 3))
    torch.testing.assert_close(beside[1, :, 11:], number.values[1].expand(4, 2))
    steps = Stream(torch.randn(2, 4, 3), torch.tensor([4, 2]), 25.0)
    torch.testing.assert_close(
        hierarchy.beside(fused, {"said": steps}).values[0, :, 8:], steps.values[0].softmax(-1)
    )


def test_what_is_past_the_end_does_not_leak() -> None:
    model, batch = model_of(), batch_of([5, 3, 0], [2, 0, 0])
    spoilt = {name: (values.clone(), lengths) for name, (values, lengths) in batch.items()}
    for values, lengths in spoilt.values():
        for row, length in enumerate(lengths):
            values[row, length:] = torch.nan
    for name, stream in model(batch).logits.items():
        torch.testing.assert_close(stream.cleared().values, model(spoilt).logits[name].cleared().values)
    losses = [
        head.loss(model(spoilt).logits[name], [TARGETS[name][0]] * 3) for name, head in model.heads.items()
    ]
    torch.stack(losses).sum().backward()
    assert all(parameter.grad is None or parameter.grad.isfinite().all() for parameter in model.parameters())


def test_the_loss_of_the_higher_teaches_the_lower() -> None:
    model, batch = model_of(), batch_of([5, 3], [2, 0])
    model.heads["child"].loss(model(batch).logits["child"], ["x", "y"]).backward()
    for name in ("once", "said", "number"):
        assert all(
            parameter.grad.abs().sum() > 0
            for parameter in model.heads[name].parameters()
            if parameter.ndim > 1
        )


@pytest.mark.parametrize("streams", [("pulse", "note"), ("note",)])
def test_a_hierarchy_is_exported(tmp_path, streams) -> None:
    model = model_of(streams={name: RECIPE["streams"][name] for name in streams})
    lengths = [
        {"pulse": [4, 0, 1], "note": [0, 3, 2]},
        {"pulse": [0, 0], "note": [0, 0]},
        {"pulse": [6], "note": [0]},
    ]
    chosen = [{name: batch[name] for name in streams} for batch in lengths]
    assert_export_parity(Logits(model), {name: SPECS[name] for name in streams}, tmp_path, chosen, 1e-5)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"after": {"child": ["onec"]}}, "after.child: there is no head 'onec'; did you mean 'once'"),
        ({"after": {"chidl": ["once"]}}, "after.chidl: there is no head 'chidl'; did you mean 'child'"),
        ({"after": {"child": ["once"], "once": ["child"]}}, "wait for each other"),
        ({"after": {"once": ["once"]}}, "wait for each other: once after once"),
        ({"stage": "late"}, "'after' needs a fused stream"),
    ],
)
def test_what_cannot_be_ordered_is_refused(changes, message) -> None:
    with pytest.raises(RecipeError, match=message):
        load_recipe({**RECIPE, **changes})


def test_a_circle_is_told_in_the_order_of_waiting() -> None:
    after = {"child": ["once"], "once": ["said"], "said": ["child"]}
    with pytest.raises(RecipeError) as error:
        load_recipe({**RECIPE, "after": after})
    told = str(error.value).partition("other: ")[2].split(" after ")
    assert all(later in after[name] for name, later in pairwise(told))
    assert np.unique(told).size == 3
