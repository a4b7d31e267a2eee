"""Tests of the fusion in which one stream asks the others."""

from __future__ import annotations

import pytest
import torch

from trichord.learning.fusion.ask import Ask, shares
from trichord.learning.stream import Shape, Stream

DIM = 8
SHAPES = {"voice": Shape(6, 25.0), "prompt": Shape(DIM, None)}


def built(**arguments):
    torch.manual_seed(0)
    fusion = Ask(**arguments)
    fusion.build(SHAPES, DIM)
    return fusion.eval()


def streams(voice=(40, 30, 0), prompt=(5, 0, 4)):
    torch.manual_seed(1)
    lengths = {"voice": voice, "prompt": prompt}
    return {
        name: Stream(torch.randn(3, max(lengths[name]), shape.width), torch.tensor(lengths[name]), shape.rate)
        for name, shape in SHAPES.items()
    }


def test_what_asks_is_the_timeline_and_has_no_clock():
    fused = built()(streams())
    assert fused.values.shape == (3, 5, DIM)
    assert fused.lengths.tolist() == [5, 0, 4]
    assert fused.rate is None


def test_a_named_stream_asks_by_its_own_clock():
    fused = built(stream="voice")(streams())
    assert fused.lengths.tolist() == [40, 30, 0]
    assert fused.rate == 25.0
    with pytest.raises(ValueError, match="no stream 'lips'; there are voice, prompt"):
        built(stream="lips")


def test_each_step_hears_the_whole_voice_and_mainly_its_own_share_of_it():
    fusion, given = built(), streams()
    given["voice"].values.requires_grad_()
    fused = fusion(given).values
    felt = []
    for step in range(5):
        (gradient,) = torch.autograd.grad(fused[0, step].sum(), given["voice"].values, retain_graph=True)
        assert (gradient[0].abs().sum(1) > 0).any()
        felt.append(gradient[0].norm(dim=1))
    weights = torch.stack(felt)
    middles = (weights * torch.arange(40)).sum(1) / weights.sum(1)
    assert (middles.diff() > 0).all()


def test_silence_is_not_the_same_as_a_voice():
    fusion, given = built(), streams(voice=(40, 30, 20))
    silent = given | {"voice": given["voice"]._replace(lengths=torch.tensor([40, 30, 0]))}
    heard, unheard = fusion(given).values, fusion(silent).values
    torch.testing.assert_close(heard[0], unheard[0])
    assert not torch.allclose(heard[2, :4], unheard[2, :4])
    assert unheard.isfinite().all()


def test_shares_lie_between_the_ends():
    stream = Stream(torch.zeros(2, 4, 1), torch.tensor([4, 2]))
    torch.testing.assert_close(shares(stream)[0], torch.tensor([0.125, 0.375, 0.625, 0.875]))
    torch.testing.assert_close(shares(stream)[1, :2], torch.tensor([0.25, 0.75]))
    behind_null = shares(Stream(torch.zeros(1, 3, 1), torch.tensor([3])), null=1)
    torch.testing.assert_close(behind_null[0, 1:], torch.tensor([0.25, 0.75]))
