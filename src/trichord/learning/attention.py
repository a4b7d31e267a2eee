"""Attention that is safe on absent streams, in training and in ONNX."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from trichord.learning.dropout import dropped
from trichord.learning.memory import Memory, Sight
from trichord.learning.stream import Stream

LONGEST_WAVE = 10_000.0


class Attention(nn.Module):
    """Multi-head scaled dot-product attention (Vaswani et al., 2017).

    A query that may see nothing gets the output projection's bias, never NaN: torch's own attention
    modules give NaN there, so they are not used in this project. With `rotary`, queries and keys know
    their positions (Su et al., 2021); both then count steps of one timeline.
    """

    def __init__(self, dim: int, heads: int = 4, dropout: float = 0.0, rotary: bool = False) -> None:
        super().__init__()
        if dim % heads:
            raise ValueError(f"dim {dim} is not a multiple of heads {heads}")
        if rotary and dim // heads % 2:
            raise ValueError(f"rotary positions need an even width per head; dim {dim}, heads {heads}")
        self.heads, self.dropout, self.rotary = heads, dropout, rotary
        self.query = nn.Linear(dim, dim)
        self.key = nn.Linear(dim, dim)
        self.value = nn.Linear(dim, dim)
        self.out = nn.Linear(dim, dim)

    def forward(self, asking: Tensor, told: Stream) -> Tensor:
        """Return `(batch, time, dim)`: each step of `asking (batch, time, dim)` asks the whole of `told`."""
        values = F.pad(told.values, (0, 0, 0, 1))  # one masked step, so that an absent stream has a key
        mask = F.pad(told.mask, (0, 1))[:, None, None, :]  # (batch, 1, 1, told time + 1)
        q, k, v = (split(layer(x), self.heads) for layer, x in
                   ((self.query, asking), (self.key, values), (self.value, values)))  # fmt: skip
        if self.rotary:
            q, k = rotated(q), rotated(k)
        mixed = attended(q, k, v, mask, self.dropout if self.training else 0.0)
        return self.out(mixed.transpose(1, 2).flatten(2))

    def within(self, told: Stream, memory: Memory, sight: Sight, *, limited: bool) -> Tensor:
        """Return `(batch, time, dim)`: each step of `told`, which has one at least, asks what it may see.

        Block by block that is `sight`; where the whole stream is at hand, all of it, unless `limited`. Keys
        are kept unturned and turned by their place behind the block, so that no position ever grows.
        """
        known = self.known(told.values)
        mask, first = told.mask[:, None, None, :], 0  # (batch, 1, 1, time)
        if memory.blockwise:
            known, first = memory.join(known, sight.left), sight.left
            mask = memory.join(told.mask.to(known.dtype), sight.left)[:, None, None, :] > 0
        elif limited:
            mask = mask & sight.mask(told.values.shape[1], told.values.device)
        return self.ask(told.values, known, mask, first)

    def known(self, told: Tensor) -> Tensor:
        """Return keys beside values, `(batch, time, 2 * dim)`: all to keep of `told (batch, time, dim)`."""
        return torch.cat([self.key(told), self.value(told)], -1)

    def ask(self, asking: Tensor, known: Tensor, mask: Tensor, first: int = 0) -> Tensor:
        """Return `(batch, time, dim)`: each step of `asking (batch, time, dim)` asks what is `known`.

        The first of them is step `first`; `mask`, as `(batch, heads, time, known time)`, says what they see.
        """
        q = split(self.query(asking), self.heads)
        k, v = (split(x, self.heads) for x in known.chunk(2, -1))
        if self.rotary:
            q, k = rotated(q, first), rotated(k)
        mixed = attended(q, k, v, mask, self.dropout if self.training else 0.0)
        return self.out(mixed.transpose(1, 2).flatten(2))


def attended(q: Tensor, k: Tensor, v: Tensor, mask: Tensor, dropout: float) -> Tensor:
    """Return `(batch, heads, time, width)`: for each query the values of the keys that it may see, 0 of none.

    `mask` is True where a query may see a key; a share `dropout` of the weights is dropped.
    """
    if not dropout:
        return F.scaled_dot_product_attention(q, k, v, attn_mask=mask)
    scores = (q @ k.transpose(-2, -1)) / math.sqrt(q.shape[-1])
    weights = scores.masked_fill(~mask, torch.finfo(scores.dtype).min).softmax(-1)
    return dropped(torch.where(mask, weights, 0.0).to(v.dtype), dropout) @ v


def split(x: Tensor, heads: int) -> Tensor:
    """`(batch, time, heads * width)` -> `(batch, heads, time, width)`."""
    return x.unflatten(-1, (heads, -1)).transpose(1, 2)


def angles(time: int, pairs: int, device: torch.device, first: int = 0) -> Tensor:
    """Return step times frequency, `(time, pairs)`; waves grow to 10,000 steps (Vaswani et al., 2017)."""
    steps = torch.arange(first, first + time, device=device, dtype=torch.float32)
    frequencies = torch.exp(torch.arange(pairs, device=device) * (-math.log(LONGEST_WAVE) / pairs))
    return steps[:, None] * frequencies[None, :]


def rotated(x: Tensor, first: int = 0) -> Tensor:
    """Turn `x (..., time, width)` by its steps, counted from `first`, so that products tell distance alone.

    The width is even.
    """
    turns = angles(x.shape[-2], x.shape[-1] // 2, x.device, first)
    sine, cosine = turns.sin().to(x.dtype), turns.cos().to(x.dtype)
    a, b = x.chunk(2, -1)
    return torch.cat([a * cosine - b * sine, a * sine + b * cosine], -1)
