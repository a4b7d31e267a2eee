"""One thing sensed, as a tensor."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor


class Stream(NamedTuple):
    """A batch of sequences: `values (batch, time, dim)`, `lengths (batch,)`, `rate` in Hz or None.

    An absent stream has length zero. Values past an item's length mean nothing and may hold anything:
    whoever reads across time masks first.
    """

    values: Tensor
    lengths: Tensor
    rate: float | None = None

    @property
    def mask(self) -> Tensor:
        """True where a step exists, `(batch, time)`."""
        return mask_of(self.lengths, self.values)

    @property
    def dim(self) -> int:
        return self.values.shape[-1]

    def cleared(self) -> Stream:
        """Return the stream with zeros past each item's length (NaN there does not survive)."""
        return self._replace(values=torch.where(self.mask[..., None], self.values, 0.0))


class Shape(NamedTuple):
    """What a layer must know of a stream to size itself: its width, and its rate in Hz or None."""

    width: int
    rate: float | None = None


def mask_of(lengths: Tensor, values: Tensor) -> Tensor:
    """Return `(batch, time)`, True below each length, for values `(batch, time, ...)`."""
    steps = torch.arange(values.shape[1], device=lengths.device)
    return steps[None, :] < lengths[:, None]
