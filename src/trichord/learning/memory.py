"""What a model that hears a stream remembers from one block of it to the next."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import torch
from torch import Tensor


class Memory:
    """The past, as each layer that looks back asks for it: fixed-size tensors, zero at first.

    A causal layer has one implementation. Heard whole, a recording is one block whose past is zeros; heard in
    blocks, each takes what the one before left in `kept`, in the order in which the layers asked. So blocks
    equal the whole. `given` is that, zeros where None; `blockwise` says which of the two it is.
    """

    def __init__(self, given: Iterable[Tensor] | None = None, *, blockwise: bool = False) -> None:
        self.blockwise = blockwise or given is not None
        self.kept: list[Tensor] = []
        self._given = None if given is None else iter(given)

    def join(self, values: Tensor, steps: int) -> Tensor:
        """Return `values (batch, time, ...)` behind the `steps` before them, `(batch, steps + time, ...)`."""
        joined = torch.cat([self.recall(values, steps), values], 1)
        self.keep(joined[:, joined.shape[1] - steps :])
        return joined

    def recall(self, like: Tensor, steps: int) -> Tensor:
        """Return what was kept, `(batch, steps, ...)`, of the type and width of `like (batch, time, ...)`."""
        if self._given is not None:
            return next(self._given).to(like.dtype)
        return like.new_zeros(like.shape[0], steps, *like.shape[2:])

    def keep(self, values: Tensor) -> None:
        """Let the next block recall `values (batch, steps, ...)`."""
        if self.blockwise:
            self.kept.append(values)


class Sight(NamedTuple):
    """How far attention sees in a stream: the whole chunk of so many steps, and `left` steps before it."""

    chunk: int
    left: int

    def mask(self, time: int, device: torch.device) -> Tensor:
        """Return which step (first axis) sees which, `(time, time)`, where all of a stream is at hand."""
        steps = torch.arange(time, device=device)
        begin = torch.div(steps, self.chunk, rounding_mode="floor")[:, None] * self.chunk
        return (steps >= begin - self.left) & (steps < begin + self.chunk)
