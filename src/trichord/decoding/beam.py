"""Prefix beam search over a CTC output (A. Hannun et al., First-Pass Large Vocabulary Continuous Speech
Recognition using Bi-Directional Recurrent DNNs, 2014), vectorised over prefixes and labels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from trichord.decoding.ctc_paths import BLANK
from trichord.decoding.language import Language
from trichord.decoding.logits import Floats
from trichord.decoding.options import BeamOptions

Hashes: TypeAlias = NDArray[np.uint64]
Indices: TypeAlias = NDArray[np.intp]

MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)
"""A prefix is known by a 64-bit hash of its labels, so that equal ones meet without a table."""


@dataclass(slots=True)
class Beam:
    """The prefixes kept, `(prefixes,)` each, and how likely paths through the frames so far spell them."""

    ends_blank: Floats
    ends_label: Floats
    language: Floats
    last: Indices
    hash: Hashes
    parent: Hashes
    node: Indices
    states: list[Any]

    @property
    def total(self) -> Floats:
        return np.logaddexp(self.ends_blank, self.ends_label)


def beam_search(log_probs: Floats, options: BeamOptions, language: Language | None) -> list[int]:
    """Return the best labels of `log_probs (time, classes)`, blanks dropped.

    Where a lexicon leaves every prefix inside a word, the begun word is not part of the answer.
    """
    symbols = likeliest(log_probs, options.symbols)
    nodes: list[tuple[int, int]] = [(-1, BLANK)]  # (parent node, label), the tree of prefixes
    beam = Beam(
        np.zeros(1), np.full(1, -np.inf), np.zeros(1), np.zeros(1, np.intp), np.ones(1, np.uint64),
        np.zeros(1, np.uint64), np.zeros(1, np.intp), [language.start if language else None],
    )  # fmt: skip
    for frame, candidates in zip(log_probs, symbols, strict=True):
        beam = step(beam, frame, candidates, options.width, language, nodes)
    scores = beam.total + beam.language
    if language is None:
        return spell(nodes, int(beam.node[scores.argmax()]))
    ended = scores + [language.end(state) for state in beam.states]
    if np.isfinite(ended).any():
        return spell(nodes, int(beam.node[ended.argmax()]))
    return without_begun_word(spell(nodes, int(beam.node[scores.argmax()])), language)


def without_begun_word(labels: list[int], language: Language) -> list[int]:
    """Return the longest beginning of the labels where the language may stop; the empty one at the least."""
    states = [language.start]
    for label in labels:
        states.append(language.next(states[-1], label))
    while labels and not np.isfinite(language.end(states[len(labels)])):
        labels = labels[:-1]
    return labels


def likeliest(log_probs: Floats, count: int) -> Indices:
    """Return the likeliest labels of every frame but the blank, `(time, count or fewer)`."""
    labels = log_probs[:, 1:]
    if count >= labels.shape[1]:
        return np.broadcast_to(np.arange(1, log_probs.shape[1]), labels.shape)
    return np.argpartition(labels, -count, axis=1)[:, -count:] + 1


def step(
    beam: Beam,
    frame: Floats,
    symbols: Indices,
    width: int,
    language: Language | None,
    nodes: list[tuple[int, int]],
) -> Beam:
    """Return the beam after one frame; new prefixes are added to `nodes`."""
    ends_blank, ends_label, extended = paths(beam, frame, symbols)
    gains = np.broadcast_to(beam.language[:, None], extended.shape)
    if language:
        gains = gains + np.array([language.row(state)[symbols] for state in beam.states])
    stays = np.logaddexp(ends_blank, ends_label) + beam.language
    kept = best(np.concatenate((stays, (extended + gains).ravel())), width)
    stay, new = kept[kept < len(stays)], kept[kept >= len(stays)] - len(stays)
    origin, column = np.divmod(new, len(symbols))
    label = symbols[column]
    pairs = list(zip(origin.tolist(), label.tolist(), strict=True))
    first = len(nodes)
    nodes.extend(zip(beam.node[origin].tolist(), label.tolist(), strict=True))
    states = [beam.states[i] for i in stay.tolist()]
    states += [language.next(beam.states[i], k) if language else None for i, k in pairs]
    return Beam(
        ends_blank=np.concatenate((ends_blank[stay], np.full(len(new), -np.inf))),
        ends_label=np.concatenate((ends_label[stay], extended[origin, column])),
        language=np.concatenate((beam.language[stay], gains[origin, column])),
        last=np.concatenate((beam.last[stay], label)),
        hash=np.concatenate((beam.hash[stay], hash_of(beam.hash[origin], label))),
        parent=np.concatenate((beam.parent[stay], beam.hash[origin])),
        node=np.concatenate((beam.node[stay], np.arange(first, len(nodes)))),
        states=states,
    )


def paths(beam: Beam, frame: Floats, symbols: Indices) -> tuple[Floats, Floats, Floats]:
    """Return how likely each prefix stays, ending in a blank or its label, `(prefixes,)` each, and how
    likely each symbol extends it, `(prefixes, symbols)`."""
    total = beam.total
    ends_label = beam.ends_label + frame[beam.last]
    repeats = symbols == beam.last[:, None]
    before = np.where(repeats, beam.ends_blank[:, None], total[:, None])
    extended = before + frame[symbols]
    children, parents = np.nonzero(beam.parent[:, None] == beam.hash)
    if len(children):  # an extension that is in the beam already is a way to it, not another prefix
        labels = beam.last[children]
        start = np.where(labels == beam.last[parents], beam.ends_blank[parents], total[parents])
        ends_label[children] = np.logaddexp(ends_label[children], start + frame[labels])
        rows, columns = np.nonzero(labels[:, None] == symbols)
        extended[parents[rows], columns] = -np.inf
    return total + frame[BLANK], ends_label, extended


def best(scores: Floats, width: int) -> Indices:
    """Return where the highest finite scores are, in rising order of place."""
    kept = np.argpartition(scores, -width)[-width:] if width < len(scores) else np.arange(len(scores))
    return np.sort(kept[np.isfinite(scores[kept])])


def hash_of(prefix: Hashes, label: Indices) -> Hashes:
    mixed = (prefix ^ (prefix >> np.uint64(29))) * MULTIPLIER + label.astype(np.uint64)
    return (mixed ^ (mixed >> np.uint64(32))) * MULTIPLIER


def spell(nodes: list[tuple[int, int]], node: int) -> list[int]:
    """Return the labels on the way from the empty prefix to a node."""
    labels: list[int] = []
    while node > 0:
        node, label = nodes[node]
        labels.append(label)
    return labels[::-1]
