"""Where in time a step stands, for attention between streams that do not share a timeline."""

from __future__ import annotations

import torch

from trichord.learning.attention import angles
from trichord.learning.stream import Stream


def with_position(stream: Stream) -> Stream:
    """Add sinusoidal positions, sines before cosines (Vaswani et al., 2017), to any width."""
    turns = angles(stream.values.shape[1], (stream.dim + 1) // 2, stream.values.device)
    waves = torch.cat([turns.sin(), turns.cos()], 1)[:, : stream.dim]  # (time, dim)
    return stream._replace(values=stream.values + waves.to(stream.values.dtype))
