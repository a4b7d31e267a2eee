import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from trichord.learning.encoders.subsample import SpectralSubsample, Subsample, at_least
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


@settings(max_examples=30, deadline=None)
@given(st.sampled_from([2, 4, 8]), st.integers(1, 20), st.lists(st.integers(0, 20), min_size=1, max_size=3))
@torch.no_grad()
def test_bands_step_down_like_frames_and_padding_leaks_nowhere(factor, bands, lengths):
    torch.manual_seed(0)
    step = SpectralSubsample(bands, 4, factor)
    values = torch.randn(len(lengths), max(lengths) + 3, bands)
    values[torch.arange(values.shape[1])[None] >= torch.tensor(lengths)[:, None]] = torch.nan
    stream = step(Stream(values, torch.tensor(lengths), 100.0))
    assert stream.lengths.tolist() == [-(-length // factor) for length in lengths]
    assert stream.rate == 100.0 / factor
    for row, length in enumerate(lengths):
        alone = step(Stream(values[row : row + 1, :length], torch.tensor([length]), 100.0))
        steps = int(stream.lengths[row])
        torch.testing.assert_close(stream.values[row, :steps], alone.values[0, :steps])


def test_a_pattern_in_other_bands_is_other_news():
    torch.manual_seed(0)
    step = SpectralSubsample(16, 4, 2)
    low, high = torch.zeros(1, 8, 16), torch.zeros(1, 8, 16)
    low[:, :, 2], high[:, :, 10] = 1.0, 1.0
    assert not torch.allclose(*(step(Stream(x, torch.tensor([8]), 100.0)).values for x in (low, high)))


@pytest.mark.parametrize("factor", [1, 3])
def test_bands_are_not_stepped_down_by_other_factors(factor):
    with pytest.raises(ValueError, match="must be 2, 4 or 8"):
        SpectralSubsample(8, 4, factor)


def test_a_stream_without_a_clock_stays_without():
    assert Subsample(3, 4, 2)(Stream(torch.ones(1, 5, 3), torch.tensor([5]))).rate is None


def test_at_least_pads_only_what_is_short():
    assert at_least(1, torch.ones(2, 0, 3)).shape == (2, 1, 3)
    assert at_least(4, torch.ones(2, 5)).shape == (2, 5)
    assert at_least(4, torch.ones(1, 3)).tolist() == [[1, 1, 1, 0]]
