"""What every fusion must do; a new one is tested by being in `FUSIONS`."""

from __future__ import annotations

from inspect import signature

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from parity import FusionAlone, assert_export_parity
from trichord.kinds import Kinds
from trichord.learning.fusion import FUSIONS
from trichord.learning.stream import Shape, Stream, mask_of
from trichord.prepare.preparation import InputSpec

DIM = 8
SHAPES = {"voice": Shape(6, 25.0), "lips": Shape(DIM, 25.0), "words": Shape(5, None)}
KINDS = Kinds(FUSIONS)
ON_THE_CLOCK = [kind for kind in FUSIONS if kind != "ask"]
"""Fusions whose timeline is that of the streams that have a clock."""

Lengths = dict[str, list[int]]
FULL: Lengths = {"voice": [9, 4, 6], "lips": [5, 7, 6], "words": [3, 4, 2]}
HOLES: Lengths = {"voice": [9, 0, 0, 4], "lips": [0, 7, 0, 0], "words": [3, 0, 4, 0]}


def build(kind, shapes=SHAPES, dim=DIM):
    torch.manual_seed(0)
    fusion = KINDS.make(kind)
    fusion.build(shapes, dim)
    return fusion.eval()


def make(lengths: Lengths, padding: float | None = None, shapes=SHAPES, more: int = 0) -> dict[str, Stream]:
    """Return random streams that depend on name and row alone; `padding` fills what lies past each length."""
    streams = {}
    for order, name in enumerate(lengths):
        longest = max(lengths[name]) + more
        seeds = [torch.Generator().manual_seed(100 * order + row) for row in range(len(lengths[name]))]
        rows = [torch.randn(60, shapes[name].width, generator=seed) for seed in seeds]
        values, counts = torch.stack(rows)[:, :longest], torch.tensor(lengths[name])
        if padding is not None:
            values = torch.where(mask_of(counts, values)[..., None], values, padding)
        streams[name] = Stream(values.clone(), counts, shapes[name].rate)
    return streams


def one(streams, row, trim=True):
    """Return one item alone, without padding."""
    return {name: Stream(s.values[row : row + 1, : int(s.lengths[row]) if trim else None],
                         s.lengths[row : row + 1], s.rate) for name, s in streams.items()}  # fmt: skip


def assert_same_row(fused, row, other, other_row, tolerance=1e-5):
    length = int(fused.lengths[row])
    assert int(other.lengths[other_row]) == length
    torch.testing.assert_close(
        fused.values[row, :length], other.values[other_row, :length], atol=tolerance, rtol=1e-5
    )


@pytest.fixture(params=FUSIONS)
def kind(request):
    return request.param


@pytest.fixture
def fusion(kind):
    return build(kind)


@pytest.mark.parametrize("kind", ON_THE_CLOCK)
def test_one_stream_of_width_dim_comes_out(fusion):
    fused = fusion(make(FULL))
    assert fused.values.shape == (3, 9, DIM)
    assert fused.lengths.tolist() == [9, 7, 6]  # the longest clocked, never the sum
    assert fused.rate == 25.0
    assert fused.values.isfinite().all()
    assert (fused.values[~fused.mask] == 0).all()


def test_every_parameter_and_every_stream_has_a_gradient(kind, fusion):
    streams = make(HOLES)
    for stream in streams.values():
        stream.values.requires_grad_()
    fusion(streams).values.pow(2).sum().backward()
    for name, parameter in fusion.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.isfinite().all(), name
    answered = torch.ones(4, dtype=torch.bool) if kind in ON_THE_CLOCK else streams["words"].lengths > 0
    for name, stream in streams.items():
        heard = stream.values.grad.abs().sum((1, 2)) > 0
        assert heard.tolist() == ((stream.lengths > 0) & answered).tolist(), name
        assert (stream.values.grad[~stream.mask] == 0).all(), name


@pytest.mark.parametrize("absent", SHAPES)
def test_an_absent_stream_does_not_speak(fusion, absent):
    lengths = FULL | {absent: [0, 0, 0]}
    fused = fusion(make(lengths))
    loud = make(lengths, padding=1e4, more=11)
    for row in range(3):
        assert_same_row(fused, row, fusion(loud), row)


@torch.no_grad()
def test_absence_in_one_item_does_not_change_another(fusion):
    full, holed = fusion(make(FULL)), fusion(make(FULL | {"lips": [5, 0, 6], "words": [3, 0, 2]}))
    for row in (0, 2):
        assert_same_row(full, row, holed, row)


@pytest.mark.parametrize("time", [0, 3])
def test_nothing_in_gives_nothing_out(fusion, time):
    fused = fusion(make({name: [0, 0] for name in SHAPES}, more=time))
    assert fused.lengths.tolist() == [0, 0]
    assert fused.values.isfinite().all()


def test_nan_in_padding_leaks_nowhere(fusion):
    clean, dirty = make(HOLES, padding=0.0), make(HOLES, padding=torch.nan)
    gradients = []
    for streams in (clean, dirty):
        fusion.zero_grad()
        fused = fusion(streams)
        fused.values.pow(2).sum().backward()
        gradients.append([fused.values.detach(), *(p.grad.clone() for p in fusion.parameters())])
    for expected, got in zip(*gradients, strict=True):
        torch.testing.assert_close(got, expected)


lengths_of = st.integers(1, 4).flatmap(
    lambda batch: st.fixed_dictionaries(
        {name: st.lists(st.integers(0, 8), min_size=batch, max_size=batch) for name in SHAPES}
    )
)


@pytest.mark.parametrize("kind", FUSIONS)
@torch.no_grad()
def test_an_item_alone_equals_the_item_in_any_batch(kind):
    fusion = build(kind)

    @given(lengths_of, st.integers(0, 5))
    @settings(max_examples=20, deadline=None, database=None, derandomize=True)
    def holds(lengths, more):
        streams = make(lengths, more=more)
        fused = fusion(streams)
        clocked = torch.stack([streams["voice"].lengths, streams["lips"].lengths]).amax(0)
        words = streams["words"].lengths
        expected = torch.where(clocked > 0, clocked, words) if kind in ON_THE_CLOCK else words
        assert fused.lengths.tolist() == expected.tolist()
        for row in range(len(expected)):
            assert_same_row(fused, row, fusion(one(streams, row)), 0)

    holds()


@torch.no_grad()
def test_the_order_of_items_does_not_matter(fusion):
    streams, order = make(HOLES), torch.tensor([2, 0, 3, 1])
    turned = {name: Stream(s.values[order], s.lengths[order], s.rate) for name, s in streams.items()}
    fused, other = fusion(streams), fusion(turned)
    for row, origin in enumerate(order.tolist()):
        assert_same_row(other, row, fused, origin)


@pytest.mark.parametrize("kind", ON_THE_CLOCK)
@torch.no_grad()
def test_each_frame_hears_the_whole_text(kind):
    fusion = build(kind)
    streams = make(FULL)
    later = streams["words"].values.clone()
    later[0, 2] += 3.0  # the last word of the first item
    fused, other = fusion(streams), fusion(streams | {"words": streams["words"]._replace(values=later)})
    assert ((fused.values - other.values).abs().amax(2)[0, :9] > 0).all()


@torch.no_grad()
def test_text_alone_is_its_own_timeline(kind):
    shapes = {"words": SHAPES["words"]}
    fused = build(kind, shapes)(make({"words": [3, 0, 2]}, shapes=shapes))
    assert fused.lengths.tolist() == [3, 0, 2]
    assert fused.rate is None
    assert fused.values.isfinite().all()


@torch.no_grad()
def test_late_fusion_joins_answers_of_any_width(kind):
    shapes = {"voice": Shape(7, None), "words": Shape(7, None)}
    fused = build(kind, shapes, dim=7)(make({"voice": [1, 1, 0], "words": [1, 0, 0]}, shapes=shapes))
    assert fused.values.shape == (3, 1, 7)
    assert fused.lengths.tolist() == [1, 1, 0]


@pytest.mark.parametrize(("kind", "factor"), [("sum", 2.0), ("mean", 1.0), ("weights", 1.0)])
@torch.no_grad()
def test_logits_keep_their_meaning(kind, factor):
    shapes = {"voice": Shape(7, 25.0), "lips": Shape(7, 25.0)}
    streams = make({"voice": [4, 4], "lips": [0, 4]}, shapes=shapes)
    streams["lips"] = streams["lips"]._replace(values=streams["voice"].values)
    fused = build(kind, shapes, dim=7)(streams)
    torch.testing.assert_close(fused.values[0], streams["voice"].values[0])
    torch.testing.assert_close(fused.values[1], factor * streams["voice"].values[1])


def test_a_fusion_is_described_as_it_was_made(kind):
    described = KINDS.describe(KINDS.make(kind))
    assert described["kind"] == kind
    assert KINDS.describe(KINDS.make(described)) == described


@pytest.mark.parametrize(
    "kind", [kind for kind, cls in FUSIONS.items() if "dropout" in signature(cls).parameters]
)
def test_a_learning_fusion_uses_its_dropout(kind):
    fusion = build({"kind": kind, "dropout": 0.5})
    streams = make(FULL)
    assert torch.equal(fusion(streams).values, fusion(streams).values)
    fusion.train()
    assert not torch.equal(fusion(streams).values, fusion(streams).values)


BATCHES = [
    FULL,
    HOLES,
    {"voice": [1], "lips": [0], "words": [0]},
    {"voice": [0], "lips": [0], "words": [3]},
    {"voice": [0], "lips": [31], "words": [9]},
    {"voice": [0, 0], "lips": [0, 0], "words": [0, 0]},
]


def test_the_exported_graph_agrees(kind, tmp_path):
    assert_exports(kind, ["voice", "words"], tmp_path)


def test_a_graph_of_three_streams_agrees(tmp_path):
    assert_exports("mean", SHAPES, tmp_path)


def assert_exports(kind, names, tmp_path):
    shapes = {name: SHAPES[name] for name in names}
    specs = {name: InputSpec("array", shape.rate, (shape.width,)) for name, shape in shapes.items()}
    batches = [{name: lengths[name] for name in names} for lengths in BATCHES]
    assert assert_export_parity(FusionAlone(build(kind, shapes), specs), specs, tmp_path, batches) < 1e-4
