from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from trichord.errors import RecipeError
from trichord.kinds import Kinds
from trichord.learning.batch import Batch, Item
from trichord.learning.heads.classify import Classify
from trichord.learning.heads.regress import Regress
from trichord.learning.objectives import OBJECTIVES, Outputs, Surroundings
from trichord.learning.stream import Shape, Stream

NOTHING = Batch([], {})


def made(part: dict, heads: dict, **known: object) -> nn.Module:
    objective = Kinds(OBJECTIVES).make(part)
    objective.build(Surroundings({}, lambda n, rng: [], dim=4, heads=heads, **known))
    return objective


def heads_of(**targets: list) -> dict:
    kinds = {name: Classify() if isinstance(known[0], str) else Regress() for name, known in targets.items()}
    for name, head in kinds.items():
        head.fit(targets[name])
    return kinds


def outputs_of(fused: torch.Tensor) -> Outputs:
    return Outputs({}, {}, Stream(fused, torch.full((len(fused),), fused.shape[1]), 25.0))


def test_uncertainty_learns_the_variance_of_each_tasks_noise():
    rng = np.random.default_rng(0)
    x = rng.standard_normal((400, 4)).astype(np.float32)
    clean, noisy = x[:, 0] + 0.1 * rng.standard_normal(400), x[:, 1] + 2 * rng.standard_normal(400)
    targets = {"clean": clean.tolist(), "noisy": noisy.tolist()}
    heads = heads_of(**targets)
    torch.manual_seed(0)
    objective, layers = made({"kind": "uncertainty", "speed": 3}, heads), nn.Linear(4, 2)
    optimizer = torch.optim.Adam([*objective.parameters(), *layers.parameters()], lr=0.02)
    for _ in range(300):
        values = layers(torch.from_numpy(x))[:, None, :]
        losses = {
            name: head.loss(Stream(values[..., place : place + 1], torch.ones(400)), targets[name])
            for place, (name, head) in enumerate(heads.items())
        }
        weighed = objective.weigh(losses, outputs_of(values), NOTHING)
        optimizer.zero_grad()
        sum(weighed.values()).backward()
        optimizer.step()
    learned = {name: s.exp().item() for name, s in objective.log_variances.items()}
    left = {name: loss.item() for name, loss in losses.items()}
    assert learned == pytest.approx(left, rel=0.05)  # of a squared error, the variance is the error's own
    assert learned["noisy"] > 20 * learned["clean"]


def test_uncertainty_starts_with_the_losses_and_learns_nothing_from_an_absent_target():
    objective = made({"kind": "uncertainty"}, heads_of(mood=["a", "b"], place=[1.0, 2.0]))
    losses = {"mood": torch.tensor(0.7), "place": torch.tensor(0.0)}
    weighed = objective.weigh(losses, outputs_of(torch.zeros(1, 1, 1)), NOTHING)
    assert {name: loss.item() for name, loss in weighed.items()} == pytest.approx({"mood": 0.7, "place": 0.0})
    sum(weighed.values()).backward()
    assert objective.slow.grad[0] != 0
    assert objective.slow.grad[1] == 0


def pulled(objective: nn.Module, scales: dict[str, float], steps: int) -> dict[str, float]:
    """Return the norms of the weighed losses' gradients after so many batches of losses of these scales."""
    fused = torch.randn(4, 5, 3, generator=torch.Generator().manual_seed(0)).requires_grad_()
    for _ in range(steps):
        losses = {name: scale * fused.square().mean() for name, scale in scales.items()}
        weighed = objective.weigh(losses, outputs_of(fused), NOTHING)
    return {
        name: torch.autograd.grad(loss, fused, retain_graph=True)[0].norm().item()
        for name, loss in weighed.items()
    }


def test_gradients_become_of_one_size():
    objective = made({"kind": "gradient_norm", "alpha": 0, "rate": 0.1}, heads_of(a=["x"], b=["x"], c=["x"]))
    pulls = pulled(objective, {"a": 1.0, "b": 100.0, "c": 0.1}, 200)
    assert max(pulls.values()) / min(pulls.values()) < 1.01
    assert objective.shares.sum().item() == pytest.approx(3)


def test_a_head_that_learns_slowly_pulls_more():
    objective = made({"kind": "gradient_norm", "alpha": 1, "rate": 0.1}, heads_of(fast=["x"], slow=["x"]))
    pulled(objective, {"fast": 1.0, "slow": 1.0}, 1)
    pulls = pulled(objective, {"fast": 0.25, "slow": 1.0}, 200)
    assert pulls["slow"] / pulls["fast"] == pytest.approx(4, rel=0.02)


def test_gradients_of_an_absent_target_change_no_weight():
    objective = made({"kind": "gradient_norm"}, heads_of(a=["x"], b=["x"]))
    pulled(objective, {"a": 1.0, "b": 0.0}, 5)
    assert objective.shares.tolist() == [1, 1]


def test_gradient_norm_needs_a_fused_stream():
    objective = made({"kind": "gradient_norm"}, heads_of(a=["x"]))
    with pytest.raises(RecipeError, match="needs stage early or middle"):
        objective.weigh({"a": torch.ones((), requires_grad=True)}, outputs_of(torch.zeros(1, 1, 1)), NOTHING)


SHAPES = {"voice": Shape(4, 25.0), "words": Shape(6, None)}


def blended(**part: object) -> tuple[nn.Module, Outputs, Batch]:
    """Return a blend of two streams, and what a model said of two items, the second without words."""
    heads = heads_of(mood=["a", "b"], place=[1.0, 2.0])
    heads["mood"].weight = 3.0
    torch.manual_seed(0)
    objective = made({"kind": "blend", **part}, heads, shapes=SHAPES).eval()
    streams = {
        "voice": Stream(torch.randn(2, 5, 4), torch.tensor([5, 3]), 25.0),
        "words": Stream(torch.randn(2, 2, 6), torch.tensor([2, 0])),
    }
    logits = {
        name: Stream(torch.randn(2, 1, head.outputs), torch.tensor([1, 1])) for name, head in heads.items()
    }
    items = [Item("1", {}, {"mood": "a", "place": 1.0}), Item("2", {}, {"mood": "b"})]
    return objective, Outputs(logits, streams, streams["voice"]), Batch(items, {})


def test_blended_losses_are_weighed_by_shares_that_sum_to_one():
    objective, outputs, batch = blended(weights={"voice": 3, "words": 1})
    assert objective.shares.tolist() == pytest.approx([0.6, 0.2, 0.2])
    losses = {"mood": torch.tensor(2.0), "place": torch.tensor(1.0)}
    weighed = objective.weigh(losses, outputs, batch)
    assert {name: loss.item() for name, loss in weighed.items()} == pytest.approx({"mood": 0.4, "place": 0.2})
    alone = {
        stream: sum(
            head.weight * head.loss(head(outputs.streams[stream]), batch.targets(name))
            for name, head in objective.alone[stream].items()
        )
        for stream in SHAPES
    }
    assert objective.loss(outputs, batch).item() == pytest.approx(
        (0.6 * alone["voice"] + 0.2 * alone["words"]).item()
    )
    objective.loss(outputs, batch).backward()
    assert all(parameter.grad is not None for parameter in objective.alone.parameters())


def test_a_blend_is_even_unless_it_is_told_otherwise():
    assert blended()[0].shares.tolist() == pytest.approx([1 / 3] * 3)
    with pytest.raises(RecipeError, match="no stream 'vioce'; did you mean 'voice'"):
        blended(weights={"vioce": 1})
    with pytest.raises(RecipeError, match="all of them are 0"):
        blended(weights={"voice": 0, "words": 0, "fused": 0})


def epoch(objective: nn.Module, learned: list[float], heard: list[float]) -> list[float]:
    """Let an epoch pass with these mean losses of voice, words and both; return the weights."""
    for sums, losses in ((objective.learned, learned), (objective.heard, heard)):
        sums.copy_(torch.tensor([[10 * loss, 10] for loss in losses]))
    objective.epoch_done()
    return objective.shares.tolist()


def test_what_generalises_counts_and_what_overfits_does_not():
    objective, *_ = blended(every=2)
    even = pytest.approx([1 / 3] * 3)
    assert epoch(objective, [9, 9, 9], [9, 9, 9]) == even  # not its turn
    assert epoch(objective, [1, 1, 1], [1, 1, 1]) == even  # the first estimate has none before it
    assert epoch(objective, [9, 9, 9], [9, 9, 9]) == even
    shares = epoch(objective, [0.5, 0.2, 0.3], [0.6, 0.6, 1.2])
    # Voice gained 0.4 and overfits by 0.1, words gained 0.4 and overfit by 0.4; both together lost.
    assert shares == pytest.approx([40 / 42.5, 2.5 / 42.5, 0], rel=1e-4)
    objective.epoch_done()
    objective.epoch_done()  # nothing was heard
    assert objective.shares.tolist() == shares


def test_a_blend_hears_what_it_would_learn_from():
    objective, outputs, batch = blended(every=1)
    losses = {
        name: 7 * head.loss(outputs.logits[name], batch.targets(name))  # weighed by an earlier objective
        for name, head in objective.heads.items()
    }
    objective.weigh(losses, outputs, batch)
    objective.loss(outputs, batch)
    objective.hear(outputs, batch)
    torch.testing.assert_close(objective.learned, objective.heard)
    assert objective.heard[:, 1].tolist() == [2, 1, 2]
