from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from trichord.learning.attention import attended
from trichord.learning.dropout import Dropout, dropped


@given(
    st.integers(0, 70),
    st.integers(1, 5),
    st.floats(0, 0.99),
    st.sampled_from([torch.float32, torch.bfloat16]),
)
@settings(deadline=None, max_examples=50)
def test_values_are_zero_or_scaled_and_keep_their_shape_and_type(rows, columns, share, dtype):
    values = torch.ones(rows, columns, dtype=dtype, requires_grad=True)
    new = dropped(values, share)
    assert new.shape == values.shape and new.dtype == dtype
    lost = round(share * 256)
    kept = torch.tensor(256 / (256 - lost), dtype=dtype)
    assert ((new == 0) | (new == kept)).all()
    if new.numel():
        new.sum().backward()
        torch.testing.assert_close(values.grad, new.detach())


@pytest.mark.parametrize("share", [0.1, 0.25, 0.5, 0.9])
def test_the_share_and_the_mean_are_as_asked(share):
    torch.manual_seed(0)
    new = dropped(torch.ones(200_000), share)
    assert float((new == 0).float().mean()) == pytest.approx(share, abs=0.005)
    assert float(new.mean()) == pytest.approx(1, abs=0.03)
    halves = new.reshape(-1, 2) == 0  # neighbours share no fate
    assert float(halves.all(1).float().mean()) == pytest.approx(share**2, abs=0.01)


def test_only_while_learning_and_the_same_for_a_seed():
    layer, values = Dropout(0.5), torch.randn(4, 9)
    torch.manual_seed(1)
    first = layer(values)
    torch.manual_seed(1)
    torch.testing.assert_close(layer(values), first)
    assert layer.eval()(values) is values
    torch.testing.assert_close(Dropout(0.0)(values), values)
    assert "0.5" in repr(layer)


def test_attention_with_little_dropped_is_nearly_attention_without():
    torch.manual_seed(0)
    q, k, v = (torch.randn(2, 3, 5, 8) for _ in range(3))
    mask = torch.rand(2, 1, 1, 5) < 0.6
    mask[1] = False  # an item that nobody tells anything
    expected = attended(q, k, v, mask, 0.0)
    torch.testing.assert_close(attended(q, k, v, mask, 1e-9), expected)
    assert (expected[1] == 0).all() and (attended(q, k, v, mask, 0.5)[1] == 0).all()
    mean = torch.stack([attended(q, k, v, mask, 0.3) for _ in range(3000)]).mean(0)
    torch.testing.assert_close(mean, expected, atol=0.1, rtol=0)
