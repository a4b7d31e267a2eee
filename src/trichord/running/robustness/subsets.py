"""The subsets of a model's streams that are measured."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from itertools import combinations

from trichord.running.runtime.model import Model


def subsets(streams: Sequence[str]) -> list[tuple[str, ...]]:
    """Return all the streams, every subset that lacks one, and each stream alone, without repetition."""
    sizes = dict.fromkeys(size for size in (len(streams), len(streams) - 1, 1) if size)
    return [kept for size in sizes for kept in combinations(streams, size)]


def withheld(kept: Sequence[str], model: Model) -> tuple[str, ...]:
    """Return the model's streams that are not kept."""
    return tuple(stream for stream in model.streams if stream not in kept)


def subset_name(kept: Sequence[str], streams: Collection[str]) -> str:
    return "all" if len(kept) == len(streams) else "+".join(kept)
