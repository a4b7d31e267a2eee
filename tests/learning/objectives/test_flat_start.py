from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st

from trichord.errors import RecipeError
from trichord.learning.batch import Batch, Item
from trichord.learning.heads.classify import Classify
from trichord.learning.heads.ctc import Ctc
from trichord.learning.objectives.flat_start import FlatStart, evenly
from trichord.learning.objectives.objective import Outputs, Surroundings
from trichord.learning.stream import Stream


def started(progress: float = 0.0, **given: float) -> FlatStart:
    head = Ctc(units="word")
    head.fit(["good day", "good night"])
    objective = FlatStart("transcript", **given)
    objective.build(Surroundings({}, lambda n, rng: [], 16, heads={"transcript": head}))
    objective.progress = progress
    return objective


def loss_of(objective: FlatStart, logits: Stream, targets: list[str | None]) -> torch.Tensor | None:
    items = [Item("a", {}, {} if target is None else {"transcript": target}) for target in targets]
    return objective.loss(Outputs({"transcript": logits}, {}, logits), Batch(items, {}))


@given(st.lists(st.integers(1, 9), min_size=1, max_size=8), st.integers(1, 40))
def test_units_are_spread_evenly_in_their_order(units: list[int], steps: int) -> None:
    spread = evenly(torch.tensor(units), steps).tolist()
    assert len(spread) == steps and spread[0] == units[0]
    if steps >= len(units):
        runs = [
            sum(place * len(units) // steps == number for place in range(steps))
            for number in range(len(units))
        ]
        assert max(runs) - min(runs) <= 1
        assert [units[place * len(units) // steps] for place in range(steps)] == spread


def test_its_loss_is_the_cross_entropy_of_evenly_spread_units_and_fades() -> None:
    torch.manual_seed(0)
    logits = Stream(torch.randn(3, 6, 4), torch.tensor([6, 4, 0]), 25.0)
    # good 2, day 1, night 3
    labels = torch.tensor([[2, 2, 2, 1, 1, 1], [2, 2, 3, 3, -1, -1], [-1] * 6])
    expected = F.cross_entropy(logits.values.transpose(1, 2), labels, ignore_index=-1)
    targets = ["good day", "good night", "good day"]
    assert loss_of(started(), logits, targets) == pytest.approx(float(expected))
    assert loss_of(started(0.05, weight=2.0), logits, targets) == pytest.approx(float(expected))
    assert loss_of(started(0.1), logits, targets) is None
    assert loss_of(started(0.3, until=0.4), logits, targets) == pytest.approx(float(expected) / 4)


def test_padding_and_items_without_a_transcript_teach_nothing() -> None:
    values = torch.randn(2, 5, 4)
    values[0, 3:] = float("nan")
    values.requires_grad_()
    loss = loss_of(started(), Stream(values, torch.tensor([3, 5]), 25.0), ["good day", None])
    assert loss is not None
    loss.backward()
    assert (
        torch.isfinite(values.grad).all()
        and values.grad[0, 3:].abs().sum() == values.grad[1].abs().sum() == 0
    )
    assert loss_of(started(), Stream(values.detach(), torch.tensor([3, 5]), 25.0), [None, None]) is None


def test_silence_is_blank_and_another_kind_of_head_is_refused() -> None:
    assert evenly(torch.tensor([], dtype=torch.long), 3).tolist() == [0, 0, 0]
    with pytest.raises(RecipeError, match="no ctc head 'mood'"):
        FlatStart("mood").build(Surroundings({}, lambda n, rng: [], 16, heads={"mood": Classify()}))
