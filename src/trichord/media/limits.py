"""How much of a file may be read; every reader takes these."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf, isfinite

from trichord.errors import InputError


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds on what a hostile or careless file can cost.

    `seconds` of sound in one whole read (streaming has no such bound), `pixels` per frame,
    `decoded_bytes` of one whole read, `file_bytes` on disk, `channels` and `sample_rate` (Hz) of sound.
    """

    seconds: float = 3600.0
    pixels: int = 50_000_000
    decoded_bytes: int = 1 << 30
    file_bytes: int = 4 << 30
    channels: int = 64
    sample_rate: int = 768_000


DEFAULT_LIMITS = Limits()


def check_region(name: str, start: float, end: float | None) -> float:
    """Return the end of a region in seconds, infinity where none is given; InputError if it is none."""
    stop = inf if end is None else end
    if not (isfinite(start) and 0 <= start < stop):
        raise InputError(f"{name}: a region needs 0 <= start < end seconds; got {start} to {end}")
    return stop
