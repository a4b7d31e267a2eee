from __future__ import annotations

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from trichord.decoding import decode, log_probability
from trichord.errors import ArtifactError, InputError
from trichord.learning.heads.contrastive import Contrastive, supervised_contrast, with_margin
from trichord.learning.model import Model
from trichord.learning.recipe import load_recipe
from trichord.learning.stream import Stream
from trichord.prepare.preparation import InputSpec

HEAD = {"kind": "contrastive", "size": 2, "scale": 5.0}


def test_the_margin_widens_the_angle_to_the_own_label():
    angles = torch.tensor([[0.3, 2.0], [1.2, 0.5]], dtype=torch.float64)
    targets = torch.tensor([0, 1])
    wider = with_margin(angles.cos(), targets, 0.2)
    expected = [[math.cos(0.5), math.cos(2.0)], [math.cos(1.2), math.cos(0.7)]]
    torch.testing.assert_close(wider, torch.tensor(expected, dtype=torch.float64))


def test_the_margin_never_makes_the_farthest_label_nearer():
    cosines = torch.linspace(-1, 1, 101, dtype=torch.float64)[:, None].requires_grad_()
    wider = with_margin(cosines, torch.zeros(101, dtype=torch.long), 0.3)
    assert (wider.diff(dim=0) > -1e-3).all()
    assert (wider <= cosines + 1e-9).all()
    wider.sum().backward()
    assert cosines.grad.isfinite().all()


def test_without_a_margin_it_is_softmax_over_cosines():
    head = Contrastive(margin=0.0, size=3, scale=7.0)
    head.fit(["a", "b"])
    embeddings = F.normalize(torch.randn(4, 3), dim=-1)
    cosines = 7.0 * embeddings @ F.normalize(head.centres, dim=-1).T
    targets = torch.tensor([0, 1, 1, 0])
    torch.testing.assert_close(head.errors(embeddings, targets), F.cross_entropy(cosines, targets))


def test_supervised_contrast_is_khoslas():
    rows = F.normalize(torch.randn(5, 3, generator=torch.Generator().manual_seed(0)), dim=-1)
    targets, scores = torch.tensor([0, 1, 0, 0, 2]), 4.0 * rows @ rows.T
    expected = []
    for i in (0, 2, 3):
        others = [j for j in range(5) if j != i]
        total = torch.logsumexp(scores[i, others], 0)
        expected.append(
            -torch.stack([scores[i, j] - total for j in others if targets[j] == targets[i]]).mean()
        )
    torch.testing.assert_close(supervised_contrast(scores, targets), torch.stack(expected).mean())


def test_labels_unknown_from_training_teach_nothing_but_contrast():
    logits = Stream(F.normalize(torch.randn(3, 1, 4), dim=-1), torch.ones(3, dtype=torch.long))
    angular, supervised = Contrastive(size=4), Contrastive("supervised", size=4, scale=1)
    for head in (angular, supervised):
        head.fit(["a", "b"])
    assert angular.loss(logits, ["new", "new", "other"]) == 0
    assert supervised.loss(logits, ["new", "new", "other"]) > 0
    assert supervised.loss(logits, ["new", "third", "other"]) == 0


def test_embeddings_have_length_one_and_nothing_has_none():
    head = Contrastive(size=3)
    head.fit(["a", "b"])
    head.build(4)
    out = head(Stream(torch.randn(2, 5, 4), torch.tensor([5, 0]), 25.0)).values[:, 0]
    assert out.norm(dim=-1).tolist() == pytest.approx([1, 0])


def test_what_is_no_label_is_refused():
    with pytest.raises(InputError, match="a label, such as a speaker; got 3"):
        Contrastive().fit(["a", 3.0])
    with pytest.raises(InputError, match="two labels at least; got 1"):
        Contrastive().fit(["a", "a"])
    with pytest.raises(ArtifactError, match="size"):
        Contrastive().restore({"kind": "contrastive"})


def test_an_answer_is_a_place_on_the_sphere():
    answer = decode(HEAD, [[3.0, 4.0]])
    assert answer.value == pytest.approx((0.6, 0.8))
    assert (answer.confidence, answer.log_score) == (None, 0.0)
    assert log_probability(HEAD, [[3.0, 4.0]], answer.value) == pytest.approx(0)
    assert log_probability(HEAD, [[1.0, 0.0]], (0.6, 0.8)) == pytest.approx(5 * (0.6 - 1))


def test_nothing_lies_in_the_midst():
    nothing = decode(HEAD, np.zeros((0, 2)))
    assert nothing.value == (0, 0)
    assert log_probability(HEAD, np.zeros((0, 2)), nothing.value) == 0
    assert log_probability(HEAD, np.zeros((0, 2)), (0.6, 0.8)) == pytest.approx(-2.5)
    with pytest.raises(InputError, match="expected 2 numbers"):
        log_probability(HEAD, [[1.0, 0.0]], (1.0,))


@pytest.mark.parametrize("stage", ["middle", "late"])
def test_the_places_that_labels_gather_at_are_learnt(stage):
    streams = {"signal": {"from": "signal", "encoder": "features"}}
    heads = {"speaker": {"kind": "contrastive", "size": 8}}
    recipe = load_recipe({"corpus": "scenes", "dim": 8, "streams": streams, "heads": heads, "stage": stage})
    recipe.heads["speaker"].fit(["a", "b"])
    model = Model(recipe, {"signal": InputSpec("array", 25.0, (3,))})
    logits = model({"signal": (torch.randn(2, 5, 3), torch.tensor([5, 5]))}).logits["speaker"]
    model.judging(recipe.heads)["speaker"].loss(logits, ["a", "b"]).backward()
    (centres,) = [parameter for name, parameter in model.named_parameters() if "centres" in name]
    assert centres.grad is not None and centres.grad.abs().sum() > 0
