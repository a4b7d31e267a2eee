"""Frames that are learned from the waveform itself."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from math import prod
from typing import Annotated, ClassVar

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from trichord.learning.encoders.front_ends.front_end import FrontEnd
from trichord.learning.encoders.front_ends.logmel import sampling_rate
from trichord.learning.encoders.front_ends.normaliser import Normaliser
from trichord.learning.encoders.subsample import at_least
from trichord.learning.encoders.wav2vec import after, receptive
from trichord.learning.memory import Memory
from trichord.learning.stream import Stream, mask_of
from trichord.prepare.preparation import Array, InputSpec

KERNELS, STRIDES = (10, 3, 3, 3, 3, 2), (5, 2, 2, 2, 2, 2)


class Waveform(FrontEnd):
    """Strided convolutions over samples, 160 of which make a frame: 100 Hz for sound of 16 kHz.

    The feature encoder of wav2vec 2.0 (Baevski et al., 2020) without its last halving, with a LayerNorm over
    the channels of every step, so that no frame depends on more than the 240 samples that it sees, and with
    fewer channels. Sound shorter than that is one frame, no sound is none. Samples are standardised by the
    training data's mean and deviation.

    channels: of every convolution, and so features per frame.
    """

    takes: ClassVar[tuple[str, ...]] = ("samples",)

    def __init__(self, channels: Annotated[int, Field(ge=1, le=1024)] = 64) -> None:
        super().__init__()
        self.channels = channels

    def build(self, spec: InputSpec) -> None:
        widths = [1, *[self.channels] * len(KERNELS)]
        self.convolutions = nn.ModuleList(
            nn.Conv1d(before, width, kernel, stride, bias=False)
            for (before, width), kernel, stride in zip(pairwise(widths), KERNELS, STRIDES, strict=True)
        )
        self.norms = nn.ModuleList(nn.LayerNorm(self.channels) for _ in KERNELS)
        self.normaliser = Normaliser(1)
        self.length, self.hop = receptive(KERNELS, STRIDES), prod(STRIDES)
        self.width, self.rate = self.channels, sampling_rate(spec) / self.hop

    def fit(self, arrays: Iterable[Array]) -> None:
        self.normaliser.fit(torch.from_numpy(array)[:, None] for array in arrays)

    def forward(self, values: Tensor, lengths: Tensor) -> Stream:
        samples = at_least(self.length, torch.where(mask_of(lengths, values), values, 0.0))
        frames = lengths.clamp(min=self.length)
        for kernel, stride in zip(KERNELS, STRIDES, strict=True):
            frames = after(frames, kernel, stride)
        return Stream(self.convolved(samples), torch.where(lengths > 0, frames, 0), self.rate)

    def convolved(self, samples: Tensor) -> Tensor:
        """Return `(batch, frames, channels)` for `samples (batch, time)`, no fewer than one frame sees."""
        values = self.normaliser(samples[..., None])  # (batch, time, channels)
        for convolution, norm in zip(self.convolutions, self.norms, strict=True):
            values = F.gelu(norm(convolution(values.transpose(1, 2)).transpose(1, 2)))
        return values

    def causal(self, values: Tensor, lengths: Tensor, memory: Memory) -> Stream:
        """Return a frame for every 160 samples begun, which ends with them."""
        samples = at_least(1, torch.where(mask_of(lengths, values), values, 0.0))
        samples = memory.join(samples, self.length - self.hop)
        samples = F.pad(samples, (0, -(samples.shape[1] - self.length) % self.hop))
        frames = torch.div(lengths + self.hop - 1, self.hop, rounding_mode="floor")
        return Stream(self.convolved(samples), frames, self.rate)

    def steps_in(self, frames: int) -> int:
        return frames * self.hop
