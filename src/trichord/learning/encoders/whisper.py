"""The encoder of Whisper, from sound to vectors."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from trichord.features.audio.bands import filter_bank
from trichord.learning.stream import Stream

SAMPLING, FFT, HOP = 16_000, 400, 160
FLOOR, SPAN = 1e-10, 8.0  # of power; and of its decimal logarithm, below the clip's loudest


class Whisper(nn.Module):
    """Log-mel frames, two convolutions and a Transformer (Radford et al., 2022).

    Every clip is followed by silence up to the 30 s that the model always hears, as where it was trained, so
    a short one costs as much as a long one, and what comes later is not heard. Steps past the clip's own
    length are dropped. The frames are those of `transformers`' WhisperFeatureExtractor, within the graph.

    model: Whisper's encoder from `transformers`.
    layers: how many of its Transformer's to keep.
    """

    waves: Tensor
    filters: Tensor

    def __init__(self, model: Any, layers: int | None) -> None:
        super().__init__()
        self.first, self.second = model.conv1, model.conv2
        self.position, self.norm = model.embed_positions, model.layer_norm
        self.layers = model.layers[:layers]
        self.width = int(model.config.d_model)
        self.stride = HOP * self.second.stride[0]
        self.steps = int(model.config.max_source_positions)
        bands = filter_bank(int(model.config.num_mel_bins), FFT, SAMPLING, 0, SAMPLING / 2, "slaney", True)
        self.register_buffer("filters", torch.from_numpy(bands[..., None]).float(), persistent=False)
        self.register_buffer("waves", torch.from_numpy(waves()[:, None]).float(), persistent=False)

    def forward(self, samples: Tensor, lengths: Tensor) -> Stream:
        """Return `(batch, steps, width)` for `samples (batch, time)`, zeros past each length."""
        heard = F.pad(samples, (0, self.steps * self.stride - samples.shape[1]))  # or cut
        values = F.gelu(self.second(F.gelu(self.first(self.log_mel(heard))))).transpose(1, 2)
        values = values + self.position.weight
        for layer in self.layers:
            values = layer(values, None)
        lengths = torch.div(lengths + self.stride - 1, self.stride, rounding_mode="floor")
        most = (samples.shape[1] + self.stride - 1) // self.stride
        return Stream(self.norm(values)[:, :most], lengths.clamp(max=self.steps))

    def log_mel(self, samples: Tensor) -> Tensor:
        """Return `(batch, bands, frames)` for `samples (batch, time)`: frames are centred, ends mirrored."""
        padded = F.pad(samples[:, None], (FFT // 2, FFT // 2), mode="reflect")
        real, imaginary = F.conv1d(padded, self.waves, stride=HOP)[..., :-1].chunk(2, 1)
        power = F.conv1d(real.square() + imaginary.square(), self.filters)
        logs = power.clamp(min=FLOOR).log10()
        return (torch.maximum(logs, logs.amax((1, 2), keepdim=True) - SPAN) + 4) / 4


def waves() -> np.ndarray:
    """Return cosines, then sines, of a windowed Fourier transform, `(2 * bins, FFT)`."""
    steps = np.arange(FFT)
    angles = 2 * np.pi / FFT * (np.arange(FFT // 2 + 1)[:, None] * steps % FFT)
    return np.concatenate([np.cos(angles), -np.sin(angles)]) * (0.5 - 0.5 * np.cos(2 * np.pi / FFT * steps))
