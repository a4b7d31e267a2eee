import pytest
import torch
from torch import nn

from parity import Batch, assert_export_parity
from trichord.learning.encoders.recurrent import CELLS, Recurrent
from trichord.learning.encoders.rnn import Rnn
from trichord.learning.stream import Stream
from trichord.prepare.preparation import InputSpec


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("bidirectional", [False, True])
def test_the_backward_direction_starts_at_the_items_end(cell, bidirectional):
    torch.manual_seed(0)
    layer = Recurrent(cell, 6, bidirectional)
    values = torch.randn(2, 7, 6)
    got = layer(Stream(values, torch.tensor([7, 3]))).values
    for row, length in enumerate([7, 3]):
        expected, _ = layer.layer(values[row : row + 1, :length])
        torch.testing.assert_close(got[row, :length], expected[0])


class SideBySide(nn.Module):
    """The same input through several encoders."""

    def __init__(self, spec: InputSpec, encoders: dict[str, Rnn]) -> None:
        super().__init__()
        self.encoders = nn.ModuleDict(encoders)
        for encoder in encoders.values():
            encoder.build(spec, dim=6, clock=25.0)

    def forward(self, inputs: Batch) -> dict[str, Stream]:
        return {name: encoder(*inputs["x"]) for name, encoder in self.encoders.items()}


def test_the_exported_operators_are_the_same(tmp_path):
    torch.manual_seed(0)
    spec = InputSpec("array", 25.0, (3,))
    encoders = {cell: Rnn(cell=cell, layers=1, bidirectional=cell != "gru") for cell in CELLS}
    lengths = [{"x": row} for row in ([8, 3, 0], [0], [1, 5])]
    assert_export_parity(SideBySide(spec, encoders), {"x": spec}, tmp_path, lengths, tolerance=1e-5)


def test_every_layer_has_its_own_weights():
    encoder = Rnn(layers=3)
    encoder.build(InputSpec("array", 25.0, (3,)), dim=6, clock=25.0)
    assert sum(isinstance(part, nn.GRU) for part in encoder.modules()) == 3


def test_an_odd_width_has_no_halves():
    with pytest.raises(ValueError, match="must be even"):
        Recurrent("gru", 7, bidirectional=True)
