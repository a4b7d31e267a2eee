"""Reading sound from any file, whole or block by block."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from math import inf
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trichord.clip import Audio
from trichord.errors import InputError
from trichord.media.limits import DEFAULT_LIMITS, Limits, check_region
from trichord.media.resample import Resampler
from trichord.media.source import Source, decoded_from, explained, name_of, opened, pick_stream

Samples = NDArray[np.float32]


def read_audio(
    source: Source,
    *,
    rate: int | None = None,
    channel: int | None = None,
    start: float = 0.0,
    end: float | None = None,
    limits: Limits = DEFAULT_LIMITS,
) -> Audio:
    """Read a file's sound from `start` to `end` seconds, at `rate` Hz or its own.

    Channels are averaged unless one is named, counted from 0. Raises `InputError` for a file that cannot
    be read, holds no sound there, or is beyond a limit.
    """
    blocks: list[Samples] = []
    stored = 0
    region = Region(
        name_of(source), channel, start, check_region(name_of(source), start, end), limits.seconds
    )
    for block in blocks_at(source, region, rate, 1.0, limits):
        stored += block.samples.nbytes
        if stored > limits.decoded_bytes:
            raise InputError(
                f"{region.name}: beyond the limit of {limits.decoded_bytes} decoded bytes for one read; "
                "name a region (start, end) or a lower rate, or stream it"
            )
        blocks.append(block.samples)
    return Audio(np.concatenate(blocks), block.rate)


def stream_audio(
    source: Source,
    *,
    rate: int | None = None,
    channel: int | None = None,
    start: float = 0.0,
    end: float | None = None,
    block_seconds: float = 1.0,
    limits: Limits = DEFAULT_LIMITS,
) -> Iterator[Audio]:
    """Yield a file's sound in blocks of `block_seconds`, the last one shorter, in bounded memory.

    The blocks joined are what `read_audio` returns; raises as it does.
    """
    name = name_of(source)
    region = Region(name, channel, start, check_region(name, start, end))
    yield from blocks_at(source, region, rate, block_seconds, limits)


@dataclass(frozen=True, slots=True)
class Region:
    """Which part of a file's sound is wanted: channel, start and stop in seconds, and at most how much."""

    name: str
    channel: int | None
    start: float
    stop: float
    longest: float = inf

    def check_length(self, seconds: float) -> None:
        if seconds > self.longest:
            raise InputError(
                f"{self.name}: longer than the limit of {self.longest:g} s for one read; "
                "name a region (start, end), or stream it"
            )

    def slice_of(self, block: Samples, position: int, rate: int) -> Samples:
        """Return what of a block that begins at sample `position` lies in the region."""
        begin = max(0, round(self.start * rate) - position)
        if self.stop == inf:
            return block[begin:]
        return block[begin : max(0, round(self.stop * rate) - position)]


def blocks_at(
    source: Source, region: Region, rate: int | None, block_seconds: float, limits: Limits
) -> Iterator[Audio]:
    """Yield the region's sound at `rate` Hz in equal blocks; InputError if there is none."""
    if rate is not None and not 0 < rate <= limits.sample_rate:
        raise InputError(f"{region.name}: a rate must be 1 to {limits.sample_rate} Hz; asked for {rate}")
    decoded = mono_blocks(source, region, limits)
    first = next(decoded, None)
    if first is None:
        raise InputError(f"{region.name}: no sound from {region.start:g} s on: empty, damaged or ended")
    resampler = Resampler(first.rate, rate or first.rate)
    size = max(1, round(block_seconds * resampler.rate))
    empty = True
    for samples in equal_blocks(resampled(chain([first], decoded), resampler), size):
        empty = False
        check_finite(region.name, samples)
        yield Audio(samples, resampler.rate)
    if empty:
        raise InputError(f"{region.name}: too short for one whole sample at {resampler.rate} Hz")


def mono_blocks(source: Source, region: Region, limits: Limits) -> Iterator[Audio]:
    """Yield the region's sound as it is decoded, mono, at the file's own rate."""
    name = region.name
    with opened(source, limits) as container, explained(name):
        stream = pick_stream(container, "audio", name)
        stream.thread_type = "AUTO"
        if stream.duration:
            region.check_length(min(region.stop, float(stream.duration * stream.time_base)) - region.start)
        rate = position = given = 0
        for time, frame in decoded_from(container, stream, region.start):
            if not rate:
                rate, position = frame.sample_rate, round((time or 0.0) * frame.sample_rate)
                check_sound(name, rate, frame.layout.nb_channels, limits)
            if frame.sample_rate != rate:
                raise InputError(f"{name}: its rate changes midway, from {rate} to {frame.sample_rate} Hz")
            if position >= region.stop * rate:
                return
            samples = mix(name, frame, region.channel)
            kept = region.slice_of(samples, position, rate)
            position += len(samples)
            given += len(kept)
            region.check_length(given / rate)
            if len(kept):
                check_finite(name, kept)
                yield Audio(kept, rate)


def check_sound(name: str, rate: int, channels: int, limits: Limits) -> None:
    if not 0 < rate <= limits.sample_rate:
        raise InputError(f"{name}: sampled at {rate} Hz; expected 1 to {limits.sample_rate} Hz")
    if not 0 < channels <= limits.channels:
        raise InputError(f"{name}: has {channels} channels; expected 1 to {limits.channels}")


def mix(name: str, frame: Any, channel: int | None) -> Samples:
    """Return one channel of a decoded frame, or the mean of all, float32 `(time,)`."""
    channels = frame.layout.nb_channels
    if channel is not None and not 0 <= channel < channels:
        raise InputError(f"{name}: has no channel {channel}; it has {channels}, counted from 0")
    values = frame.to_ndarray()
    if not frame.format.is_planar:
        values = values.reshape(-1, channels).T
    values = values.mean(0, keepdims=True) if channel is None and channels > 1 else values[channel or 0][None]
    return scaled(values[0], frame.format.name)


def scaled(samples: NDArray[Any], sample_format: str) -> Samples:
    if sample_format.startswith("u8"):
        return ((samples - np.float32(128)) / 128).astype(np.float32)
    if sample_format.startswith("s"):
        full_scale = 2.0 ** (int(sample_format.strip("sp")) - 1)
        return (samples / full_scale).astype(np.float32)
    return samples.astype(np.float32)


def check_finite(name: str, samples: Samples) -> None:
    if not np.isfinite(samples).all():
        raise InputError(f"{name}: holds NaN or infinite samples; expected finite ones")


def resampled(blocks: Iterable[Audio], resampler: Resampler) -> Iterator[Samples]:
    for block in blocks:
        yield resampler.push(block.samples)
    yield resampler.push(np.zeros(0, np.float32), last=True)


def equal_blocks(parts: Iterable[Samples], size: int) -> Iterator[Samples]:
    """Yield the same samples in blocks of `size`, the last one shorter."""
    held: list[Samples] = []
    count = 0
    for part in parts:
        held.append(part)
        count += len(part)
        if count >= size:
            joined = np.concatenate(held)
            whole = count - count % size
            yield from np.split(joined[:whole], whole // size)
            held, count = [joined[whole:]], count - whole
    if count:
        yield np.concatenate(held)
