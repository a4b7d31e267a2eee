"""Subwords: the labels between characters and words, and what each label of a head adds to a text.

R. Sennrich, B. Haddow and A. Birch, Neural Machine Translation of Rare Words with Subword Units, ACL 2016;
a word begins with "▁", as in SentencePiece. A word of any spelling is written: in characters at the least.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise

MARK = "▁"
"""What a word begins with, U+2581."""


def learn_subwords(words: Iterable[str], size: int) -> list[str]:
    """Return so many subwords of a text's words: the mark, its characters, then the pairs to merge, in order.

    Fewer are returned where no pair is left that occurs twice, more where there are more characters.
    """
    counts = Counter(words)
    spelled = {word: [MARK, *word] for word in counts}
    units = dict.fromkeys([MARK, *sorted({letter for word in counts for letter in word} - {MARK})])
    pairs: Counter[tuple[str, str]] = Counter()
    where: dict[tuple[str, str], set[str]] = {}
    for word, count in counts.items():
        add_pairs(word, spelled[word], count, pairs, where)
    while len(units) < size and pairs:
        best = min(pairs, key=lambda pair: (-pairs[pair], pair))
        if pairs[best] < 2:
            break
        for word in sorted(where[best]):
            add_pairs(word, spelled[word], -counts[word], pairs, where)
            spelled[word] = merged(spelled[word], best)
            add_pairs(word, spelled[word], counts[word], pairs, where)
        units.setdefault("".join(best))
    return list(units)


def add_pairs(
    word: str, units: Sequence[str], count: int, pairs: Counter[tuple[str, str]],
    where: dict[tuple[str, str], set[str]],
) -> None:  # fmt: skip
    """Count a word's neighbours, or uncount them, and note which words hold which."""
    for pair in pairwise(units):
        pairs[pair] += count
        if pairs[pair] <= 0:
            del pairs[pair]
        if count > 0:
            where.setdefault(pair, set()).add(word)
        else:
            where[pair].discard(word)


def merged(units: Sequence[str], pair: tuple[str, str]) -> list[str]:
    """Return the units with every such pair of neighbours as one."""
    joined: list[str] = []
    for unit in units:
        if joined and (joined[-1], unit) == pair:
            joined[-1] += unit
        else:
            joined.append(unit)
    return joined


def split_word(word: str, ranks: Mapping[str, int]) -> list[str]:
    """Return a word's subwords: the pair whose union was learned first is merged, until none was learned.

    `ranks` are the subwords' places in the order in which they were learned.
    """
    units = [MARK, *word]
    while len(units) > 1:
        best = min(pairwise(units), key=lambda pair: ranks.get("".join(pair), math.inf))
        if "".join(best) not in ranks:
            break
        units = merged(units, best)
    return units


def pieces_of(labels: Sequence[str], units: str) -> tuple[str, ...]:
    """Return what each label of a CTC head adds to a text in which every word begins with the mark."""
    if units in ("word", "phone"):
        return ("", *(MARK + label for label in labels[1:]))
    if units == "subword":
        return ("", *labels[1:])
    return ("", *(MARK if label == " " else label for label in labels[1:]))
