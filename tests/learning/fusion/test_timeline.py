from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from parity import assert_export_parity
from trichord.learning.fusion.position import with_position
from trichord.learning.fusion.shares import shares
from trichord.learning.fusion.timeline import longest, ratio_of, to_clock, to_one_length
from trichord.learning.stream import Stream
from trichord.prepare.preparation import InputSpec


def counting(lengths, rate, time=None):
    time = max(lengths) if time is None else time
    values = torch.arange(time).float().expand(len(lengths), time)[..., None]
    return Stream(values, torch.tensor(lengths), rate)


def test_streams_on_the_clock_and_without_one_stay():
    for rate in (25.0, None):
        stream = counting([3], rate)
        assert to_clock(stream, 25.0) is stream


@pytest.mark.parametrize(
    ("rate", "steps"),
    [
        (50.0, [0, 2, 4]),
        (31.25, [0, 1, 2, 3]),
        (20.0, [0, 0, 1, 2, 3, 4, 4]),
        (12.5, [0, 0, 1, 1, 2, 2, 3, 3, 4, 4]),
    ],
)
def test_each_frame_takes_the_nearest_earlier_step(rate, steps):
    clocked = to_clock(counting([5], rate), 25.0)
    assert clocked.rate == 25.0
    assert clocked.lengths.tolist() == [len(steps)]
    assert clocked.values[0, :, 0].tolist() == steps


@given(st.lists(st.integers(0, 90), min_size=1, max_size=4), st.floats(0.05, 200), st.integers(0, 9))
@settings(max_examples=80, deadline=None, database=None, derandomize=True)
def test_time_on_the_clock_is_time_in_the_stream(lengths, rate, padding):
    clocked = to_clock(counting(lengths, rate, max(lengths) + padding), 25.0)
    assert clocked.values.shape[1] >= max(clocked.lengths.tolist())
    for before, after in zip(lengths, clocked.lengths.tolist(), strict=True):
        assert (after > 0) == (before > 0)
        assert abs(after / 25.0 - before / rate) <= 1 / 25.0 + 0.002 * before / rate
        if after:
            assert clocked.values[0, :after, 0].max() < before


@pytest.mark.parametrize("rate", [1e-4, 0.01, 30 / 1.001, 100.0, 16_000.0])
def test_a_ratio_is_short_and_never_zero(rate):
    ratio = ratio_of(rate, 25.0)
    assert ratio > 0
    assert float(ratio) == pytest.approx(rate / 25.0, rel=1e-3)


def test_streams_are_padded_to_the_longest_and_cleared():
    streams = {"a": counting([2, 0], 25.0), "b": counting([0, 0], 25.0), "c": counting([1, 4], None)}
    padded = to_one_length(streams)
    assert {stream.values.shape for stream in padded.values()} == {(2, 4, 1)}
    assert padded["a"].values[..., 0].tolist() == [[0, 1, 0, 0], [0, 0, 0, 0]]
    assert longest(padded.values()).tolist() == [2, 4]


def test_shares_are_of_what_is_present():
    scores = torch.tensor([[1.0, 2.0, 3.0]] * 3)
    present = torch.tensor([[True, True, True], [True, False, True], [False, False, False]])
    got = shares(scores, present, 1)
    assert got.sum(1).tolist() == pytest.approx([1, 1, 0])
    assert got[1, 1] == 0
    assert got[1, 2] / got[1, 0] == pytest.approx(torch.e**2, rel=1e-5)


@pytest.mark.parametrize("dim", [1, 7, 8])
def test_positions_differ(dim):
    placed = with_position(Stream(torch.zeros(1, 50, dim), torch.tensor([50])))
    assert placed.values.shape == (1, 50, dim)
    assert len(placed.values[0].unique(dim=0)) == 50


class Clocked(nn.Module):
    def forward(self, inputs):
        rates = {"fast": 31.25, "slow": 7.0}
        return {name: to_clock(Stream(*inputs["x"], rate), 25.0) for name, rate in rates.items()}


def test_the_exported_clock_agrees(tmp_path):
    spec = {"x": InputSpec("array", 31.25, (2,))}
    batches = [{"x": [5, 0, 40]}, {"x": [1]}, {"x": [0]}, {"x": [3, 31]}]
    assert assert_export_parity(Clocked(), spec, tmp_path, batches) == 0
