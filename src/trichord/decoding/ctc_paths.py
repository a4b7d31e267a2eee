"""All paths of a CTC output that spell one answer: their probability, and the likeliest of them.

A. Graves et al., Connectionist Temporal Classification, ICML 2006. Label 0 is the blank.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from trichord.decoding.logits import Floats, log_softmax
from trichord.errors import InputError

BLANK = 0
MAX_CELLS = 1 << 28
"""Frames times states, the work and the bytes of a recursion: ten minutes of fast speech at 25 Hz."""


class Symbol(NamedTuple):
    """One label of an answer: its frames `[start, end)` and the highest log-probability among them."""

    label: int
    start: int
    end: int
    log_peak: float


def ctc_log_probability(logits: ArrayLike, lengths: ArrayLike, answer: Sequence[int]) -> Floats:
    """Return the log-probability of one answer under each of a batch of logits, `(batch,)`.

    `logits (batch, time, classes)`, `lengths (batch,)`, `answer` label indices without blanks.
    An item of length 0 says nothing: 0 for an empty answer, -inf for any other.
    Raises InputError where frames times labels are beyond MAX_CELLS.
    """
    values = np.asarray(logits, dtype=np.float64)
    batch, time, classes = values.shape
    check_cells(batch * time, len(answer))
    if any(not BLANK < label < classes for label in answer):
        raise InputError(f"an answer's labels must be from 1 to {classes - 1}; got {list(answer)!r:.80}")
    return _forward(log_softmax(values), np.asarray(lengths, np.int64), states_of(answer))


def _forward(log_probs: Floats, lengths: NDArray[np.int64], states: NDArray[np.intp]) -> Floats:
    skips = can_skip(states)
    alpha = np.full((len(log_probs), len(states) + 2), -np.inf)  # (batch, two of padding + states)
    for step in range(log_probs.shape[1]):
        reached = np.logaddexp(alpha[:, 2:], alpha[:, 1:-1])
        reached = np.where(skips, np.logaddexp(reached, alpha[:, :-2]), reached)
        if step == 0:
            reached[:, :2] = 0.0  # a path starts with the first blank or the first label
        running = (step < lengths)[:, None]
        alpha[:, 2:] = np.where(running, reached + log_probs[:, step, states], alpha[:, 2:])
    ends = np.logaddexp(alpha[:, -1], alpha[:, -2])
    nothing = 0.0 if len(states) == 1 else -np.inf
    return np.where(lengths > 0, ends, nothing)


def align(log_probs: Floats, answer: Sequence[int]) -> list[Symbol]:
    """Return where each label of `answer` lies on its likeliest path through `log_probs (time, classes)`.

    Raises InputError where no path spells the answer, or frames times labels are beyond MAX_CELLS.
    """
    time = len(log_probs)
    if not answer:
        return []
    check_cells(time, len(answer))
    states = states_of(answer)
    skips = can_skip(states)
    score = np.full(len(states) + 2, -np.inf)
    score[2:4] = log_probs[0, states[:2]]
    moves = np.zeros((time, len(states)), np.int8)
    for step in range(1, time):
        origins = np.stack([score[2:], score[1:-1], np.where(skips, score[:-2], -np.inf)])
        moves[step] = origins.argmax(axis=0)
        score[2:] = origins.max(axis=0) + log_probs[step, states]
    state = len(states) - 1 if score[-1] >= score[-2] else len(states) - 2
    if score[state + 2] == -np.inf:
        raise InputError(f"{time} frames cannot hold an answer of {len(answer)} labels")
    path = np.zeros(time, np.intp)
    for step in range(time - 1, -1, -1):
        path[step] = state
        state -= int(moves[step, state])
    return symbols_of(path, states, log_probs)


def best_path(log_probs: Floats) -> list[Symbol]:
    """Return the labels of the likeliest path, repeats joined and blanks dropped."""
    labels = log_probs.argmax(axis=1)
    return symbols_of(labels, np.arange(log_probs.shape[1]), log_probs)


def symbols_of(path: NDArray[np.intp], states: NDArray[np.intp], log_probs: Floats) -> list[Symbol]:
    """Return the non-blank runs of a path of states, `(time,)`."""
    if not len(path):
        return []
    starts = np.flatnonzero(np.diff(path, prepend=-1))
    ends = np.append(starts[1:], len(path))
    peaks = np.maximum.reduceat(log_probs[np.arange(len(path)), states[path]], starts)
    runs = zip(states[path[starts]].tolist(), starts.tolist(), ends.tolist(), peaks.tolist(), strict=True)
    return [Symbol(*run) for run in runs if run[0] != BLANK]


def states_of(answer: Sequence[int]) -> NDArray[np.intp]:
    """Return the answer with a blank around every label, `(2 * labels + 1,)`."""
    states = np.full(2 * len(answer) + 1, BLANK, np.intp)
    states[1::2] = answer
    return states


def can_skip(states: NDArray[np.intp]) -> NDArray[np.bool_]:
    """Return which states may follow the state two before: labels that do not repeat."""
    skips = np.zeros(len(states), np.bool_)
    skips[2:] = (states[2:] != BLANK) & (states[2:] != states[:-2])
    return skips


def check_cells(frames: int, labels: int) -> None:
    if frames * (2 * labels + 1) > MAX_CELLS:
        raise InputError(
            f"{frames} frames with an answer of {labels} labels are beyond {MAX_CELLS} cells; "
            "decode shorter pieces"
        )
