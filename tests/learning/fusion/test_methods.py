"""What single fusions compute, against the formula written out."""

from __future__ import annotations

import pytest
import torch

from trichord.errors import RecipeError
from trichord.learning.fusion.bottleneck import Bottleneck
from trichord.learning.fusion.co_attention import CoAttention
from trichord.learning.fusion.graph import Graph
from trichord.learning.fusion.low_rank_tensor import LowRankTensor
from trichord.learning.fusion.memory import Memory
from trichord.learning.fusion.multiplicative import Multiplicative
from trichord.learning.fusion.self_attention import SelfAttention
from trichord.learning.fusion.tensor import TensorFusion
from trichord.learning.fusion.voting import Voting
from trichord.learning.stream import Shape, Stream

DIM = 6
PAIR = {"voice": Shape(DIM, 25.0), "lips": Shape(DIM, 25.0)}


def built(fusion, shapes=PAIR, dim=DIM):
    torch.manual_seed(0)
    fusion.build(shapes, dim)
    return fusion.eval()


def pair(voice=5, lips=5, dim=DIM):
    """Return an item of two clocked streams of these lengths."""
    generator = torch.Generator().manual_seed(1)
    return {name: Stream(torch.randn(1, 5, dim, generator=generator), torch.tensor([length]), 25.0)
            for name, length in (("voice", voice), ("lips", lips))}  # fmt: skip


def changed(streams, name, frame):
    """Return the streams with one frame of one of them moved."""
    values = streams[name].values.clone()
    values[0, frame] *= -1  # LayerNorm would not notice a constant
    return streams | {name: streams[name]._replace(values=values)}


def frames_that_hear(fusion, streams, name, frame):
    """Return which fused frames depend on that frame."""
    before, after = fusion(streams).values, fusion(changed(streams, name, frame)).values
    return (before != after).any(2)[0].nonzero()[:, 0].tolist()


def and_one(x):
    return torch.cat([x, torch.ones_like(x[..., :1])], -1)


@torch.no_grad()
def test_tensor_fusion_is_an_outer_product():
    fusion, streams = built(TensorFusion(width=3)), pair()
    voice, lips = (and_one(layer(stream.values[0]).relu())
                   for layer, stream in zip(fusion.narrow, streams.values(), strict=True))  # fmt: skip
    products = torch.einsum("ti,tj->tij", voice, lips).flatten(1)
    torch.testing.assert_close(fusion(streams).values[0], fusion.mix(products))


@torch.no_grad()
def test_of_an_absent_stream_the_tensor_keeps_the_constant():
    fusion, streams = built(TensorFusion(width=3)), pair(lips=0)
    voice = and_one(fusion.narrow[0](streams["voice"].values[0]).relu())
    products = torch.zeros(5, 4, 4)
    products[:, :, -1] = voice
    torch.testing.assert_close(fusion(streams).values[0], fusion.mix(products.flatten(1)))


def test_a_tensor_too_large_is_refused():
    shapes = {name: Shape(DIM, 25.0) for name in "abcde"}
    with pytest.raises(RecipeError, match="5 streams at width 16 has 1419857 numbers"):
        TensorFusion().build(shapes, DIM)


@pytest.mark.parametrize("lips", [0, 5])
@torch.no_grad()
def test_low_rank_is_the_tensor_that_its_factors_stand_for(lips):
    fusion, streams = built(LowRankTensor(rank=4)), pair(lips=lips)
    torch.nn.init.normal_(fusion.bias)
    factors = [torch.cat([layer.weight, torch.nn.init.normal_(layer.bias)[:, None]], 1).unflatten(0, (DIM, 4))
               for layer in fusion.factor]  # fmt: skip
    weights = torch.einsum("r,ori,orj->oij", fusion.weight, *factors)
    given = [and_one(stream.cleared().values[0]) for stream in streams.values()]
    expected = torch.einsum("oij,ti,tj->to", weights, *given) + fusion.bias
    torch.testing.assert_close(fusion(streams).values[0], expected)


@torch.no_grad()
def test_one_stream_makes_the_matrix_that_another_is_multiplied_by():
    fusion, streams = built(Multiplicative(width=3)), pair()
    x, z = (stream.values[0] for stream in streams.values())
    made = torch.einsum("tw,owi->toi", fusion.context[0](z), fusion.make[0].weight.unflatten(1, (3, DIM)))
    matrix = made + fusion.direct.weight[:, :DIM]  # z' W + V
    bias = z @ fusion.direct.weight[:, DIM:].T + fusion.direct.bias
    expected = (matrix @ x[..., None])[..., 0] + bias
    torch.testing.assert_close(fusion(streams).values[0], expected)


@torch.no_grad()
def test_the_vote_is_the_mean_probability():
    streams = pair()
    fused = built(Voting())(streams).values
    probabilities = torch.stack([stream.values.softmax(2) for stream in streams.values()]).mean(0)
    torch.testing.assert_close(fused, probabilities.log())
    assert torch.equal(fused.argmax(2), probabilities.argmax(2))


@torch.no_grad()
def test_the_absent_have_no_vote():
    streams = pair(lips=2)
    fused = built(Voting())(streams).values
    torch.testing.assert_close(fused[:, 2:], streams["voice"].values[:, 2:].log_softmax(2))
    sure = {name: stream._replace(values=1e4 * stream.values) for name, stream in streams.items()}
    assert built(Voting())(sure).values.isfinite().all()


@pytest.mark.parametrize(("tokens", "hears"), [(0, False), (2, True)])
@torch.no_grad()
def test_streams_hear_each_other_through_the_bottleneck_alone(tokens, hears):
    fusion, streams = built(Bottleneck(tokens=tokens)), pair()
    before, after = (
        fusion.exchange(given)["voice"].values for given in (streams, changed(streams, "lips", 3))
    )
    assert torch.equal(before, after) != hears


@torch.no_grad()
def test_a_bottleneck_tells_from_the_second_layer_on():
    fusion, streams = built(Bottleneck()), pair()
    once = fusion.rounds[0]
    shared = fusion.shared[None]
    before, after = (
        once(given, shared)[0]["voice"].values for given in (streams, changed(streams, "lips", 3))
    )
    assert torch.equal(before, after)


@pytest.mark.parametrize(
    ("layers", "reach", "hear"), [(1, 0, [2]), (3, 0, [2]), (1, 1, [1, 2, 3]), (2, 1, [0, 1, 2, 3, 4])]
)
@pytest.mark.parametrize("name", PAIR)
@torch.no_grad()
def test_messages_go_as_far_as_they_may(layers, reach, hear, name):
    fusion = built(Graph(layers=layers, reach=reach))
    assert frames_that_hear(fusion, pair(), name, 2) == hear


@torch.no_grad()
def test_a_node_hears_the_mean_of_those_present():
    layer = built(Graph(layers=1, reach=1)).pass_on[0]
    nodes, there = torch.randn(1, 4, 3, DIM), torch.tensor([[1, 1, 0], [1, 0, 1], [1, 1, 1], [0, 1, 1]])
    heard = layer(nodes, there[None, ..., None].float()) - nodes
    told = layer.norm(nodes)[0]
    own, others, near = told[2, 0], told[2, 1:].mean(0), told[1, 0]  # frame 3 of the stream is absent
    expected = layer.out(layer.weigh(torch.cat([own, others, near])).relu())
    torch.testing.assert_close(heard[0, 2, 0], expected)


@torch.no_grad()
def test_memory_never_looks_ahead():
    fusion = built(Memory())
    for name in PAIR:
        assert frames_that_hear(fusion, pair(), name, 2) == [2, 3, 4]


@torch.no_grad()
def test_even_attention_leaves_memories_as_they_are():
    fusion = built(Memory())
    torch.nn.init.zeros_(fusion.attend[2].weight)
    torch.nn.init.zeros_(fusion.attend[2].bias)
    held, there = torch.randn(1, 5, 4 * DIM), torch.rand(1, 5, 4 * DIM) < 0.5
    held = torch.where(there, held, 0.0)
    torch.testing.assert_close(fusion.attended(held, there), held)


@pytest.mark.parametrize("fusion", [SelfAttention(), CoAttention()])
@torch.no_grad()
def test_every_frame_asks_every_frame(fusion):
    built(fusion)
    for name in PAIR:
        assert frames_that_hear(fusion, pair(), name, 2) == [0, 1, 2, 3, 4]


@torch.no_grad()
def test_a_pair_of_streams_hears_by_one_affinity():
    fusion, streams = built(CoAttention()), pair(lips=3)
    voice, lips = (stream.cleared().values[0] for stream in streams.values())
    affinity = (voice @ fusion.affinity[0].weight.T @ lips.T / DIM**0.5).tanh()
    own = [layer(x) for layer, x in zip(fusion.hidden.values(), (voice, lips), strict=True)]
    heard = fusion.heard({name: stream.cleared() for name, stream in streams.items()})
    torch.testing.assert_close(heard["voice"][0], own[0] + affinity @ own[1] / 3)
    torch.testing.assert_close(heard["lips"][0], own[1] + affinity.T @ own[0] / 5)
