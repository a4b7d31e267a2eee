from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from trichord.errors import ArtifactError, InputError
from trichord.learning.heads.classify import Classify
from trichord.learning.heads.head import balance
from trichord.learning.heads.pooling import Pooling
from trichord.learning.heads.regress import Regress, concordance
from trichord.learning.stream import Stream


def answers(rows):
    values = torch.tensor(rows)[:, None]
    return Stream(values, torch.ones(len(rows), dtype=torch.long))


def test_classes_are_sorted_and_counted():
    head = Classify()
    head.fit(["b", "a", "b", "c"])
    learned = {"labels": ["a", "b", "c"], "counts": [1, 2, 1]}
    assert head.metadata() == {"kind": "classify", **learned, "temperature": 1.0}


def test_a_calibrated_temperature_travels():
    head, other = Classify(), Classify()
    head.fit(["a", "b"])
    head.temperature = 1.7
    other.restore(head.metadata())
    assert other.temperature == 1.7


def test_metadata_without_counts_restores():
    head = Classify(class_weights="balanced")
    head.restore({"kind": "classify", "labels": ["a", "b"]})
    assert balance(head.counts).tolist() == [1, 1]


def test_balanced_classes_weigh_the_same():
    head = Classify(class_weights="balanced")
    head.fit(["a"] * 9 + ["b"])
    weights = balance(head.counts)
    assert 9 * weights[0] == pytest.approx(weights[1].item())
    rare, plain = answers([[0.0, 0.0]]), Classify()
    plain.fit(["a"] * 9 + ["b"])
    assert head.loss(rare, ["b"]) > plain.loss(rare, ["b"]) > head.loss(rare, ["a"])


def test_smoothing_is_torchs():
    head = Classify(label_smoothing=0.2)
    head.fit(["a", "b"])
    logits = answers([[2.0, -1.0], [0.5, 0.0]])
    expected = F.cross_entropy(logits.values[:, 0], torch.tensor([0, 1]), label_smoothing=0.2)
    assert head.loss(logits, ["a", "b"]) == expected


def test_an_unknown_class_is_named():
    head = Classify()
    head.fit(["red", "green"])
    with pytest.raises(InputError, match="'rde' is in no training clip; did you mean 'red'"):
        head.encode(["rde"])
    logits = answers([[2.0, -1.0], [0.5, 0.0]])
    assert head.loss(logits, ["red", "rde"]) == head.loss(logits, ["red", None])
    with pytest.raises(InputError, match="class name; got 3"):
        head.fit([3.0])
    with pytest.raises(InputError, match="there are none"):
        head.fit([])


def steps(rows, lengths):
    return Stream(torch.tensor(rows)[..., None], torch.tensor(lengths), None)


def test_each_step_has_a_number_where_it_is_known():
    head = Regress(each="step")
    head.fit([(1.0, math.nan), (3.0,), ()])
    assert (head.mean, head.std) == ([2.0], [1.0])
    assert head.metadata()["each"] == "step"
    assert head.by_step and not Regress().by_step
    logits = steps([[0.0, 9.0], [2.0, 9.0]], [2, 1])
    assert head.loss(logits, [(1.0, math.nan), (3.0,)]) == 1.0  # (0 + 1)² and (2 - 1)²
    assert head.loss(logits, [(1.0, math.nan), None]) == 1.0
    assert head.loss(logits, [(math.nan, math.nan), None]) == 0.0


@pytest.mark.parametrize(
    ("target", "says"),
    [((1.0,), "1 numbers for 2 steps"), (1.0, "a number for each step"), ("high", "a number for each step"),
     ((1.0, math.inf), "must not be infinite")],
)  # fmt: skip
def test_what_is_no_number_for_each_step_is_refused(target, says):
    head = Regress(each="step")
    head.fit([(1.0, 2.0)])
    with pytest.raises(InputError, match=says):
        head.loss(steps([[0.0, 9.0]], [2]), [target])


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=20))
@settings(max_examples=50, deadline=None, database=None, derandomize=True)
def test_numbers_are_learned_in_standard_deviations(values):
    head = Regress()
    head.fit(values)
    standard = head.encode(values)[:, 0]
    assert standard.mean().abs() < 0.01
    assert standard.std(correction=0) < 1.01
    restored = standard * head.std[0] + head.mean[0]
    torch.testing.assert_close(restored, torch.tensor(values), atol=0.5, rtol=1e-4)


def test_a_constant_keeps_its_scale():
    head = Regress()
    head.fit([4.0, 4.0])
    assert head.metadata() == {"kind": "regress", "names": ["value"], "mean": [4.0], "std": [1.0]}


@pytest.mark.parametrize("bad", ["x", (), (1.0, "x"), float("nan"), (1.0, float("inf"))])
def test_what_is_no_number_is_refused(bad):
    with pytest.raises(InputError, match="regress head's target"):
        Regress().fit([bad])


def test_targets_must_agree_in_size():
    head = Regress()
    with pytest.raises(InputError, match=r"they have \[1, 2\]"):
        head.fit([1.0, (1.0, 2.0)])
    with pytest.raises(InputError, match="there are none"):
        head.fit([])
    head.fit([(1.0, 2.0), (2.0, 1.0)])
    with pytest.raises(InputError, match="has 1 numbers; those of training have 2"):
        head.loss(answers([[0.0, 0.0]]), [1.0])
    with pytest.raises(ArtifactError, match="must have as many"):
        head.restore({"kind": "regress", "names": ["a"], "mean": [0.0, 1.0], "std": [1.0]})


def test_concordance_is_lins():
    x = torch.tensor([[1.0], [2.0], [3.0]])
    assert concordance(x, x).item() == pytest.approx(1)
    assert concordance(x, -x + 4).item() == pytest.approx(-1)
    assert concordance(x, x + 1).item() == pytest.approx(2 * (2 / 3) / (4 / 3 + 1))
    assert concordance(torch.ones(3, 1), torch.ones(3, 1)).item() == 0


def test_concordance_learns_from_one_item_too():
    head = Regress(criterion="ccc")
    head.fit([1.0, 3.0])
    logits = Stream(torch.zeros(1, 1, 1, requires_grad=True), torch.tensor([1]))
    head.loss(logits, [3.0]).backward()
    assert logits.values.grad.item() != 0


def test_pooling_of_nothing_is_zero_and_of_one_step_is_that_step():
    torch.manual_seed(0)
    pool, step = Pooling(4), torch.randn(4)
    values = torch.full((2, 3, 4), torch.nan)
    values[1, 0] = step
    pooled = pool(Stream(values, torch.tensor([0, 1])))
    assert (pooled[0] == 0).all()
    torch.testing.assert_close(pooled[1], torch.cat([step, step]))
