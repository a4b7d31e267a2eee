from __future__ import annotations

import math
from copy import deepcopy
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
import yaml

from trichord.errors import InputError, MissingError
from trichord.learning.batch import Item
from trichord.learning.heads.ctc import Ctc
from trichord.learning.meanings import loss_of_sayings, steps_for
from trichord.learning.stream import Stream
from trichord.learning.training.validate import score

GRAMMAR = """
expressions:
  order: ["[I want, get me] a $drink:drink", "$drink:drink (please)"]
slots:
  drink: [tea, iced tea, latte]
"""


@pytest.fixture
def head(tmp_path: Path) -> Ctc:
    (tmp_path / "drinks.yaml").write_text(GRAMMAR, "utf-8")
    head = Ctc(units="phone", dictionary="english", grammar=str(tmp_path / "drinks.yaml"))
    head.fit(["order drink=tea", "order drink=iced tea"])
    head.build(8)
    return head


def random_logits(rows: int, time: int, units: int, lengths: list[int]) -> Stream:
    torch.manual_seed(3)
    return Stream(torch.randn(rows, time, units, requires_grad=True), torch.tensor(lengths), 25.0)


def test_a_head_learns_from_every_sentence_that_means_its_target(head: Ctc) -> None:
    assert head.outputs == 40 and len(head.sayings("order drink=tea")) == 4
    logits = random_logits(2, 30, head.outputs, [30, 25])
    loss = head.loss(logits, ["order drink=tea", "order drink=latte"])
    expected = []
    for row, meaning in enumerate(("order drink=tea", "order drink=latte")):
        ways = head.sayings(meaning)
        scores = [
            -F.ctc_loss(
                logits.values[row, : int(logits.lengths[row])].log_softmax(1)[:, None], torch.tensor([way]),
                logits.lengths[row : row + 1], torch.tensor([len(way)]), reduction="sum",
            ).item() for way in ways
        ]  # fmt: skip
        expected.append(-math.log(sum(map(math.exp, scores))) / (sum(map(len, ways)) / len(ways)))
    assert loss.item() == pytest.approx(sum(expected) / 2, rel=1e-4)
    loss.backward()
    assert torch.isfinite(logits.values.grad).all() and logits.values.grad[1, 25:].abs().sum() == 0


def test_sentences_that_do_not_fit_are_left_out(head: Ctc) -> None:
    logits = random_logits(2, 6, head.outputs, [2, 1])
    short = head.loss(
        logits, ["order drink=tea", "order drink=tea"]
    )  # only 'tea' fits, and only in two steps
    assert short.item() == pytest.approx(loss_of_sayings(logits, {0: head.sayings("order drink=tea")}).item())
    short.backward()
    assert torch.isfinite(logits.values.grad).all()
    assert head.loss(logits, [None, "order drink=latte"]).item() == 0
    assert steps_for((1, 1, 2, 2, 2)) == 8


def test_a_grammar_may_stand_in_the_recipe(head: Ctc) -> None:
    written = Ctc(units="phone", dictionary="english", grammar=yaml.safe_load(GRAMMAR))
    written.fit(["order drink=tea"])
    assert written.metadata() == head.metadata()


def test_validation_searches_the_grammar(head: Ctc) -> None:
    assert head.searching is not None
    head = deepcopy(head)  # as every model does
    said = head.sayings("order drink=iced tea")[0]
    logits = torch.zeros(2 * len(said), head.outputs)
    logits[torch.arange(0, 2 * len(said), 2), torch.tensor(said)] = 9
    logits[1::2, 0] = 9
    items = [
        Item("a", {}, {"drink": "order drink=iced tea"}, {}),
        Item("b", {}, {"drink": "order drink=tea"}, {}),
    ]
    scores = score({"drink": head}, items, {"drink": [logits.numpy()] * 2}, 25.0)
    assert scores["drink.sentence_accuracy"] == 0.5 and "drink.per" not in scores


def test_what_cannot_be_said_or_meant_is_refused(tmp_path: Path, head: Ctc) -> None:
    with pytest.raises(InputError, match="no sentence of the grammar means 'order drink=coal'"):
        head.loss(random_logits(1, 30, head.outputs, [30]), ["order drink=coal"])
    for text, told in (("expressions: {go: [qqzx]}", "lacks words of the grammar"), ("slots: {}", "'expr"),
                       ("expressions: [a]", "'expr"), ("context: 3", "'expr")):  # fmt: skip
        (tmp_path / "bad.yaml").write_text(text, "utf-8")
        with pytest.raises(InputError, match=told):
            Ctc(units="phone", dictionary="english", grammar=str(tmp_path / "bad.yaml")).fit(["go"])
        with pytest.raises(InputError, match=told):
            Ctc(units="phone", dictionary="english", grammar=yaml.safe_load(text)).fit(["go"])
    with pytest.raises(MissingError, match="neither here nor"):
        Ctc(units="phone", dictionary="english", grammar="nowhere.yaml").fit(["go"])
    for wrong in ({"units": "word"}, {"units": "phone", "dictionary": "english", "language_order": 2}):
        with pytest.raises(ValueError, match="in place of a language_order"):
            Ctc(grammar="a.yaml", **wrong)
