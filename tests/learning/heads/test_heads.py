"""What every head must do; a new one is tested by being in `HEADS` and having targets in `TARGETS`."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from parity import HeadAlone, assert_export_parity
from trichord.clip import Event
from trichord.decoding.generate import Beside
from trichord.kinds import Kinds
from trichord.learning.heads import HEADS
from trichord.learning.heads.generate import Generate, step_of
from trichord.learning.stream import Stream, mask_of
from trichord.prepare.preparation import InputSpec

DIM = 8
KINDS = Kinds(HEADS)
TARGETS = {
    "ctc": ["Cab a", "b", "", "a bad cab"],
    "generate": ["Cab a", "b", "", "a bad cab"],
    "classify": ["yes", "no", "yes", "maybe"],
    "regress": [(0.5, 3.0), (1.5, -2.0), (2.5, 0.0), (-1.0, 7.0)],
    "contrastive": ["ann", "bob", "ann", "bob"],
    "tag": [
        (Event("a", 0.0, 0.04), Event("b", 0.4, 0.44)),
        (Event("b", 0.04, 0.08),),
        (Event("a", 0.12, 0.16),),
        (Event("c", 0.0, 0.04), Event("a", 0.48, 0.52)),
    ],
}
CHOICES = [
    "ctc",
    {"kind": "ctc", "units": "word"},
    "generate",
    {"kind": "generate", "units": "subword", "layers": 1, "label_smoothing": 0.0},
    "classify",
    {"kind": "classify", "class_weights": "balanced", "label_smoothing": 0.1},
    "regress",
    {"kind": "regress", "criterion": "mae"},
    {"kind": "regress", "criterion": "ccc"},
    {"kind": "regress", "each": "step"},
    "contrastive",
    {"kind": "contrastive", "criterion": "supervised", "size": 3, "scale": 10},
    "tag",
    {"kind": "tag", "class_weights": "balanced", "label_smoothing": 0.1},
]


STEPS = [[float(row + step) if step in (1, 5) else math.nan for step in range(n)]
         for row, n in enumerate((19, 12, 15, 23))]  # fmt: skip
"""Targets of heads that answer each step with a number, few of which are known."""


def kind_of(choice):
    return choice if isinstance(choice, str) else choice["kind"]


def targets_of(choice):
    by_step = isinstance(choice, dict) and choice.get("each") == "step"
    return STEPS if by_step else TARGETS[kind_of(choice)]


@pytest.fixture(params=CHOICES, ids=str)
def choice(request):
    return request.param


@pytest.fixture
def targets(choice):
    return targets_of(choice)


@pytest.fixture
def head(choice):
    return build(choice)


def build(choice):
    torch.manual_seed(0)
    made = KINDS.make(choice)
    made.fit(targets_of(choice))
    made.build(DIM)
    return made.eval()


def fused(lengths=(19, 12, 15, 23), padding=None, more=0):
    """Return a random stream that depends on the row alone; `padding` fills what lies past each length."""
    rows = [torch.randn(40, DIM, generator=torch.Generator().manual_seed(row)) for row in range(len(lengths))]
    values, counts = torch.stack(rows)[:, : max(lengths) + more], torch.tensor(lengths)
    if padding is not None:
        values = torch.where(mask_of(counts, values)[..., None], values, padding)
    return Stream(values.clone(), counts, 25.0)


def test_every_head_has_targets_here():
    assert set(TARGETS) == set(HEADS)


def test_it_answers_every_step_or_once(head):
    logits = head(fused((9, 0, 4)))
    once = head.rate_of(25.0) is None
    told = head.width if isinstance(head, Generate) else head.outputs  # it writes later, from what it is told
    assert logits.values.shape == (3, 1 if once else 9, told)
    assert logits.lengths.tolist() == ([1, 0, 1] if once else [9, 0, 4])
    assert logits.rate == head.rate_of(25.0)
    assert (logits.values[~logits.mask] == 0).all()


def test_it_learns_its_targets(head, targets):
    optimizer = torch.optim.Adam(head.parameters(), 0.02 if head.layered_loss else 0.1)
    stream, losses = fused(), []
    for _ in range(100):
        loss = head.loss(head(stream), targets)
        assert loss.shape == ()
        assert loss.isfinite()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.5 * losses[0] or losses[-1] < 0.6  # label smoothing keeps a loss above zero


def test_unknown_targets_teach_nothing(head, targets):
    logits = head(fused())
    some = head.loss(logits, [targets[0], None, None, targets[3]])
    alone = head.loss(head(fused()._replace(lengths=torch.tensor([19, 0, 0, 23]))), targets)
    torch.testing.assert_close(some, alone)
    assert head.loss(logits, [targets[0], None, None, None]).isfinite()


@pytest.mark.parametrize("lengths", [(5, 3), (0, 0)])
def test_a_batch_without_targets_costs_nothing(head, lengths):
    loss = head.loss(head(fused(lengths)), [None, None])
    loss.backward()
    assert loss.item() == 0
    for name, parameter in head.named_parameters():
        assert parameter.grad is not None, name
        assert (parameter.grad == 0).all(), name


@pytest.mark.parametrize("time", [0, 3])
def test_an_empty_clip_teaches_nothing(head, targets, time):
    stream = fused((0, 0), more=time)
    logits = head(stream)
    assert logits.lengths.tolist() == [0, 0]
    assert head.loss(logits, targets[:2]).item() == 0


def test_nan_in_padding_leaks_nowhere(head, targets):
    results = []
    for padding in (0.0, torch.nan):
        head.zero_grad()
        logits = head(fused(padding=padding, more=2))
        loss = head.loss(logits, targets)
        loss.backward()
        results.append([logits.values.detach(), loss.detach(), *(p.grad.clone() for p in head.parameters())])
    for expected, got in zip(*results, strict=True):
        torch.testing.assert_close(got, expected)


@torch.no_grad()
def test_an_item_alone_equals_the_item_in_a_batch(head):
    stream = fused((9, 0, 4, 1))
    logits = head(stream)
    for row, length in enumerate(stream.lengths.tolist()):
        alone = head(Stream(stream.values[row : row + 1, :length], stream.lengths[row : row + 1], 25.0))
        steps = int(logits.lengths[row])
        assert int(alone.lengths[0]) == steps
        torch.testing.assert_close(logits.values[row, :steps], alone.values[0, :steps], atol=1e-5, rtol=1e-5)


def test_the_loss_needs_no_layers_unless_it_says_so_and_metadata_restores_it(choice, head, targets):
    logits = head(fused())
    other = KINDS.make(choice)
    other.restore(head.metadata())
    assert other.metadata() == head.metadata()
    assert other.outputs == head.outputs
    if not head.layered_loss:
        torch.testing.assert_close(other.loss(logits, targets), head.loss(logits, targets))


def test_decoding_reads_the_metadata(head):
    from trichord.decoding import decode

    answer = head(fused())
    beside = Beside(step_of(head)) if isinstance(head, Generate) else None
    for row, length in enumerate(answer.lengths.tolist()):
        logits = answer.values[row, :length].detach().numpy()
        assert decode(head.metadata(), logits, rate=25.0, beside=beside) is not None


def test_a_head_is_described_as_it_was_made(choice):
    described = KINDS.describe(KINDS.make(choice))
    assert KINDS.describe(KINDS.make(described)) == described
    assert choice in (described["kind"], {key: described[key] for key in choice if key in described})


class AllHeads(nn.Module):
    """Every kind in one graph, for an export takes seconds."""

    def __init__(self):
        super().__init__()
        self.parts = nn.ModuleDict({kind: HeadAlone(build(kind)) for kind in HEADS})

    def forward(self, inputs):
        return {kind: part(inputs)["out"] for kind, part in self.parts.items()}


def test_the_exported_graph_agrees(tmp_path):
    batches = [{"x": [9, 0, 4]}, {"x": [1]}, {"x": [0]}, {"x": [0, 0]}, {"x": [33, 2]}]
    assert assert_export_parity(AllHeads(), {"x": InputSpec("array", 25.0, (DIM,))}, tmp_path, batches) < 1e-4
