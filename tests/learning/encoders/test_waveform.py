from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from parity import EncoderAlone, assert_export_parity
from trichord.errors import RecipeError
from trichord.kinds import Kinds
from trichord.learning.encoders.front_ends import FRONT_ENDS
from trichord.learning.encoders.front_ends.waveform import Waveform
from trichord.learning.memory import Memory
from trichord.prepare.preparation import InputSpec

SPEC = InputSpec("samples", 16_000.0)
SEEN = 240


def made() -> Waveform:
    torch.manual_seed(0)
    front = Kinds(FRONT_ENDS).make({"kind": "waveform", "channels": 6})
    front.build(SPEC)
    return front.eval()


def sound(batch: int, time: int) -> torch.Tensor:
    return 0.1 * torch.randn(batch, time, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize(
    ("samples", "frames"), [(16_000, 99), (SEEN, 1), (SEEN + 159, 1), (SEEN + 160, 2), (1, 1)]
)
def test_sixteen_thousand_samples_a_second_become_a_hundred_frames(samples: int, frames: int) -> None:
    stream = made()(sound(1, samples), torch.tensor([samples]))
    assert stream.values.shape == (1, frames, 6)
    assert stream.lengths.tolist() == [frames]
    assert stream.rate == 100


def test_no_sound_is_no_frame() -> None:
    for time in (0, 500):
        stream = made()(sound(2, time), torch.zeros(2, dtype=torch.int64))
        assert stream.lengths.tolist() == [0, 0]
        assert stream.values.isfinite().all()


@settings(max_examples=20, deadline=None)
@given(lengths=st.lists(st.integers(0, 2000), min_size=1, max_size=4))
def test_an_item_alone_equals_the_item_in_a_batch_whatever_follows_it(lengths: list[int]) -> None:
    front, values = made(), sound(len(lengths), max(lengths))
    for row, length in enumerate(lengths):
        values[row, length:] = torch.nan
    together = front(values, torch.tensor(lengths))
    assert together.values.isfinite().all()
    for row, length in enumerate(lengths):
        alone = front(values[row : row + 1, :length], torch.tensor([length]))
        steps = int(alone.lengths[0])
        assert steps == together.lengths[row]
        torch.testing.assert_close(
            together.values[row, :steps], alone.values[0, :steps], atol=1e-5, rtol=1e-5
        )


@settings(max_examples=20, deadline=None)
@given(blocks=st.lists(st.integers(1, 6), min_size=1, max_size=4))
def test_blocks_equal_the_whole(blocks: list[int]) -> None:
    front, hop = made(), made().steps_in(1)
    values = sound(1, sum(blocks) * hop)
    whole = front.causal(values, torch.tensor([values.shape[1]]), Memory())
    assert whole.lengths.tolist() == [sum(blocks)] == [whole.values.shape[1]]
    heard, kept, start = [], None, 0
    for block in blocks:
        memory = Memory(kept, blockwise=True)
        part = values[:, start : start + block * hop]
        heard.append(front.causal(part, torch.tensor([part.shape[1]]), memory).values)
        kept, start = memory.kept, start + block * hop
    torch.testing.assert_close(torch.cat(heard, 1), whole.values, atol=1e-5, rtol=1e-5)


def test_a_causal_frame_sees_nothing_that_comes_after_it() -> None:
    front, values = made(), sound(1, 1600)
    later = values.clone()
    later[:, 800:] = 0.5
    frames = [front.causal(part, torch.tensor([1600]), Memory()).values[:, :5] for part in (values, later)]
    torch.testing.assert_close(*frames, atol=0, rtol=0)


def test_samples_are_standardised_by_the_training_data() -> None:
    fitted, louder = made(), made()
    samples = sound(1, 4000)[0].numpy()
    fitted.fit([samples, np.zeros(0, np.float32)])
    louder.fit([0.2 + 9 * samples, np.zeros(0, np.float32)])
    lengths = torch.tensor([4000])
    expected = fitted(torch.from_numpy(samples)[None], lengths).values
    got = louder(torch.from_numpy(0.2 + 9 * samples)[None], lengths).values
    torch.testing.assert_close(got, expected, atol=1e-3, rtol=1e-3)


def test_the_gradient_reaches_every_parameter() -> None:
    front = made().train()
    front(sound(2, 900), torch.tensor([900, 300])).values.square().sum().backward()
    assert all(
        parameter.grad is not None and parameter.grad.abs().sum() > 0 for parameter in front.parameters()
    )


def test_the_exported_graph_says_the_same(tmp_path) -> None:
    lengths = [[900, 240, 0], [1], [0], [0, 0], [399, 400]]
    assert_export_parity(EncoderAlone(made()), {"x": SPEC}, tmp_path, [{"x": row} for row in lengths], 1e-4)


def test_needs_a_sampling_rate() -> None:
    with pytest.raises(RecipeError, match="sampling rate"):
        Waveform().build(InputSpec("samples"))
