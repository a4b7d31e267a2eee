"""What a fusion is: streams by name in, one stream out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from trichord.learning.attention import Attention
from trichord.learning.fusion.timeline import longest, on_one_timeline
from trichord.learning.stream import Shape, Stream


class Fusion(nn.Module):
    """Joins streams into one of width `dim`.

    Clocked streams arrive on one clock; unclocked ones, such as text, as they are. The fused length is the
    longest clocked length, or where an item has no clocked stream, the longest unclocked one: never the
    sum. An absent stream has length zero and contributes nothing.
    """

    by_step: ClassVar[bool] = False
    """Whether each step is fused by itself, so that streams can be fused while they come."""

    def build(self, streams: Mapping[str, Shape], dim: int) -> None:
        """Create the layers for streams of these shapes, in this order."""
        raise NotImplementedError

    def forward(self, streams: Mapping[str, Stream]) -> Stream:
        """Return the fused stream, `(batch, time, dim)`."""
        raise NotImplementedError


class FrameFusion(Fusion):
    """A fusion that works frame by frame, once every stream stands on one timeline.

    An unclocked stream is brought there by attention. A stream that already has width `dim` is joined as it
    is, so that logits of late fusion keep their meaning. Subclasses define `build_join` and `join`.
    """

    by_step = True

    def build(self, streams: Mapping[str, Shape], dim: int) -> None:
        self.project = projections(streams, dim)
        unclocked = [name for name, shape in streams.items() if shape.rate is None]
        asked = unclocked if len(unclocked) < len(streams) else []  # only clocked streams ask
        self.ask = nn.ModuleDict({name: Attention(dim, heads=1) for name in asked})
        self.build_join(len(streams), dim)

    def build_join(self, streams: int, dim: int) -> None:
        """Create the layers of `join` for this many streams."""

    def join(self, values: Tensor, present: Tensor) -> Tensor:
        """Return `(batch, time, dim)` for `values (batch, time, streams, dim)`, zero where not present.

        `present (batch, time, streams)` is True where a stream has something to say at that frame.
        """
        raise NotImplementedError

    def forward(self, streams: Mapping[str, Stream]) -> Stream:
        aligned = on_one_timeline(projected(streams, self.project), self.ask)
        values = torch.stack([stream.values for stream in aligned.values()], 2)
        present = torch.stack([stream.mask for stream in aligned.values()], 2)
        # ONNX Runtime cannot broadcast at time zero: there, one frame with nothing in it is joined too.
        if torch.onnx.is_in_onnx_export() or not values.shape[1]:
            joined = self.join(F.pad(values, (0, 0, 0, 0, 0, 1)), F.pad(present, (0, 0, 0, 1)))[:, :-1]
        else:
            joined = self.join(values, present)
        return Stream(joined, longest(aligned.values()), clock_of(streams)).cleared()


def projections(streams: Mapping[str, Shape], dim: int) -> nn.ModuleDict:
    """Create what brings each stream to width `dim`: nothing where it has that width."""
    return nn.ModuleDict({name: nn.Identity() if shape.width == dim else nn.Linear(shape.width, dim)
                          for name, shape in streams.items()})  # fmt: skip


def projected(streams: Mapping[str, Stream], project: nn.ModuleDict) -> dict[str, Stream]:
    """Return the streams at one width; cleared first, or NaN in padding would reach the weights' gradient."""
    cleared = {name: stream.cleared() for name, stream in streams.items()}
    return {name: stream._replace(values=project[name](stream.values)) for name, stream in cleared.items()}


def clock_of(streams: Mapping[str, Stream]) -> float | None:
    """Return the rate in Hz that the clocked streams share, or None where none has a clock."""
    return next((stream.rate for stream in streams.values() if stream.rate is not None), None)
