"""The networks of wav2vec 2.0, HuBERT and WavLM, from sound to vectors."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from math import prod
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from trichord.learning.encoders.subsample import at_least
from trichord.learning.stream import Stream, mask_of

SILENCE = 1e-7  # added to the variance of the samples, as where these models were trained


class Wav2Vec(nn.Module):
    """Strided convolutions over samples, then a Transformer (Baevski et al., 2020; Hsu et al., 2021).

    The weights and layers are those of `transformers`, called so that what lies past a length has no part:
    the first convolution's norm, where it is one over time, counts only what exists, and attention sees only
    that. So an item in a batch is what it is alone, and that is what `transformers` gives.

    model: from `transformers`; WavLM's (Chen et al., 2022) has gated relative positions.
    layers: how many of its Transformer's to keep.
    standardise: whether samples are brought to mean 0 and deviation 1 first, each clip by itself.
    """

    def __init__(self, model: Any, layers: int | None, *, standardise: bool) -> None:
        super().__init__()
        self.standardise = standardise
        self.relative, self.norm_last = model.config.model_type == "wavlm", model.config.do_stable_layer_norm
        self.convolutions = model.feature_extractor.conv_layers
        self.project = model.feature_projection
        context = model.encoder
        self.position, self.norm, self.dropout = context.pos_conv_embed, context.layer_norm, context.dropout
        self.layers = context.layers[:layers]
        for part in list(self.position.modules()):  # weights as they are apply faster, and export
            if parametrize.is_parametrized(part, "weight"):
                parametrize.remove_parametrizations(part, "weight")
        self.width = int(model.config.hidden_size)
        self.kernels = [layer.conv.kernel_size[0] for layer in self.convolutions]
        self.strides = [layer.conv.stride[0] for layer in self.convolutions]
        self.stride, self.least = prod(self.strides), receptive(self.kernels, self.strides)

    def forward(self, samples: Tensor, lengths: Tensor) -> Stream:
        """Return `(batch, steps, width)` for `samples (batch, time)`, zeros past each length."""
        samples = at_least(self.least, standard(samples, lengths) if self.standardise else samples)
        heard = self.convolved(samples, lengths.clamp(min=self.least))
        projected = self.project(heard.values)
        values = heard._replace(values=projected[0] if isinstance(projected, tuple) else projected)
        lengths = torch.where(lengths > 0, heard.lengths, 0)
        return Stream(self.in_context(values), lengths)

    def convolved(self, samples: Tensor, lengths: Tensor) -> Stream:
        """Return the convolutions' output `(batch, steps, channels)`; every length is one at the least."""
        values = samples[:, None]  # (batch, channels, time)
        for layer, kernel, stride in zip(self.convolutions, self.kernels, self.strides, strict=True):
            values, lengths = layer.conv(values), after(lengths, kernel, stride)
            norm = getattr(layer, "layer_norm", None)
            if isinstance(norm, nn.GroupNorm):
                values = over_time(norm, values, lengths)
            elif norm is not None:
                values = norm(values.transpose(1, 2)).transpose(1, 2)
            values = layer.activation(values)
        return Stream(values.transpose(1, 2), lengths)

    def in_context(self, stream: Stream) -> Tensor:
        values, mask = stream.cleared().values, stream.mask
        values = values + self.position(values)
        values = self.dropout(values if self.norm_last else self.norm(values))
        values = self.relatively(values, mask) if self.relative else self.attending(values, mask)
        return self.norm(values) if self.norm_last else values

    def attending(self, values: Tensor, mask: Tensor) -> Tensor:
        for layer in self.layers:
            values = layer(values, attention_mask=mask[:, None, None])
        return values

    def relatively(self, values: Tensor, mask: Tensor) -> Tensor:
        bias = None
        with warnings.catch_warnings():  # WavLM hands torch a mask of truths beside a bias of numbers
            warnings.filterwarnings("ignore", message="Support for mismatched key_padding_mask")
            for layer in self.layers:
                values, bias = layer(values, attention_mask=mask, position_bias=bias)
        return values


def standard(samples: Tensor, lengths: Tensor) -> Tensor:
    """Return samples of mean 0 and deviation 1, each item over its own length; zeros past it."""
    mask, count = mask_of(lengths, samples), lengths.clamp(min=1)[:, None]
    centred = torch.where(mask, samples - samples.sum(1, keepdim=True) / count, 0.0)
    return centred / (centred.square().sum(1, keepdim=True) / count + SILENCE).sqrt()


def over_time(norm: nn.GroupNorm, values: Tensor, lengths: Tensor) -> Tensor:
    """Apply a group norm of one channel a group over each length of `values (batch, channels, time)`."""
    mask, count = mask_of(lengths, values.transpose(1, 2))[:, None], lengths[:, None, None]
    mean = torch.where(mask, values, 0.0).sum(2, keepdim=True) / count
    centred = torch.where(mask, values - mean, 0.0)
    variance = centred.square().sum(2, keepdim=True) / count
    return centred / (variance + norm.eps).sqrt() * norm.weight[:, None] + norm.bias[:, None]


def after(lengths: Tensor, kernel: int, stride: int) -> Tensor:
    """Return how many steps a convolution without padding gives."""
    return torch.div(lengths - kernel, stride, rounding_mode="floor") + 1


def receptive(kernels: Sequence[int], strides: Sequence[int]) -> int:
    """Return how many samples one step sees behind convolutions one after the other."""
    seen = 1
    for kernel, stride in zip(reversed(kernels), reversed(strides), strict=True):
        seen = (seen - 1) * stride + kernel
    return seen
