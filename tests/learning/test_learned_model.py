from __future__ import annotations

import pytest
import torch

from trichord.clip import Event
from trichord.learning.batch import Item, collate
from trichord.learning.model import Model
from trichord.learning.recipe import load_recipe
from trichord.learning.training import Data, load_data
from trichord.prepare.preparation import InputSpec

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
STAGES = {
    "early": {"stage": "early", "trunk": {"kind": "transformer", "layers": 1}},
    "middle": {"stage": "middle"},
    "trunk": {"stage": "middle", "trunk": {"kind": "rnn", "layers": 1}},
    "late": {"stage": "late"},
}


@pytest.fixture(
    scope="module", params=[(stage, fusion) for stage in STAGES for fusion in ("mean", "cross_attention")]
)
def built(request: pytest.FixtureRequest) -> tuple[Model, Data]:
    stage, fusion = request.param
    recipe = load_recipe({**RECIPE, **STAGES[stage], "fusion": fusion})
    data = load_data(recipe, cache=None)
    torch.manual_seed(0)
    return Model(recipe, data.specs).eval(), data


def test_a_stage_answers_every_head_and_learns_in_every_part(built: tuple[Model, Data]) -> None:
    model, data = built
    batch = collate(data.train[:3], data.specs)
    logits = model(batch.inputs).logits
    assert set(logits) == {"intent", "transcript", "place"}
    sum(stream.cleared().values.pow(2).sum() for stream in logits.values()).backward()  # type: ignore[union-attr]
    without = [name for name, parameter in model.named_parameters() if parameter.grad is None]
    assert not without


@torch.no_grad()
def test_an_item_answers_the_same_alone_and_in_a_batch(built: tuple[Model, Data]) -> None:
    model, data = built
    items = [
        data.train[0],
        Item("deaf", {"note": data.train[1].inputs["note"]}),
        Item("nothing", {}),
        data.train[2],
    ]
    together = model(collate(items, data.specs).inputs).logits
    for row, item in enumerate(items):
        alone = model(collate([item], data.specs).inputs).logits
        for head, stream in alone.items():
            length = int(stream.lengths[0])
            assert int(together[head].lengths[row]) == length
            torch.testing.assert_close(
                together[head].values[row, :length], stream.values[0, :length], atol=2e-5, rtol=1e-4
            )


@pytest.mark.parametrize("stage", ["early", "trunk"])
def test_a_trunk_has_a_clock_only_if_a_stream_has_one(stage: str) -> None:
    specs = {"words": InputSpec("array", None, (3,)), "face": InputSpec("array", None, (2,))}
    streams = {name: {"from": name, "encoder": "features"} for name in specs}
    recipe = load_recipe({**RECIPE, **STAGES[stage], "streams": streams, "heads": {"mood": "tag"}})
    recipe.heads["mood"].fit([(Event("glad", 0, 1), Event("sad", 1, 2))])
    model = Model(recipe, specs)
    inputs = {name: (torch.randn(1, 4, spec.shape[0]), torch.tensor([4])) for name, spec in specs.items()}
    said = model(inputs).logits["mood"]
    assert said.rate is None
    assert said.lengths.tolist() == [4]
