import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from trichord.learning.encoders.subsample import Subsample, at_least
from trichord.learning.stream import Stream


@settings(max_examples=40, deadline=None)
@given(st.sampled_from([1, 2, 4, 8]), st.lists(st.integers(0, 20), min_size=1, max_size=3))
def test_lengths_are_rounded_up(factor, lengths):
    values = torch.ones(len(lengths), max(lengths), 3)
    stream = Subsample(3, 4, factor)(Stream(values, torch.tensor(lengths), 100.0))
    assert stream.lengths.tolist() == [-(-length // factor) for length in lengths]
    assert stream.values.shape == (len(lengths), max(1, int(stream.lengths.max())), 4)
    assert stream.rate == 100.0 / factor


@pytest.mark.parametrize("factor", [0, 3, 16, -2])
def test_other_factors_are_refused(factor):
    with pytest.raises(ValueError, match="must be 1, 2, 4 or 8"):
        Subsample(3, 4, factor)


def test_a_stream_without_a_clock_stays_without():
    assert Subsample(3, 4, 2)(Stream(torch.ones(1, 5, 3), torch.tensor([5]))).rate is None


def test_at_least_pads_only_what_is_short():
    assert at_least(1, torch.ones(2, 0, 3)).shape == (2, 1, 3)
    assert at_least(4, torch.ones(2, 5)).shape == (2, 5)
    assert at_least(4, torch.ones(1, 3)).tolist() == [[1, 1, 1, 0]]
