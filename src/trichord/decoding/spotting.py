"""Phrases spotted in what CTC writes, step by step, whatever is said around them.

A step's score is the log-odds that labels drawn step by step, as CTC has it, write the phrase within the
window that ends there: K. Hwang et al., Online Keyword Spotting with a Character-Level Recurrent Neural
Network, 2015, and C. Lengerich and A. Hannun, An End-to-End Architecture for Keyword Spotting and Voice
Activity Detection, 2016, who let anything be written before and after. An automaton of Knuth, Morris and
Pratt (1977) counts every path once, however often it writes the phrase.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from trichord.decoding.ctc_paths import BLANK
from trichord.decoding.logits import Floats
from trichord.errors import InputError

LEAST = -16.0
"""Log-probabilities below it count as it: no step is so sure that others could not speak against it."""
TINY = 1e-300


class Edge(NamedTuple):
    """A step that an automaton takes: to a state, from a state, by a symbol."""

    target: int
    source: int
    symbol: int


class Spotting:
    """Scores a phrase at each step as it comes: the log-odds that the last `window` steps write it.

    `phrase`: its labels, none of them the blank. What was before the first step counts as silence. Whatever
    the pieces that steps come in, the scores are the same. Raises InputError for an empty phrase or window.
    """

    def __init__(self, phrase: Sequence[int], window: int) -> None:
        if not phrase or BLANK in phrase or window < 1:
            raise InputError(
                f"a phrase of labels above {BLANK} and a window of steps are needed; "
                f"got {list(phrase)!r:.80} and {window}"
            )
        self.labels = sorted(set(phrase))
        self.window = window
        edges = sorted(automaton([self.labels.index(label) for label in phrase]))
        self._states = edges[-1].target + 1
        self._sources, self._symbols = (np.array([edge[part] for edge in edges]) for part in (1, 2))
        self._first = np.searchsorted([edge.target for edge in edges], np.arange(self._states))
        silence = [1.0, *[0.0] * len(self.labels), 0.0, 1.0]
        self._past = np.tile(np.array(silence), (window - 1, 1))

    def symbols(self, log_probs: Floats) -> Floats:
        """Return `(steps, symbols)`: probabilities of the blank, the phrase's labels, others, and of any."""
        probs = np.exp(np.maximum(log_probs, LEAST))
        others = np.delete(probs, [BLANK, *self.labels], axis=1).sum(1)
        return np.column_stack([probs[:, BLANK], probs[:, self.labels], others, np.ones(len(probs))])

    def feed(self, log_probs: Floats) -> Floats:
        """Return the scores `(steps,)` of the next steps, `(steps, classes)`."""
        rows = np.concatenate([self._past, self.symbols(log_probs)])
        count = len(log_probs)
        mass = np.zeros((count, self._states))  # of paths in each state, window by window
        mass[:, 0] = 1
        for offset in range(self.window):
            moved = mass[:, self._sources] * rows[offset : offset + count, self._symbols]
            mass = np.add.reduceat(moved, self._first, axis=1)
        self._past = rows[count:]
        written, not_yet = mass[:, -1], mass[:, :-1].sum(1)
        return np.asarray(np.log(np.maximum(written, TINY)) - np.log(np.maximum(not_yet, TINY)))


def spot(log_probs: Floats, phrase: Sequence[int], window: int) -> Floats:
    """Return the score at each step of `log_probs (time, classes)` that the steps up to it write a phrase."""
    return Spotting(phrase, window).feed(log_probs)


def automaton(phrase: Sequence[int]) -> list[Edge]:
    """Return how labels numbered from 0 on, the blank and others lead to the phrase.

    The first state is that of nothing of it, the last that of all of it. Between them, two states for each
    length of what is written so far, by whether its last label may go on, or a blank has ended it. Symbols
    are the blank, the phrase's labels, all other labels, and any of these.
    """
    size, kinds = len(phrase), max(phrase) + 1
    last = 2 * size - 1
    edges = [Edge(last, last, kinds + 2)]
    for state in range(last):
        length, ended = (state + 1) // 2, state % 2 == 0
        edges += [Edge(2 * length, state, 0), Edge(0, state, kinds + 1)]
        for label in range(kinds):
            if not ended and label == phrase[length - 1]:
                edges.append(Edge(state, state, label + 1))
            else:
                edges.append(Edge(max(0, 2 * begun(phrase, length, label) - 1), state, label + 1))
    return edges


def begun(phrase: Sequence[int], length: int, label: int) -> int:
    """Return how much of the phrase is written after its first `length` labels and one more."""
    written = [*phrase[:length], label]
    return next(
        size for size in range(length + 1, -1, -1) if written[len(written) - size :] == list(phrase[:size])
    )


class Trigger:
    """Says at which steps a score rises to a threshold; then not again until it has fallen below.

    `apart`: steps that lie between two of them at the least.
    """

    def __init__(self, threshold: float, apart: int) -> None:
        self.threshold, self.apart = threshold, apart
        self._steps, self._above, self._deaf_until = 0, False, 0

    def feed(self, scores: Floats) -> list[int]:
        """Return the places among the next scores."""
        fired = []
        for place, above in enumerate((scores >= self.threshold).tolist()):
            if above and not self._above and self._steps + place >= self._deaf_until:
                fired.append(place)
                self._deaf_until = self._steps + place + self.apart
            self._above = above
        self._steps += len(scores)
        return fired


def peaks(scores: Floats, apart: int) -> NDArray[np.intp]:
    """Return the places of the highest scores, highest first, each at least so many steps from the others."""
    left, found = scores.copy(), []
    while (left > -np.inf).any():
        place = int(left.argmax())
        found.append(place)
        left[max(0, place - apart + 1) : place + apart] = -np.inf
    return np.array(found, np.intp)
