"""Dividing few things in exact shares."""

from __future__ import annotations

from collections.abc import Iterable

from trichord.corpora.corpus import SPLITS, Fractions, check_fractions, share


def by_rank(keys: Iterable[str], fractions: Fractions) -> dict[str, str]:
    """Return the split of each key: the keys in the order of their hashes, cut where the shares end.

    Where `hash_split` meets the shares on average alone, this meets them to the nearest key, so that every
    class, divided by itself, is in every split. A further key may move others.
    """
    check_fractions(fractions)
    ordered = sorted(set(keys), key=lambda key: (share(key), key))
    splits: dict[str, str] = {}
    position, edge = 0, 0.0
    for split, fraction in zip(SPLITS, fractions, strict=True):
        edge += fraction / sum(fractions)
        end = round(edge * len(ordered))
        splits |= dict.fromkeys(ordered[position:end], split)
        position = end
    return splits
