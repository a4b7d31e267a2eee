"""From a stream to its mean."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

from trichord.learning.stream import Stream


def mean_over_time(stream: Stream) -> Tensor:
    """Return the mean over each item's steps, `(batch, dim)`; an absent stream gives zeros."""
    padded = stream._replace(
        values=F.pad(stream.values, (0, 0, 0, 1))
    )  # so that time zero reaches no operator
    return padded.cleared().values.sum(1) / stream.lengths.clamp(min=1)[:, None]
