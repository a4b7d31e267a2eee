"""What experts wrote of a word's phones, brought to its canonical phones."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

from trichord.errors import InputError

MAX_PHONES = 100
SCORES = {"": 2.0, "{": 1.0, "(": 0.0}
"""A phone is right where it stands plain, accented in braces, wrong or missed in parentheses."""
VOWELS = frozenset("AEIOU")

Judged = tuple[str, float]
"""A phone and its score."""


def marked(text: str) -> list[Judged]:
    """Return the phones that an expert wrote and their scores; `[R]`, a phone too many, has none."""
    judged, mark = [], ""
    for piece in re.findall(r"[][(){}]|[^][(){}\s]+", text):
        if piece in "([{":
            mark = piece
        elif piece in ")]}":
            mark = ""
        elif mark != "[":
            judged.append((piece, SCORES[mark]))
    return judged


@lru_cache(1 << 16)
def expert_scores(canonical: tuple[str, ...], text: str) -> tuple[float, ...]:
    """Return the score that one expert's writing gives each canonical phone; none for an empty writing."""
    return aligned(canonical, marked(text))


def aligned(canonical: Sequence[str], judged: Sequence[Judged]) -> tuple[float, ...]:
    """Return a score per canonical phone, by dynamic time warping (Sakoe and Chiba 1978).

    Experts write `TR` where the canonical phones are `T R`, and now and then what they heard in place of
    what was due. Every phone of one side meets at least one of the other, in order, at the least distance in
    all; a canonical phone that meets several has their mean. Raises InputError above 100 phones a word.
    """
    if max(len(canonical), len(judged)) > MAX_PHONES:
        raise InputError(f"a word of more than {MAX_PHONES} phones: {' '.join(canonical):.60}")
    if not canonical or not judged:
        return ()
    cost: dict[tuple[int, int], int] = {}
    came: dict[tuple[int, int], tuple[int, int] | None] = {}
    for i, phone in enumerate(canonical):
        for j, (written, _) in enumerate(judged):
            earlier = [place for place in ((i - 1, j - 1), (i - 1, j), (i, j - 1)) if place in cost]
            before = min(earlier, key=cost.__getitem__, default=None)
            cost[i, j] = distance(phone, written) + (cost[before] if before else 0)
            came[i, j] = before
    met: list[list[float]] = [[] for _ in canonical]
    place: tuple[int, int] | None = (len(canonical) - 1, len(judged) - 1)
    while place is not None:
        met[place[0]].append(judged[place[1]][1])
        place = came[place]
    return tuple(sum(scores) / len(scores) for scores in met)


@lru_cache(1 << 14)
def distance(one: str, other: str) -> int:
    """Say how far two ARPAbet phones are apart: stress does not count, a letter in common tells of kin."""
    one, other = one.rstrip("0123456789"), other.rstrip("0123456789")
    if one == other:
        return 0
    if set(one) & set(other) - {"H"}:  # H stands in EH, DH and SH alike
        return 1
    return 2 if (one[:1] in VOWELS) == (other[:1] in VOWELS) else 4
