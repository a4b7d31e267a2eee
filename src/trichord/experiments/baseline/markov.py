"""Left-to-right hidden Markov models whose states are mixtures of Gaussians.

L. Rabiner, A Tutorial on Hidden Markov Models and Selected Applications in Speech Recognition, 1989. Clips
are computed side by side, so that numpy walks through time once for all of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from trichord.experiments.baseline.features import Floats

BATCH_FRAMES = 1 << 15
"""So many frames, the padding of shorter clips included, are computed at once; one clip at least."""


class Batch(NamedTuple):
    """Clips side by side: all their frames `(frames, dim)`, and the clip and the time of each frame."""

    frames: Floats
    clips: NDArray[np.intp]
    times: NDArray[np.intp]
    lengths: NDArray[np.intp]

    def spread(self, values: Floats) -> Floats:
        """Return values of frames `(frames, states)` as `(time, clips, states)`, 0 past a clip's end."""
        table = np.zeros((self.lengths.max(), len(self.lengths), values.shape[1]))
        table[self.times, self.clips] = values
        return table

    def last(self, table: Floats) -> Floats:
        """Return the rows of `(time, clips, states)` at each clip's last frame, `(clips, states)`."""
        found: Floats = table[self.lengths - 1, np.arange(len(self.lengths))]
        return found


def batched(sequences: Sequence[Floats]) -> list[Batch]:
    """Return sequences `(time, dim)`, none of which is empty, some in each batch, in order."""
    batches: list[list[Floats]] = []
    longest = 0
    for sequence in sequences:
        longest = max(longest, len(sequence))
        if not batches or (len(batches[-1]) + 1) * longest > BATCH_FRAMES:
            batches.append([])
            longest = len(sequence)
        batches[-1].append(sequence)
    return [side_by_side(batch) for batch in batches]


def side_by_side(sequences: Sequence[Floats]) -> Batch:
    lengths = np.array([len(one) for one in sequences])
    clips = np.repeat(np.arange(len(sequences)), lengths)
    times = np.concatenate([np.arange(length) for length in lengths])
    return Batch(np.concatenate(sequences), clips, times, lengths)


@dataclass(frozen=True, slots=True)
class LeftToRight:
    """A class as a row of states, entered at the first, each of which stays or moves on to the next.

    `means` and `variances (states, mixtures, dim)`; `weights (states, mixtures)`; `stay (states,)`, the
    probability of staying, 1 in the last state. A clip may end in any state, so that one with fewer frames
    than states has a likelihood too.
    """

    means: Floats
    variances: Floats
    weights: Floats
    stay: Floats

    def log_densities(self, frames: Floats) -> Floats:
        """Return the weighted log-density of each Gaussian, `(frames, states, mixtures)`."""
        dim = frames.shape[1]
        means, precision = self.means.reshape(-1, dim), 1 / self.variances.reshape(-1, dim)
        constant = (means**2 * precision - np.log(precision)).sum(1) + dim * np.log(2 * np.pi)
        distance = frames**2 @ precision.T - 2 * frames @ (means * precision).T + constant
        densities: Floats = np.log(self.weights) - 0.5 * distance.reshape(-1, *self.weights.shape)
        return densities

    @property
    def log_steps(self) -> tuple[Floats, Floats]:
        """The log-probabilities of staying and of moving on, `(states,)`; nothing follows the last state."""
        with np.errstate(divide="ignore"):
            return np.log(self.stay), np.log1p(-self.stay)

    def forward(self, log_b: Floats) -> Floats:
        """Return the log-probability of all frames so far, ending in each state, `(time, clips, states)`.

        `log_b (time, clips, states)`: the log-density of each frame in each state.
        """
        stay, move = self.log_steps
        alpha = np.full_like(log_b, -np.inf)
        alpha[0, :, 0] = log_b[0, :, 0]
        for time in range(1, len(log_b)):
            alpha[time] = alpha[time - 1] + stay
            moved = (alpha[time - 1] + move)[:, :-1]
            alpha[time, :, 1:] = np.logaddexp(alpha[time, :, 1:], moved)
            alpha[time] += log_b[time]
        return alpha

    def backward(self, log_b: Floats, lengths: NDArray[np.intp]) -> Floats:
        """Return the log-probability of all frames to come from each state, `(time, clips, states)`."""
        stay, move = self.log_steps
        beta = np.zeros_like(log_b)
        for time in range(len(log_b) - 2, -1, -1):
            to_come = log_b[time + 1] + beta[time + 1]
            through = to_come + stay
            through[:, :-1] = np.logaddexp(through[:, :-1], to_come[:, 1:] + move[:-1])
            beta[time] = np.where((time < lengths - 1)[:, None], through, 0.0)
        return beta

    def score(self, batches: Sequence[Batch]) -> Floats:
        """Return the log-likelihood of each clip `(clips,)`, over all ways through the states."""
        return np.concatenate([self.score_of(batch) for batch in batches])

    def score_of(self, batch: Batch) -> Floats:
        log_b = batch.spread(log_sum(self.log_densities(batch.frames)))
        return log_sum(batch.last(self.forward(log_b)))


def log_sum(values: Floats) -> Floats:
    """Return the logarithm of the sum of exponentials over the last axis."""
    most = values.max(-1)  # by far quicker than numpy's logaddexp.reduce
    summed: Floats = most + np.log(np.exp(values - most[..., None]).sum(-1))
    return summed
