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
from trichord.decoding.prefixes import Node, Written, fork, spell

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
    nodes: list[Node]
    states: list[Any]

    @property
    def total(self) -> Floats:
        return np.logaddexp(self.ends_blank, self.ends_label)


class BeamSearch:
    """A search that is fed as frames come: any pieces give what the whole gives.

    It holds the tree of the prefixes that it still weighs, and of what they all share the labels alone.
    """

    def __init__(self, options: BeamOptions, language: Language | None) -> None:
        self.options, self.language = options, language
        self.frames = 0
        self.settled: list[Written] = []
        """The labels that no further frame can change; at the end, a lexicon may still drop a begun word."""
        self.beam = Beam(
            np.zeros(1), np.full(1, -np.inf), np.zeros(1), np.zeros(1, np.intp), np.ones(1, np.uint64),
            np.zeros(1, np.uint64), [Node(None, BLANK, -1)], [language.start if language else None],
        )  # fmt: skip

    def feed(self, log_probs: Floats) -> None:
        """Search on through `log_probs (time, classes)`."""
        for frame, symbols in zip(log_probs, likeliest(log_probs, self.options.symbols), strict=True):
            self.beam = step(self.beam, frame, symbols, self.options.width, self.language, self.frames)
            self.frames += 1
        shared = fork(self.beam.nodes)
        self.settled += spell(shared)
        shared.before = None

    def best(self, *, final: bool = True) -> list[Written]:
        """Return the best labels so far, blanks dropped; `final` where the speech ends here.

        Where a lexicon then leaves every prefix inside a word, the begun word is not part of the answer.
        """
        scores = self.beam.total + self.beam.language
        if self.language is None or not final:
            return self.written(int(scores.argmax()))
        ended = scores + [self.language.end(state) for state in self.beam.states]
        if np.isfinite(ended).any():
            return self.written(int(ended.argmax()))
        return without_begun_word(self.written(int(scores.argmax())), self.language)

    def written(self, prefix: int) -> list[Written]:
        return self.settled + spell(self.beam.nodes[prefix])


def beam_search(log_probs: Floats, options: BeamOptions, language: Language | None) -> list[int]:
    """Return the best labels of `log_probs (time, classes)`, blanks dropped."""
    search = BeamSearch(options, language)
    search.feed(log_probs)
    return [written.label for written in search.best()]


def without_begun_word(written: list[Written], language: Language) -> list[Written]:
    """Return the longest beginning where the language may stop; the empty one at the least."""
    states = [language.start]
    for label, _ in written:
        states.append(language.next(states[-1], label))
    while written and not np.isfinite(language.end(states[len(written)])):
        written = written[:-1]
    return written


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
    number: int,
) -> Beam:
    """Return the beam after one frame, and `number` it in what it writes."""
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
    nodes = [beam.nodes[i] for i in stay.tolist()] + [Node(beam.nodes[i], k, number) for i, k in pairs]
    states = [beam.states[i] for i in stay.tolist()]
    states += [language.next(beam.states[i], k) if language else None for i, k in pairs]
    return Beam(
        ends_blank=np.concatenate((ends_blank[stay], np.full(len(new), -np.inf))),
        ends_label=np.concatenate((ends_label[stay], extended[origin, column])),
        language=np.concatenate((beam.language[stay], gains[origin, column])),
        last=np.concatenate((beam.last[stay], label)),
        hash=np.concatenate((beam.hash[stay], hash_of(beam.hash[origin], label))),
        parent=np.concatenate((beam.parent[stay], beam.hash[origin])),
        nodes=nodes,
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
