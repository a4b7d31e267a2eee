"""Integrated gradients add up to what they explain."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from trichord.decoding import decode, log_probability
from trichord.errors import InputError
from trichord.learning.batch import Item, collate
from trichord.learning.gradients import Gradients, integral, integrated_gradients
from trichord.learning.log_probability import SCORERS, answer_log_probability
from trichord.learning.model import Model
from trichord.learning.recipe import Recipe, load_recipe
from trichord.learning.stream import Stream
from trichord.learning.training import load_data

STREAMS = {
    "voice": {"from": "audio", "encoder": {"kind": "rnn", "front_end": {"kind": "logmel", "bands": 16}}},
    "scene": {"from": "video", "prepare": {"kind": "frames", "size": [8, 12]}, "encoder": "cnn"},
    "note": {"from": "text", "encoder": "transformer"},
}
RECIPE = {
    "corpus": {"kind": "scenes", "size": 12},
    "dim": 16,
    "streams": STREAMS,
    "heads": {"intent": "classify", "transcript": {"kind": "ctc", "units": "word"}, "place": "regress"},
}
STAGES = ("middle", "late")


class Built:
    def __init__(self, stage: str) -> None:
        self.recipe: Recipe = load_recipe({**RECIPE, "stage": stage})
        self.data = load_data(self.recipe, cache=None)
        torch.manual_seed(0)
        self.model = Model(self.recipe, self.data.specs).eval()
        self.heads = {name: head.metadata() for name, head in self.recipe.heads.items()}

    def explain(self, item: Item, heads: tuple[str, ...] = (), steps: int = 64) -> Gradients:
        with torch.no_grad():
            logits = self.model(collate([item], self.data.specs).inputs).logits
        answers = {name: decode(self.heads[name], stream.values[0, : int(stream.lengths[0])].numpy()).best
                   for name, stream in logits.items() if name in (heads or self.heads)}  # fmt: skip
        self.worth = sum(
            log_probability(self.heads[name], logits[name].values[0].numpy(), answer)
            for name, answer in answers.items()
        )
        return integrated_gradients(
            self.model, self.data.specs, self.heads, item.inputs, answers, steps=steps
        )


@pytest.fixture(scope="module")
def built() -> dict[str, Built]:
    return {stage: Built(stage) for stage in STAGES}


@settings(max_examples=6, deadline=None)
@given(
    stage=st.sampled_from(STAGES), number=st.integers(0, 5),
    kept=st.sets(st.sampled_from(sorted(STREAMS)), min_size=1),
    heads=st.sampled_from([(), ("intent",), ("transcript",), ("place",)]),
)  # fmt: skip
def test_they_add_up(
    built: dict[str, Built], stage: str, number: int, kept: set[str], heads: tuple[str, ...]
) -> None:
    whole = built[stage].data.train[number]
    item = Item("part", {name: array for name, array in whole.inputs.items() if name in kept})
    found = built[stage].explain(item, heads)
    assert found.full == pytest.approx(built[stage].worth, abs=1e-3)  # Shapley's worth, in torch
    assert set(found.nats) == kept
    assert found.error < 0.02 + 0.01 * abs(found.full - found.baseline)


def test_each_part_of_each_stream_has_its_nats(built: dict[str, Built]) -> None:
    item = built["middle"].data.train[0]
    found = built["middle"].explain(item, steps=4)
    assert found.nats["note"].shape == item.inputs["note"].shape
    assert found.nats["scene"].shape == item.inputs["scene"].shape
    frames, bands = found.nats["voice"].shape
    assert bands == 16
    assert frames / (found.rates["voice"] or 1) == pytest.approx(len(item.inputs["voice"]) / 16_000, abs=0.03)
    assert found.rates["note"] is None
    assert all(np.isfinite(nats).all() and np.abs(nats).max() > 0 for nats in found.nats.values())


def test_a_linear_answer_needs_one_step() -> None:
    """Of a linear model each number's share is its weight times its way, whatever the steps."""
    weight = torch.randn(1, 5, 3)
    begin, end = {"x": torch.zeros(1, 5, 3)}, {"x": torch.randn(1, 5, 3)}
    for steps in (1, 7, 40):
        found = integral(lambda points: (points["x"] * weight).sum((1, 2)), begin, end, steps)
        torch.testing.assert_close(found["x"], weight * end["x"])


@pytest.mark.parametrize("where", [0.003, 0.31, 0.99])
def test_a_jump_is_found_wherever_it_lies(where: float) -> None:
    """As where a picture only just appears to a network that normalises it."""

    def worth(points: dict[str, torch.Tensor]) -> torch.Tensor:
        return 20 * torch.sigmoid((points["x"].sum((1, 2)) - where) / 0.0005)

    begin, end = {"x": torch.zeros(1, 2, 2)}, {"x": torch.full((1, 2, 2), 0.25)}
    whole = float(worth(end) - worth(begin))
    assert float(integral(worth, begin, end, 64)["x"].sum()) == pytest.approx(whole, rel=0.02)


def test_a_clip_with_nothing_in_it_has_nothing_to_explain(built: dict[str, Built]) -> None:
    found = integrated_gradients(
        built["middle"].model, built["middle"].data.specs, built["middle"].heads, {}, {"place": 0.0}
    )
    assert (found.nats, found.full, found.error) == ({}, 0.0, 0.0)


@pytest.mark.parametrize(("answers", "steps", "says"), [
    ({"intent": "nonsense"}, 4, "not a class"),
    ({"transcript": "nonsense"}, 4, "cannot write"),
    ({}, 0, "at least one step"),
])  # fmt: skip
def test_what_cannot_be_explained_is_refused(
    built: dict[str, Built], answers: dict[str, str], steps: int, says: str
) -> None:
    one = built["middle"]
    with pytest.raises(InputError, match=says):
        integrated_gradients(
            one.model, one.data.specs, one.heads, one.data.train[0].inputs, answers, steps=steps
        )


HEADS = {
    "classify": {"kind": "classify", "labels": ["a", "b", "c"], "temperature": 2.0},
    "ctc": {"kind": "ctc", "labels": ["", "a", "b"], "units": "character"},
    "regress": {"kind": "regress", "names": ["x", "y"], "mean": [1.0, 2.0], "std": [0.5, 3.0]},
    "tag": {"kind": "tag", "labels": ["calm", "loud"]},
    "contrastive": {"kind": "contrastive", "size": 2, "scale": 5.0},
}
ANSWERS = {
    "classify": "b",
    "ctc": "ab",
    "regress": (1.5, 0.0),
    "tag": ("loud", "calm", "loud", "loud"),
    "contrastive": (0.6, 0.8),
}
STEPS = {"classify": 1, "ctc": 4, "regress": 1, "tag": 4, "contrastive": 1}


def logits_of(kind: str) -> Stream:
    """Return two rows of logits, and a step beyond their length."""
    head = HEADS[kind]
    width = head.get("size") or len(head.get("labels", head.get("names")))
    torch.manual_seed(0)
    return Stream(torch.randn(2, STEPS[kind] + 1, width), torch.full((2,), STEPS[kind]))


def test_every_kind_of_head_is_scored() -> None:
    assert set(HEADS) == set(SCORERS)


@pytest.mark.parametrize("kind", HEADS)
def test_a_score_is_the_log_probability_of_decoding(kind: str) -> None:
    logits = logits_of(kind)
    scores = answer_log_probability(HEADS[kind], logits, ANSWERS[kind])
    expected = [log_probability(HEADS[kind], row[: STEPS[kind]].numpy(), ANSWERS[kind])
                for row in logits.values]  # fmt: skip
    assert scores.tolist() == pytest.approx(expected, rel=1e-5)


def test_numbers_of_steps_are_scored_over_the_steps() -> None:
    head = {"kind": "regress", "names": ["x"], "mean": [1.0], "std": [0.5], "each": "step"}
    logits = Stream(torch.randn(2, 5, 1), torch.tensor([4, 4]))
    answer = (1.5, 0.0, 2.0, 1.0)
    expected = [log_probability(head, row[:4].numpy(), answer) for row in logits.values]
    assert answer_log_probability(head, logits, answer).tolist() == pytest.approx(expected, rel=1e-5)
    with pytest.raises(InputError, match="expected 4 numbers"):
        answer_log_probability(head, logits, (1.0,))


@pytest.mark.parametrize(("kind", "answer"), [
    ("classify", "d"), ("ctc", "abc"), ("regress", 1.0), ("regress", "ab"),
    ("tag", ("calm",)), ("tag", ("calm", "loud", "calm", "soft")), ("tag", "calm"),
    ("tag", (0.0, 1.0, 2.0, 3.0)), ("contrastive", (1.0,)), ("contrastive", "ab"),
])  # fmt: skip
def test_an_answer_of_another_head_is_refused(kind: str, answer: str | float | tuple) -> None:
    with pytest.raises(InputError):
        answer_log_probability(HEADS[kind], logits_of(kind), answer)
