"""Learning from spectra with holes."""

from __future__ import annotations

from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor

from trichord.learning.objectives.change import Probability, spec_of
from trichord.learning.objectives.objective import Objective, Surroundings
from trichord.learning.stream import Stream

Count = Annotated[int, Field(ge=0, le=100)]


class SpecAugment(Objective):
    """Blanks random bands and stretches of a stream's feature frames (Park et al. 2019, no time warping).

    Blank is 0, the mean of normalised features. Each item has its own holes, within its own length.

    stream: whose front end's frames to change.
    frequency_masks: bands blanked in every item, each up to `frequency_width` features wide.
    frequency_width: by default 3 in 16 of the features, as 15 of 80.
    time_masks: stretches blanked in every item, each up to `time_share` of its length.
    """

    def __init__(
        self,
        stream: str,
        frequency_masks: Count = 2,
        frequency_width: Annotated[int, Field(ge=0)] | None = None,
        time_masks: Count = 2,
        time_share: Probability = 0.1,
    ) -> None:
        super().__init__()
        self.stream = stream
        self.frequency_masks = frequency_masks
        self.frequency_width = frequency_width
        self.time_masks = time_masks
        self.time_share = time_share

    def build(self, surroundings: Surroundings) -> None:
        spec_of(self.stream, surroundings.specs, "SpecAugment", ())

    def change_features(self, name: str, frames: Stream) -> Stream:
        if name != self.stream:
            return frames
        batch, time, width = frames.values.shape
        widths = torch.full((batch,), width, device=frames.values.device)
        widest = widths * 3 // 16 if self.frequency_width is None else widths.clamp(max=self.frequency_width)
        longest = (frames.lengths * self.time_share).long()
        bands = holes(self.frequency_masks, width, widths, widest)  # (batch, width)
        pauses = holes(self.time_masks, time, frames.lengths, longest)  # (batch, time)
        blank = (bands[:, None, :] | pauses[:, :, None]) & frames.mask[..., None]
        return frames._replace(values=frames.values.masked_fill(blank, 0.0))


def holes(count: int, size: int, lengths: Tensor, widest: Tensor) -> Tensor:
    """Return `(batch, size)`, True in `count` random runs of 0 to `widest (batch,)` steps below `lengths`."""
    device, shape = lengths.device, (len(lengths), count, 1)
    widths = (torch.rand(shape, device=device) * (widest[:, None, None] + 1)).long()
    starts = (torch.rand(shape, device=device) * (lengths[:, None, None] - widths + 1)).long()
    steps = torch.arange(size, device=device)
    return ((steps >= starts) & (steps < starts + widths)).any(1)
