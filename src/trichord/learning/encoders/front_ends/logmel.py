"""Log filter-bank energies of sound: one definition for training and for the exported file."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, ClassVar

import numpy as np
import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor

from trichord.errors import RecipeError
from trichord.features.audio.bands import Scale, filter_bank
from trichord.features.audio.frames import FLOOR, Window, fft_size, window
from trichord.learning.encoders.front_ends.front_end import FrontEnd
from trichord.learning.encoders.front_ends.normaliser import Normaliser
from trichord.learning.encoders.subsample import at_least
from trichord.learning.memory import Memory
from trichord.learning.stream import Stream, mask_of
from trichord.prepare.preparation import Array, InputSpec

Milliseconds = Annotated[float, Field(gt=0, le=1000)]
Bands = Annotated[int, Field(ge=1, le=512)]


class LogMel(FrontEnd):
    """Natural logarithm of the power in each of `bands` triangular filters, floored at 1e-10.

    `samples (batch, time)` within ±1 become `1 + (time - window) // hop` frames: nothing is padded around
    the sound, so a stream gives the same frames as a file. Sound shorter than a window is one frame, no
    sound is none. With `window: povey, scale: kaldi` this is Kaldi's fbank (dither 0, snip_edges); Kaldi
    reads samples within ±32768, which adds 2 ln 32768 to every value. With `preemphasis: 0, remove_dc:
    false` it is librosa's melspectrogram (center=False) of the same window and an FFT of the next power of
    two, where librosa starts half of the FFT's zero padding earlier.

    bands: features per frame.
    window_ms: length of a frame in milliseconds.
    hop_ms: milliseconds from one frame to the next.
    low_hz: lower edge of the first filter.
    high_hz: upper edge of the last filter; by default half of the sampling rate.
    window: shape of a frame; hann and hamming are periodic, povey is Kaldi's.
    preemphasis: share of the previous sample that is subtracted, within each frame.
    remove_dc: whether each frame's mean is subtracted first.
    scale: how the filters are spaced: mel after HTK, Slaney or Kaldi, or linear in Hz.
    equal_area: whether wide filters are lowered to equal area, librosa's norm="slaney".
    normalise: whether each band is standardised by the training data's mean and deviation.
    """

    takes: ClassVar[tuple[str, ...]] = ("samples",)
    spectral: ClassVar[bool] = True
    taper: Tensor
    filters: Tensor
    first: Tensor
    bins: Tensor
    used_filters: Tensor

    def __init__(
        self,
        bands: Bands = 80,
        window_ms: Milliseconds = 25,
        hop_ms: Milliseconds = 10,
        low_hz: Annotated[float, Field(ge=0)] = 20,
        high_hz: float | None = None,
        window: Window = "hann",
        preemphasis: Annotated[float, Field(ge=0, le=1)] = 0.97,
        remove_dc: bool = True,
        scale: Scale = "htk",
        equal_area: bool = False,
        normalise: bool = True,
    ) -> None:
        super().__init__()
        self.bands = bands
        self.window_ms = window_ms
        self.hop_ms = hop_ms
        self.low_hz = low_hz
        self.high_hz = high_hz
        self.window = window
        self.preemphasis = preemphasis
        self.remove_dc = remove_dc
        self.scale = scale
        self.equal_area = equal_area
        self.normalise = normalise

    def build(self, spec: InputSpec) -> None:
        sampling = sampling_rate(spec)
        self.length, self.hop = (max(1, round(ms * sampling / 1000)) for ms in (self.window_ms, self.hop_ms))
        self.fft = fft_size(self.length)
        self.width, self.rate = self.bands, sampling / self.hop
        self.build_tables(sampling)
        self.normaliser = Normaliser(self.bands)

    def build_tables(self, sampling: float) -> None:
        high = sampling / 2 if self.high_hz is None else self.high_hz
        if not self.low_hz < high <= sampling / 2:
            raise RecipeError(
                f"filters from {self.low_hz:g} to {high:g} Hz don't fit sound of {sampling:g} Hz; "
                f"choose low_hz below high_hz, and high_hz at most {sampling / 2:g}"
            )
        taper = window(self.window, self.length)
        filters = filter_bank(self.bands, self.fft, sampling, self.low_hz, high, self.scale, self.equal_area)
        used = filters.any(0)
        padded = np.pad(taper, (0, self.fft - self.length))
        self.keep("taper", padded)
        self.keep("first", padded * (np.arange(self.fft) == 0))
        self.keep("filters", filters)
        self.register_buffer("bins", torch.from_numpy(np.flatnonzero(used)), persistent=False)
        self.keep("used_filters", filters[:, used, None])

    def keep(self, name: str, table: np.ndarray) -> None:
        self.register_buffer(name, torch.from_numpy(table).float(), persistent=False)

    def fit(self, arrays: Iterable[Array]) -> None:
        if self.normalise:
            self.normaliser.fit(self.energies(*alone(array)).values[0] for array in arrays if len(array))

    def forward(self, values: Tensor, lengths: Tensor) -> Stream:
        return self.standardised(self.energies(values, lengths))

    def standardised(self, energies: Stream) -> Stream:
        return energies._replace(values=self.normaliser(energies.values)) if self.normalise else energies

    def causal(self, values: Tensor, lengths: Tensor, memory: Memory) -> Stream:
        """Return a frame for every hop begun, which ends with it: the first ones look before the sound."""
        if self.length < self.hop:
            raise RecipeError(f"frames of {self.window_ms:g} ms leave gaps at a hop of {self.hop_ms:g} ms, "
                              "so a stream cannot be heard as it comes")  # fmt: skip
        samples = at_least(1, torch.where(mask_of(lengths, values), values, 0.0))
        samples = memory.join(samples, self.length - self.hop)
        samples = F.pad(samples, (0, -(samples.shape[1] - self.length) % self.hop))
        frames = torch.div(lengths + self.hop - 1, self.hop, rounding_mode="floor")
        return self.standardised(Stream(self.log_power(samples), frames, self.rate))

    def steps_in(self, frames: int) -> int:
        return frames * self.hop

    def energies(self, values: Tensor, lengths: Tensor) -> Stream:
        """Return log energies `(batch, frames, bands)` of `values (batch, time)`, not standardised."""
        samples = torch.where(mask_of(lengths, values), values, 0.0)
        power = self.log_power(at_least(self.length, samples))
        frames = torch.div((lengths - self.length).clamp(min=0), self.hop, rounding_mode="floor") + 1
        return Stream(power, torch.where(lengths > 0, frames, 0), self.rate)

    def log_power(self, samples: Tensor) -> Tensor:
        """Return `(batch, frames, bands)` for `samples (batch, time)`, a window of them at the least."""
        power = self.by_convolution(samples) if torch.onnx.is_in_onnx_export() else self.by_fft(samples)
        return power.clamp(min=FLOOR).log()

    def by_fft(self, samples: Tensor) -> Tensor:
        """Return `(batch, frames, bands)` for `samples (batch, time)`, the fast way in torch."""
        before = torch.cat([samples[:, :1], samples[:, :-1]], 1)
        padded = F.pad(samples - self.preemphasis * before, (0, self.fft - self.length))
        frames = padded.unfold(1, self.fft, self.hop) * self.taper  # (batch, frames, fft)
        if self.remove_dc or self.preemphasis:
            mean, outside = self.corrections(samples, before)
            frames = frames.addcmul_(mean, self.taper).addcmul_(outside, self.first)
        spectrum = torch.fft.rfft(frames)
        power = spectrum.real.square().addcmul_(spectrum.imag, spectrum.imag)
        with torch.autocast(samples.device.type, enabled=False):
            return power @ self.filters.T

    def corrections(self, samples: Tensor, before: Tensor) -> tuple[Tensor, Tensor]:
        """Return what emphasising the whole sound, not each frame, got wrong: two of `(batch, frames, 1)`.

        The frame's own mean is still in it, and its first sample was compared with one outside.
        """
        frames = samples.unfold(1, self.length, self.hop)
        outside = before.unfold(1, self.length, self.hop)[..., :1]
        mean = frames.mean(-1, keepdim=True) * (self.preemphasis - 1 if self.remove_dc else 0)
        return mean, self.preemphasis * (outside - frames[..., :1])

    def by_convolution(self, samples: Tensor) -> Tensor:
        """Return the same; a convolution is the Fourier transform that ONNX Runtime does fastest."""
        basis = self.basis()[:, None]
        spectrum = F.conv1d(samples[:, None], basis, stride=self.hop)  # (batch, 2 * bins, frames)
        real, imaginary = spectrum.chunk(2, 1)
        return F.conv1d(real.square() + imaginary.square(), self.used_filters).transpose(1, 2)

    def basis(self) -> Tensor:
        """Return cosines, then sines, that turn a raw frame into its spectrum, `(2 * bins, length)`.

        Offset removal, pre-emphasis and the window are linear, so they are folded in, in Kaldi's order. The
        graph computes this table when it is loaded: as numbers it would be larger than many a model.
        """
        steps = torch.arange(self.length, device=self.bins.device)
        angles = (self.bins[:, None] * steps % self.fft) * (2 * torch.pi / self.fft)  # exact below 2^24
        waves = torch.cat([angles.cos(), -angles.sin()]) * self.taper[: self.length]
        if self.preemphasis:
            after = F.pad(waves[:, 1:], (0, 1))
            first = torch.where(steps == 0, waves, 0.0)  # which is compared with itself
            waves = waves - self.preemphasis * (after + first)
        return waves - waves.mean(1, keepdim=True) if self.remove_dc else waves


def sampling_rate(spec: InputSpec) -> float:
    """Return the rate of a `samples` spec; raises RecipeError where there is none."""
    if spec.rate is None:
        raise RecipeError("sound needs a sampling rate; its preparation gives none")
    return spec.rate


def alone(array: Array) -> tuple[Tensor, Tensor]:
    """Return one prepared array as a batch: `values (1, time, ...)`, `lengths (1,)`."""
    return torch.from_numpy(np.require(array, requirements=["C", "W"]))[None], torch.tensor([len(array)])
