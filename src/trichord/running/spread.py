"""Some of many clips, so that every class and speaker of a sorted corpus is among them."""

from __future__ import annotations

from collections.abc import Sequence

from trichord.clip import Clip


def spread(clips: Sequence[Clip], count: int | None) -> Sequence[Clip]:
    """Return so many of the clips, evenly spread; all where there are no more, or `count` is None."""
    if count is None or count >= len(clips):
        return clips
    return [clips[number * len(clips) // count] for number in range(count)]
