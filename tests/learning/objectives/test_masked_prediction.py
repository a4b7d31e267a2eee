from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from trichord.errors import RecipeError
from trichord.kinds import Kinds
from trichord.learning.batch import Batch, Item
from trichord.learning.encoders.front_ends.image_cnn import ImageCnn
from trichord.learning.encoders.front_ends.ready import Ready
from trichord.learning.objectives import OBJECTIVES, Outputs, Surroundings
from trichord.learning.objectives.masked_prediction import NOISE, MaskedPrediction
from trichord.learning.stream import Shape, Stream
from trichord.prepare.preparation import InputSpec

SPEC = InputSpec("array", 100.0, (3,))
PART = {"kind": "masked_prediction", "stream": "voice", "probability": 0.05, "codes": 20, "code_dim": 4}
NOTHING = Batch([], {})


def made(clock: float = 25.0, spec: InputSpec = SPEC, **changes: object) -> MaskedPrediction:
    torch.manual_seed(0)
    objective = Kinds(OBJECTIVES).make({**PART, **changes})
    front = Ready(normalise=False) if spec.kind == "array" else ImageCnn()
    front.build(spec)
    rng = np.random.default_rng(0)
    items = [
        Item(str(n), {"voice": (5 + 2 * rng.standard_normal((40, 3))).astype(np.float32)}) for n in range(9)
    ]
    objective.build(
        Surroundings(
            {"voice": spec}, lambda n, rng: [], dim=8, shapes={"voice": Shape(8, clock)},
            items=[*items, Item("silent", {})] if spec.kind == "array" else (), fronts={"voice": front},
        )
    )  # fmt: skip
    return objective


def frames_of(lengths: list[int], time: int, seed: int = 0) -> Stream:
    generator = torch.Generator().manual_seed(seed)
    return Stream(
        5 + 2 * torch.randn(len(lengths), time, 3, generator=generator), torch.tensor(lengths), 100.0
    )


def outputs_of(values: torch.Tensor, lengths: torch.Tensor) -> Outputs:
    stream = Stream(values, lengths, 25.0)
    return Outputs({}, {"voice": stream}, stream)


def test_frames_are_standardised_by_the_training_data():
    objective = made()
    torch.testing.assert_close(objective.normaliser.mean, torch.full((3,), 5.0), atol=0.4, rtol=0)
    torch.testing.assert_close(objective.normaliser.deviation, torch.full((3,), 2.0), atol=0.4, rtol=0)
    assert objective.quantised(frames_of([4000], 4000)).unique().numel() > 10


@settings(max_examples=20, deadline=None)
@given(
    st.lists(st.integers(0, 90), min_size=1, max_size=4),
    st.integers(0, 1000),
    st.sampled_from([10, 100, 400]),
)
def test_only_frames_that_exist_are_hidden_in_whole_spans(lengths, seed, span_ms):
    objective = made(span_ms=span_ms)
    frames = frames_of(lengths, 90, seed)
    torch.manual_seed(seed)
    changed = objective.change_features("voice", frames)
    hidden = (changed.values != frames.values).any(-1)
    assert not (hidden & ~frames.mask).any()
    assert changed.values[hidden].abs().max() < 8 * NOISE if hidden.any() else True
    for row, length in enumerate(lengths):
        runs = "".join("x" if step else "." for step in hidden[row, :length].tolist()).split(".")
        assert all(len(run) >= span_ms / 10 for run in runs[:-1] if run)  # the end may cut the last one short
        steps = [hidden[row, step : min(step + 4, length)].all().item() for step in range(0, length, 4)]
        assert objective.hidden[row].tolist() == steps + [False] * (23 - len(steps))


def test_a_third_is_hidden_by_default():
    objective = made(probability=0.01)
    hidden = objective.draw(frames_of([9000] * 4, 9000))
    assert hidden.float().mean().item() == pytest.approx(1 - 0.99**40, abs=0.03)


def test_the_same_frames_have_the_same_codes_wherever_they_stand():
    objective = made()
    frames = frames_of([80, 80], 80)
    whole = objective.quantised(frames)
    torch.testing.assert_close(
        objective.quantised(frames._replace(values=frames.values[:, 16:], lengths=frames.lengths - 16)),
        whole[:, 4:],
    )
    poisoned = frames.values.clone()
    poisoned[0, 40:] = torch.nan
    short = objective.quantised(frames._replace(values=poisoned, lengths=torch.tensor([40, 80])))
    assert short[0, :10].tolist() == whole[0, :10].tolist()
    assert short[1].tolist() == whole[1].tolist()


def test_only_hidden_steps_teach():
    objective = made()
    frames = frames_of([80, 40, 0], 80)
    objective.change_features("voice", frames)
    values = torch.randn(3, 20, 8, requires_grad=True)
    loss = objective.loss(outputs_of(values, torch.tensor([20, 10, 0])), NOTHING)
    assert loss is not None
    loss.backward()
    taught = (values.grad != 0).any(-1)
    assert objective.hidden.any()
    assert taught.tolist() == objective.hidden.tolist()
    assert objective.guess.weight.grad is not None


def test_nothing_hidden_is_no_loss_but_still_has_a_gradient():
    objective = made()
    for lengths, time in (([0], 0), ([0, 0], 30), ([1], 1)):
        objective.probability = 0.0
        objective.change_features("voice", frames_of(lengths, time))
        values = torch.full((len(lengths), max(1, -(-time // 4)), 8), torch.nan).requires_grad_()
        loss = objective.loss(outputs_of(values, torch.zeros(len(lengths), dtype=torch.long)), NOTHING)
        assert loss is not None
        assert loss.item() == 0
        loss.backward()


def test_other_streams_stay_as_they_are():
    frames = frames_of([80], 80)
    assert made().change_features("lips", frames) is frames


def test_an_encoder_learns_to_predict_what_repeats():
    objective = made(probability=0.02, span_ms=80)
    period = 5 + 2 * torch.randn(1, 16, 3, generator=torch.Generator().manual_seed(1))
    frames = Stream(period.repeat(8, 10, 1), torch.full((8,), 160), 100.0)
    encoder = torch.nn.Conv1d(3, 8, 41, stride=4, padding=20)
    optimizer = torch.optim.Adam([*encoder.parameters(), *objective.guess.parameters()], lr=0.01)
    losses = []
    for _ in range(120):
        changed = objective.change_features("voice", frames)
        heard = torch.tanh(encoder(changed.values.transpose(1, 2))).transpose(1, 2)[:, :40]
        loss = objective.loss(outputs_of(heard, torch.full((8,), 40)), NOTHING)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert np.mean(losses[-10:]) < 0.3 * np.mean(losses[:10])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"stream": "voise"}, "did you mean 'voice'"),
        ({"clock": 30.0}, "no multiple"),
        ({"spec": InputSpec("array", None, (3,))}, "no clock"),
        ({"spec": InputSpec("frames", 25.0, (8, 8))}, "ImageCnn of 'voice' learns"),
    ],
)
def test_streams_that_it_cannot_teach_are_refused(changes, message):
    with pytest.raises(RecipeError, match=message):
        made(**changes)
