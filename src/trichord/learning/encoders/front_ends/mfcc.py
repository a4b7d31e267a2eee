"""Mel-frequency cepstral coefficients (Davis and Mermelstein, 1980)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, ClassVar

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor

from trichord.errors import RecipeError
from trichord.features.audio.bands import Scale
from trichord.features.audio.cepstral import cosine_transform, lifter
from trichord.features.audio.frames import Window
from trichord.learning.encoders.front_ends.front_end import FrontEnd
from trichord.learning.encoders.front_ends.logmel import Bands, LogMel, Milliseconds, alone
from trichord.learning.encoders.front_ends.normaliser import Normaliser
from trichord.learning.stream import Stream
from trichord.prepare.preparation import Array, InputSpec

REACH = 4  # frames that the second difference looks to either side


class Mfcc(FrontEnd):
    """The cosine transform of log mel energies, with first and second differences.

    `samples (batch, time)` become frames as in `LogMel`. With `window: povey, scale: kaldi, bands: 23` the
    coefficients are Kaldi's (use_energy=false); the differences are Kaldi's add-deltas of window 2.

    coefficients: how many are kept, the zeroth included.
    deltas: whether first and second differences follow, three times the width.
    bands: filters of the mel energies below.
    window_ms: length of a frame in milliseconds.
    hop_ms: milliseconds from one frame to the next.
    low_hz: lower edge of the first filter.
    high_hz: upper edge of the last filter; by default half of the sampling rate.
    window: shape of a frame, as in `logmel`.
    scale: how the filters are spaced, as in `logmel`.
    cepstral_lifter: HTK's and Kaldi's lifter; 0 for none.
    normalise: whether each feature is standardised by the training data's mean and deviation.
    """

    takes: ClassVar[tuple[str, ...]] = ("samples",)
    transform: Tensor
    kernel: Tensor

    def __init__(
        self,
        coefficients: Annotated[int, Field(ge=1)] = 13,
        deltas: bool = True,
        bands: Bands = 40,
        window_ms: Milliseconds = 25,
        hop_ms: Milliseconds = 10,
        low_hz: Annotated[float, Field(ge=0)] = 20,
        high_hz: float | None = None,
        window: Window = "hann",
        scale: Scale = "htk",
        cepstral_lifter: Annotated[float, Field(ge=0)] = 22,
        normalise: bool = True,
    ) -> None:
        super().__init__()
        self.coefficients = coefficients
        self.deltas = deltas
        self.bands = bands
        self.window_ms = window_ms
        self.hop_ms = hop_ms
        self.low_hz = low_hz
        self.high_hz = high_hz
        self.window = window
        self.scale = scale
        self.cepstral_lifter = cepstral_lifter
        self.normalise = normalise

    def build(self, spec: InputSpec) -> None:
        if self.coefficients > self.bands:
            raise RecipeError(f"{self.coefficients} coefficients need as many bands; there are {self.bands}")
        self.mel = LogMel(
            bands=self.bands, window_ms=self.window_ms, hop_ms=self.hop_ms, low_hz=self.low_hz,
            high_hz=self.high_hz, window=self.window, scale=self.scale, normalise=False,
        )  # fmt: skip
        self.mel.build(spec)
        self.rate = self.mel.rate
        self.width = self.coefficients * (3 if self.deltas else 1)
        lift = lifter(self.coefficients, self.cepstral_lifter)[:, None]
        transform = torch.from_numpy(lift * cosine_transform(self.coefficients, self.bands)).float()
        self.register_buffer("transform", transform, persistent=False)
        self.register_buffer("kernel", difference_kernels(), persistent=False)
        self.normaliser = Normaliser(self.width)

    def fit(self, arrays: Iterable[Array]) -> None:
        if self.normalise:
            self.normaliser.fit(self.cepstra(*alone(array)).values[0] for array in arrays if len(array))

    def forward(self, values: Tensor, lengths: Tensor) -> Stream:
        cepstra = self.cepstra(values, lengths)
        return cepstra._replace(values=self.normaliser(cepstra.values)) if self.normalise else cepstra

    def cepstra(self, values: Tensor, lengths: Tensor) -> Stream:
        """Return cepstra `(batch, frames, width)` of `values (batch, time)`, not standardised."""
        energies = self.mel.energies(values, lengths)
        with torch.autocast(values.device.type, enabled=False):
            cepstra = energies._replace(values=F.linear(energies.values, self.transform))
        if not self.deltas:
            return cepstra
        return cepstra._replace(values=torch.cat([cepstra.values, self.differences(cepstra)], -1))

    def differences(self, cepstra: Stream) -> Tensor:
        """Return first, then second differences `(batch, frames, 2 * coefficients)`."""
        values = extended(cepstra, REACH).transpose(1, 2)  # (batch, coefficients, frames + 2 * REACH)
        moved = F.conv1d(values, self.kernel.repeat(self.coefficients, 1, 1), groups=self.coefficients)
        return moved.unflatten(1, (-1, 2)).transpose(1, 2).flatten(1, 2).transpose(1, 2)


def difference_kernels() -> Tensor:
    """Return Kaldi's regression kernels `(2, 1, 2 * REACH + 1)`, of the first and the second order."""
    slope = torch.arange(-2.0, 3.0) / 10
    second = F.conv1d(F.pad(slope, (4, 4))[None, None], slope.flip(0)[None, None])[0, 0]
    return torch.stack([F.pad(slope, (2, 2)), second])[:, None]


def extended(stream: Stream, steps: int) -> Tensor:
    """Return `(batch, time + 2 * steps, dim)`: the first and each item's true last step, repeated."""
    time = torch.arange(stream.values.shape[1] + 2 * steps, device=stream.lengths.device) - steps
    last = (stream.lengths - 1).clamp(min=0)[:, None]
    source = torch.minimum(time[None, :].clamp(min=0), last)  # (batch, time + 2 * steps)
    return stream.values.gather(1, source[..., None].expand(-1, -1, stream.dim))
