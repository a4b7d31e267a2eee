"""Learning a left-to-right model by expectation and maximisation (Baum and Welch), from coarse to fine."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from trichord.experiments.baseline.features import Floats
from trichord.experiments.baseline.markov import Batch, LeftToRight, batched, log_sum

APART = 0.2
"""How far the halves of a split Gaussian move, in its deviations (S. Young et al., The HTK Book)."""
PRIOR_FRAMES, PRIOR_VARIANCE = 2.0, 0.1
"""What each Gaussian has met before any frame, so that few frames cannot make it a point; of features whose
variance over all classes is 1."""


class Counts(NamedTuple):
    """What frames say of a model's parameters, summed over clips.

    `frames (states, mixtures)`, their sums and sums of squares `(states, mixtures, dim)`; how often a state
    was stayed in and left, `(states,)`.
    """

    frames: Floats
    total: Floats
    square: Floats
    stayed: Floats
    left: Floats


def learn(sequences: Sequence[Floats], states: int, mixtures: int, rounds: int = 4) -> dict[int, LeftToRight]:
    """Return models with 1, 2, 4 ... up to `mixtures` Gaussians a state, each split from the one before.

    `sequences (time, dim)`, a clip each, none empty; their features have variance 1 over all classes.
    `rounds`: of learning after each split. Nothing is drawn by chance.
    """
    batches = batched(sequences)
    model, found = estimated([cut_evenly(batch, states) for batch in batches]), {}
    while True:
        for _ in range(rounds):
            model = estimated([expected(model, batch) for batch in batches])
        found[model.weights.shape[1]] = model
        if 2 * model.weights.shape[1] > mixtures:
            return found
        model = split(model)


def cut_evenly(batch: Batch, states: int) -> Counts:
    """Return the counts of one Gaussian a state where clips are cut into equal parts, one for each state."""
    state = batch.times * states // batch.lengths[batch.clips]
    member = (state[:, None] == np.arange(states)).astype(np.float64)  # (frames, states)
    frames, total, square = member.sum(0), member.T @ batch.frames, member.T @ batch.frames**2
    left = np.minimum(frames, len(batch.lengths))
    left[-1] = 0.0
    return Counts(frames[:, None], total[:, None], square[:, None], frames - left, left)


def expected(model: LeftToRight, batch: Batch) -> Counts:
    """Return the counts that the model expects of the clips (the E step)."""
    densities = model.log_densities(batch.frames)  # (frames, states, mixtures)
    of_states = log_sum(densities)
    log_b = batch.spread(of_states)  # (time, clips, states)
    alpha, beta = model.forward(log_b), model.backward(log_b, batch.lengths)
    likelihood = log_sum(batch.last(alpha))[:, None]
    here = np.exp(alpha + beta - likelihood)[batch.times, batch.clips]  # (frames, states)
    member = np.exp(densities - of_states[..., None]) * here[..., None]
    flat = member.reshape(len(member), -1).T  # (states * mixtures, frames)
    stayed, left = expected_steps(model, batch, alpha, log_b + beta - likelihood)
    total, square = (flat @ batch.frames).reshape(model.means.shape), flat @ batch.frames**2
    return Counts(member.sum(0), total, square.reshape(model.means.shape), stayed, left)


def expected_steps(model: LeftToRight, batch: Batch, alpha: Floats, to_come: Floats) -> tuple[Floats, Floats]:
    """Return how often each state is stayed in and left, `(states,)` each."""
    stay, move = model.log_steps
    inside = (np.arange(1, len(alpha))[:, None] < batch.lengths)[..., None]  # (time - 1, clips, 1)
    before, after = alpha[:-1], to_come[1:]
    stayed = np.exp(np.where(inside, before + stay + after, -np.inf)).sum((0, 1))
    left = np.exp(np.where(inside, (before + move)[..., :-1] + after[..., 1:], -np.inf)).sum((0, 1))
    return stayed, np.append(left, 0.0)


def estimated(parts: Sequence[Counts]) -> LeftToRight:
    """Return the likeliest model of what was counted (the M step), a little smoothed."""
    frames, total, square, stayed, left = (np.sum(part, axis=0) for part in zip(*parts, strict=True))
    means = total / np.maximum(frames, 1e-8)[..., None]
    about_means = np.maximum(square - means * total, 0.0)
    variances = (about_means + PRIOR_FRAMES * PRIOR_VARIANCE) / (frames + PRIOR_FRAMES)[..., None]
    weights = (frames + 1) / (frames + 1).sum(1, keepdims=True)
    stay = (stayed + 1) / (stayed + left + 2)
    stay[-1] = 1.0
    return LeftToRight(means, variances, weights, stay)


def split(model: LeftToRight) -> LeftToRight:
    """Return the model with every Gaussian in two halves that lie a little apart."""
    apart = APART * np.sqrt(model.variances)
    return LeftToRight(
        np.concatenate([model.means - apart, model.means + apart], 1),
        np.concatenate([model.variances, model.variances], 1),
        np.concatenate([model.weights, model.weights], 1) / 2,
        model.stay,
    )
