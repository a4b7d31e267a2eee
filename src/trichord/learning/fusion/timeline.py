"""Putting streams on one timeline: one clock for those that have one, attention for those that don't."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fractions import Fraction

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from trichord.learning.stream import Stream


def to_clock(stream: Stream, clock: float) -> Stream:
    """Bring a clocked stream to `clock` Hz, by the nearest earlier step; unclocked ones stay."""
    if stream.rate is None or abs(stream.rate - clock) < 1e-3:
        return stream
    ratio = ratio_of(stream.rate, clock)  # steps in per step out
    n, d = ratio.numerator, ratio.denominator
    values = F.pad(stream.values, (0, 0, 0, 1))  # one step, so that size zero has something to gather
    time = (stream.values.shape[1] * d + n - 1) // n
    source = torch.arange(time, device=values.device) * n // d
    return Stream(values[:, source], (stream.lengths * d + n - 1) // n, clock)


def ratio_of(rate: float, clock: float) -> Fraction:
    """Return `rate / clock` as a short fraction, above zero however slow the stream is."""
    if rate < clock:
        return 1 / ratio_of(clock, rate)
    return Fraction(rate / clock).limit_denominator(1000)


def on_one_timeline(streams: Mapping[str, Stream], ask: nn.ModuleDict) -> dict[str, Stream]:
    """Return streams that all have the same number of steps, `(batch, time, dim)` each, cleared.

    `ask` holds one `Attention` for every unclocked stream: with it, each frame of the clocked streams asks
    the whole of the unclocked one. Where an item has only unclocked streams, their steps are the timeline.
    """
    padded = to_one_length(streams)
    clocked = [stream for stream in padded.values() if stream.rate is not None]
    if not clocked:
        return padded
    question = torch.stack([stream.values for stream in clocked]).sum(0)  # (batch, time, dim)
    length = longest(clocked)
    return {
        name: stream if stream.rate is not None else spread(stream, ask[name](question, stream), length)
        for name, stream in padded.items()
    }


def spread(stream: Stream, told: Tensor, length: Tensor) -> Stream:
    """Replace an unclocked stream's tokens by what it told each frame, in items that have frames."""
    moving = length > 0  # (batch,)
    values = torch.where(moving[:, None, None], told, stream.values)
    lengths = torch.where(moving & (stream.lengths > 0), length, stream.lengths)
    return Stream(values, lengths, None).cleared()


def to_one_length(streams: Mapping[str, Stream]) -> dict[str, Stream]:
    """Pad all streams in time to the longest; steps past an item's length become zero."""
    time = 0
    for stream in streams.values():
        time = torch.sym_max(time, stream.values.shape[1])
    return {
        name: stream._replace(values=F.pad(stream.cleared().values, (0, 0, 0, time - stream.values.shape[1])))
        for name, stream in streams.items()
    }


def longest(streams: Iterable[Stream]) -> Tensor:
    """Return each item's longest length, `(batch,)`."""
    return torch.stack([stream.lengths for stream in streams]).amax(0)
