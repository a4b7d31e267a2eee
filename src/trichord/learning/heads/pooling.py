"""From a stream to one vector per clip."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from trichord.learning.stream import Stream


class Pooling(nn.Module):
    """Puts what a learned query attends to beside the mean over time, `(batch, 2 * dim)`.

    Attentive statistics without the deviation (Okabe et al., "Attentive statistics pooling for deep speaker
    embedding", 2018). A clip with nothing in it gives zeros.
    """

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.key = nn.Linear(dim, dim)
        self.query = nn.Parameter(torch.randn(dim) * 0.02)

    def forward(self, fused: Stream) -> Tensor:
        # One masked step is added, so that time zero reaches no operator.
        padded = Stream(F.pad(fused.values, (0, 0, 0, 1)), fused.lengths).cleared()
        values = padded.values[:, None]  # (batch, 1, time + 1, dim): exports need an axis of heads
        query = self.query.expand(values.shape[0], 1, 1, -1)  # (batch, 1, 1, dim)
        attended = F.scaled_dot_product_attention(
            query, self.key(values), values, attn_mask=padded.mask[:, None, None, :]
        )
        mean = padded.values.sum(1) / fused.lengths.clamp(min=1)[:, None]
        return torch.cat([attended[:, 0, 0], mean], 1)
