from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from trichord.errors import RecipeError
from trichord.kinds import Kinds
from trichord.learning.batch import Batch, Item
from trichord.learning.objectives import OBJECTIVES, Outputs, Surroundings
from trichord.learning.stream import Shape, Stream
from trichord.prepare.preparation import InputSpec

SPECS = {"voice": InputSpec("array", 25.0, (8,)), "words": InputSpec("array", None, (8,))}


def made(part: dict, widths: tuple[int, int] = (8, 8), abouts: tuple = (), fused: int = 8) -> nn.Module:
    torch.manual_seed(0)
    shapes = {"voice": Shape(widths[0], 25.0), "words": Shape(widths[1])}
    objective = Kinds(OBJECTIVES).make(part)
    items = batch_of(list(abouts)).items
    objective.build(Surroundings(SPECS, lambda n, rng: [], dim=8, shapes=shapes, fused=fused, items=items))
    return objective


def outputs_of(voice: torch.Tensor, words: torch.Tensor, absent: tuple[int, ...] = ()) -> Outputs:
    """Return streams of one step, `(batch, dim)`; the voice of the rows `absent` is not there."""
    lengths = torch.tensor([0 if row in absent else 1 for row in range(len(voice))])
    one, other = Stream(voice[:, None], lengths, 25.0), Stream(words[:, None], torch.ones_like(lengths))
    return Outputs({}, {"voice": one, "words": other}, one)


def batch_of(abouts: list[dict]) -> Batch:
    return Batch([Item(str(row), {}, {}, about) for row, about in enumerate(abouts)], {})


NOTHING = Batch([], {})


def found(voice: torch.Tensor, words: torch.Tensor) -> float:
    """Return how often the nearest words are those of the same clip."""
    alike = F.normalize(voice, dim=1) @ F.normalize(words, dim=1).T
    return (alike.argmax(1) == torch.arange(len(voice))).float().mean().item()


def test_alignment_lets_streams_find_each_other():
    objective = made({"kind": "align", "streams": ["voice", "words"], "weight": 1})
    hidden = torch.randn(256, 4)
    voice, words = (torch.tanh(hidden @ torch.randn(4, 12)) + 0.1 * torch.randn(256, 12) for _ in range(2))
    encoders = [nn.Linear(12, 8), nn.Linear(12, 8)]
    optimizer = torch.optim.Adam([*nn.ModuleList([objective, *encoders]).parameters()], lr=0.01)

    def retrieval() -> float:
        outputs = outputs_of(encoders[0](voice[192:]), encoders[1](words[192:]))
        return found(*(objective.placed(name, outputs) for name in ("voice", "words")))

    before = retrieval()
    for step in range(150):
        rows = torch.arange(64) + 64 * (step % 3)
        loss = objective.loss(outputs_of(encoders[0](voice[rows]), encoders[1](words[rows])), NOTHING)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert before < 0.1
    assert retrieval() > 0.6
    assert objective.log_scale.item() != pytest.approx(-torch.tensor(0.07).log().item())


def test_alignment_is_symmetrical_and_leaves_out_items_that_lack_a_stream():
    objective = made({"kind": "align", "streams": ["voice", "words"]})
    turned = made({"kind": "align", "streams": ["words", "voice"]})
    turned.load_state_dict(objective.state_dict())
    voice, words = torch.randn(5, 8), torch.randn(5, 8)
    loss = objective.loss(outputs_of(voice, words), NOTHING)
    torch.testing.assert_close(loss, turned.loss(outputs_of(voice, words), NOTHING))
    voice[3] = torch.nan
    torch.testing.assert_close(
        objective.loss(outputs_of(voice, words, absent=(3,)), NOTHING),
        objective.loss(outputs_of(voice[[0, 1, 2, 4]], words[[0, 1, 2, 4]]), NOTHING),
    )
    assert objective.loss(outputs_of(voice[:2], words[:2], absent=(1,)), NOTHING) is None
    with pytest.raises(RecipeError, match="two different ones"):
        made({"kind": "align", "streams": ["voice", "voice"]})
    with pytest.raises(RecipeError, match="no stream 'vioce'"):
        made({"kind": "align", "streams": ["vioce", "words"]})


def test_a_temperature_at_its_bound_comes_back():
    objective = made({"kind": "align", "streams": ["voice", "words"]})
    with torch.no_grad():
        objective.log_scale.fill_(6.0)  # e^6 is beyond 100
    objective.loss(outputs_of(torch.randn(5, 8), torch.randn(5, 8)), NOTHING).backward()
    assert objective.log_scale.exp().item() == pytest.approx(100)
    assert objective.log_scale.grad.item() > 0  # strangers are alike: less scale would be better


@pytest.mark.parametrize(("progress", "strength"), [(0.0, 0.0), (0.1, 0.462117), (1.0, 0.999909)])
def test_the_gradient_is_reversed_by_a_strength_that_rises(progress, strength):
    objective = made({"kind": "adversarial", "strength": 2})
    voice, words = (torch.randn(3, 8, requires_grad=True) for _ in range(2))
    objective.progress = progress
    loss = objective.loss(outputs_of(voice, words, absent=(1,)), NOTHING)
    loss.backward()
    seen = torch.cat([voice[[0, 2]], words]).detach().requires_grad_()
    plain = F.cross_entropy(objective.discriminator(seen), torch.tensor([0, 0, 1, 1, 1]))
    plain.backward()
    torch.testing.assert_close(loss, plain)
    torch.testing.assert_close(voice.grad[[0, 2]], -2 * strength * seen.grad[:2])
    torch.testing.assert_close(words.grad, -2 * strength * seen.grad[2:])
    assert not voice.grad[1].any()


def accuracy_of_a_probe(features: torch.Tensor, labels: torch.Tensor) -> float:
    """Return how well a fresh linear classifier, fitted on the first half, knows the labels of the other."""
    half = len(features) // 2
    inputs = F.pad(features - features[:half].mean(0), (0, 1), value=1.0)
    weights = torch.linalg.lstsq(inputs[:half], labels[:half, None] * 2.0 - 1).solution
    return ((inputs[half:] @ weights)[:, 0] > 0).eq(labels[half:] > 0).float().mean().item()


def taught(strength: float) -> tuple[float, float]:
    """Return how well a head answers, and a probe that knows the answer the speaker, from the same features.

    Of two inputs, the clearer gives away the speaker as well.
    """
    abouts = [{"speaker": "ann"}, {"speaker": "bob"}]
    part = {"kind": "adversarial", "of": "speaker", "strength": strength}
    objective = made(part, abouts=tuple(abouts), fused=1)
    speaker, answer = torch.randint(2, (600,)), torch.randint(2, (600,))
    blurred = 2.0 * answer + 0.7 * torch.randn(600)
    telling = 2.0 * answer + 2.0 * speaker + 0.3 * torch.randn(600)
    inputs = torch.stack([blurred, telling], 1)
    batch = batch_of([abouts[int(number)] for number in speaker])
    encoder, head = nn.Linear(2, 1), nn.Linear(1, 2)
    optimizer = torch.optim.Adam([*nn.ModuleList([objective, encoder, head]).parameters()], lr=0.01)
    for step in range(300):
        objective.progress = step / 300
        features = encoder(inputs)
        loss = F.cross_entropy(head(features), answer)
        loss = loss + objective.loss(outputs_of(features, features), batch)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    right = (head(features).argmax(1) == answer).float().mean().item()
    return right, accuracy_of_a_probe(torch.cat([features.detach(), answer[:, None]], 1), speaker)


def test_reversal_hides_the_speaker_and_keeps_the_answer():
    (plainly, heard), (right, hidden) = taught(0.0), taught(3.0)
    assert plainly > 0.9 < right
    assert heard > 0.7
    assert hidden < 0.6


def test_only_what_training_knows_is_told_apart():
    abouts = ({"speaker": "ann"}, {"speaker": "bob"}, {})
    objective = made({"kind": "adversarial", "of": "speaker"}, abouts=abouts)
    voice = torch.randn(4, 8, requires_grad=True)
    batch = batch_of([{"speaker": "bob"}, {"speaker": "cid"}, {}, {"speaker": "ann"}])
    objective.loss(outputs_of(voice, voice, absent=(3,)), batch).backward()
    assert voice.grad.abs().sum(1).bool().tolist() == [True, False, False, False]
    assert objective.loss(outputs_of(voice, voice), batch_of([{}] * 4)) is None


@pytest.mark.parametrize(
    ("part", "known", "message"),
    [
        (
            {"of": "speakr"},
            {"abouts": ({"speaker": "a"}, {"speaker": "b"})},
            "'speakr'; did you mean 'speaker'",
        ),
        ({"of": "speaker"}, {"abouts": ({"speaker": "a"},)}, "only one speaker"),
        ({}, {"widths": (8, 4)}, "same width"),
    ],
)
def test_what_cannot_be_told_apart_is_refused(part, known, message):
    with pytest.raises(RecipeError, match=message):
        made({"kind": "adversarial", **part}, **known)
