"""One recurrent layer that starts at each item's true ends, in torch and in ONNX."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal, TypeAlias, cast

import torch
from torch import Tensor, nn

from trichord.learning.memory import Memory
from trichord.learning.stream import Stream

Cell: TypeAlias = Literal["gru", "lstm", "rnn"]
CELLS: dict[str, Callable[..., nn.RNNBase]] = {"gru": nn.GRU, "lstm": nn.LSTM, "rnn": nn.RNN}
RUN: dict[str, Callable[..., Any]] = {"gru": torch.gru, "lstm": torch.lstm, "rnn": torch.rnn_tanh}
ONNX_GATES: dict[str, tuple[int, ...]] = {  # where ONNX's gates stand in torch's order
    "gru": (1, 0, 2),  # r z n -> z r h
    "lstm": (0, 3, 1, 2),  # i f g o -> i o f c
    "rnn": (0,),
}


class Recurrent(nn.Module):
    """A GRU, LSTM or plain RNN layer, `dim` in and out; in both directions, half of `dim` each.

    The backward direction starts at each item's last step, as with packed sequences. Those don't export,
    so the exported graph holds ONNX's own operator with the same weights. Needs at least one step.
    """

    def __init__(self, cell: Cell, dim: int, bidirectional: bool) -> None:
        super().__init__()
        if bidirectional and dim % 2:
            raise ValueError(f"a bidirectional layer halves its width, so {dim} must be even")
        self.cell = cell
        self.hidden = dim // 2 if bidirectional else dim
        self.layer = CELLS[cell](dim, self.hidden, batch_first=True, bidirectional=bidirectional)
        self.directions = ("", "_reverse") if bidirectional else ("",)

    def forward(self, stream: Stream, memory: Memory | None = None) -> Stream:
        lengths = stream.lengths.clamp(min=1)
        values = stream.cleared().values
        if memory is not None and memory.blockwise:
            return stream._replace(values=self.in_blocks(values, memory))
        run = self.in_onnx if torch.onnx.is_in_onnx_export() else self.in_torch
        return stream._replace(values=run(values, lengths))

    def in_torch(self, values: Tensor, lengths: Tensor) -> Tensor:
        if len(self.directions) == 1 or bool((lengths == values.shape[1]).all()):
            return cast(Tensor, self.layer(values)[0])
        # Each direction by itself, the second over turned items: packed sequences are several times slower.
        turned = self.in_one_direction(turn(values, lengths), "_reverse")
        return torch.cat([self.in_one_direction(values, ""), turn(turned, lengths)], 2)

    def in_blocks(self, values: Tensor, memory: Memory) -> Tensor:
        """Return the outputs of a block whose first step follows the last of the block before."""
        like = values.new_zeros(values.shape[0], 1, self.hidden)
        states = [memory.recall(like, 1).transpose(0, 1) for _ in range(2 if self.cell == "lstm" else 1)]
        if torch.onnx.is_in_onnx_export():
            lengths = torch.full((values.shape[0],), values.shape[1], dtype=torch.int64)
            values, *last = self.onnx_operator(values, lengths, states)
        else:
            values, ended = self.layer(values, tuple(states) if self.cell == "lstm" else states[0])
            last = list(ended) if self.cell == "lstm" else [ended]
        for state in last:
            memory.keep(state.transpose(0, 1))
        return values

    def in_one_direction(self, values: Tensor, side: str) -> Tensor:
        """Return one direction's outputs, `(batch, time, hidden)`."""
        names = ("weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0")
        weights = [getattr(self.layer, name + side) for name in names]
        zeros = values.new_zeros(1, values.shape[0], self.hidden)
        start: Any = (zeros, zeros) if self.cell == "lstm" else zeros
        return cast(
            Tensor, RUN[self.cell](values, start, weights, True, 1, 0.0, self.training, False, True)[0]
        )

    def in_onnx(self, values: Tensor, lengths: Tensor) -> Tensor:
        return self.onnx_operator(values, lengths)[0]

    def onnx_operator(
        self, values: Tensor, lengths: Tensor, states: Sequence[Tensor] = ()
    ) -> tuple[Tensor, ...]:
        """Return the outputs `(batch, time, dim)`, and where `states` are given, the states after them."""
        batch, time, _ = values.shape
        inputs = (
            values.transpose(0, 1),
            self.stacked("weight_ih_l0"),
            self.stacked("weight_hh_l0"),
            torch.cat([self.stacked("bias_ih_l0"), self.stacked("bias_hh_l0")], -1),
            lengths.to(torch.int32),
            *states,
        )
        attributes: dict[str, Any] = {
            "hidden_size": self.hidden,
            "direction": "bidirectional" if len(self.directions) == 2 else "forward",
        }
        if self.cell == "gru":
            attributes["linear_before_reset"] = 1
        shapes = [(time, len(self.directions), batch, self.hidden), *(tuple(state.shape) for state in states)]
        output, *last = torch.onnx.ops.symbolic_multi_out(
            self.cell.upper(), inputs, attributes,
            dtypes=[values.dtype] * len(shapes), shapes=shapes, version=20,
        )  # fmt: skip
        return output.permute(2, 0, 1, 3).flatten(2), *last

    def stacked(self, name: str) -> Tensor:
        """Return a weight of every direction, `(directions, gates * hidden, ...)`, gates in ONNX's order."""
        return torch.stack([self.reordered(getattr(self.layer, name + side)) for side in self.directions])

    def reordered(self, weight: Tensor) -> Tensor:
        starts = [gate * self.hidden for gate in ONNX_GATES[self.cell]]
        return torch.cat([weight[start : start + self.hidden] for start in starts])


def turn(values: Tensor, lengths: Tensor) -> Tensor:
    """Return each item of `values (batch, time, ...)` last step first, padding left where it is."""
    steps = torch.arange(values.shape[1], device=values.device)
    mirrored = lengths.to(values.device)[:, None] - 1 - steps  # (batch, time)
    rows = torch.arange(values.shape[0], device=values.device)[:, None]
    return values[rows, torch.where(mirrored >= 0, mirrored, steps)]
