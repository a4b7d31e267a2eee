"""Which embeddings belong together: average linkage, and smoothing along time."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from trichord.running.voice.embeddings import Floats, unit_length

Labels = NDArray[np.intp]

MOST_LINKED = 1500
"""Of more embeddings, so many evenly spaced ones are linked, and the others join the nearest centre."""


def cluster(embeddings: Floats, *, threshold: float, count: int | None = None) -> Labels:
    """Return each embedding's cluster, numbered from 0 in the order of their first members.

    Embeddings `(items, dim)` have length one. Clusters join while their members' cosine distances are below
    `threshold` on average (Sokal and Michener, 1958), or until there are `count`.
    """
    chosen = np.unique(np.linspace(0, max(len(embeddings) - 1, 0), MOST_LINKED).round().astype(np.intp))
    some = embeddings[chosen[: len(embeddings)]]
    merges = sorted(linkage(1 - some @ some.T), key=lambda merge: merge[2])
    if count is not None:
        merges = merges[: max(len(some) - count, 0)]
    else:
        merges = [merge for merge in merges if merge[2] < threshold]
    labels = joined(len(some), [(first, second) for first, second, _ in merges])
    if len(some) == len(embeddings):
        return labels
    return in_order(nearest_centre(embeddings, centres(some, labels)))


def linkage(distances: Floats) -> list[tuple[int, int, float]]:
    """Return the joins of average linkage: a member of either cluster, and their mean distance.

    By nearest-neighbour chains (Murtagh, 1983), so that the joins are not in the order of their distances.
    """
    between, items = np.array(distances, np.float64), len(distances)
    np.fill_diagonal(between, np.inf)
    sizes, chain = np.ones(items), list[int]()
    alive, merges = np.ones(items, bool), list[tuple[int, int, float]]()
    while len(merges) < items - 1:
        if not chain:
            chain.append(int(alive.argmax()))
        last = chain[-1]
        near = int(between[last].argmin())
        if len(chain) > 1 and between[last, chain[-2]] <= between[last, near]:
            near = chain[-2]
        if len(chain) < 2 or near != chain[-2]:
            chain.append(near)
            continue
        chain = chain[:-2]
        merges.append((last, near, float(between[last, near])))
        mean = (sizes[last] * between[last] + sizes[near] * between[near]) / (sizes[last] + sizes[near])
        sizes[last] += sizes[near]
        between[last], between[:, last] = mean, mean
        between[near], between[:, near], between[last, last] = np.inf, np.inf, np.inf
        alive[near] = False
    return merges


def joined(items: int, pairs: list[tuple[int, int]]) -> Labels:
    """Return each item's group, numbered in the order of first members, where pairs join their groups."""
    labels = np.arange(items)
    for first, second in pairs:
        labels[labels == labels[second]] = labels[first]
    return in_order(labels)


def in_order(labels: Labels) -> Labels:
    """Return labels numbered from 0 in the order in which they first occur."""
    _, firsts, inverse = np.unique(labels, return_index=True, return_inverse=True)
    return np.asarray(firsts.argsort().argsort()[inverse])


def centres(embeddings: Floats, labels: Labels) -> Floats:
    """Return each label's mean embedding, of length one, `(labels, dim)`."""
    sums = np.zeros((int(labels.max(initial=-1)) + 1, embeddings.shape[1]))
    np.add.at(sums, labels, embeddings)
    return unit_length(sums)


def nearest_centre(embeddings: Floats, middles: Floats) -> Labels:
    return np.asarray((embeddings @ middles.T).argmax(1))


def smooth(scores: Floats, change: float) -> Labels:
    """Return the best path (Viterbi, 1967): of `scores (time, labels)`, less `change` whenever it changes."""
    if not len(scores):
        return np.zeros(0, np.intp)
    best, came = scores[0].copy(), np.zeros(scores.shape, np.intp)
    for step, now in enumerate(scores[1:], 1):
        top = int(best.argmax())
        stays = best >= best[top] - change
        came[step] = np.where(stays, np.arange(len(best)), top)
        best = np.where(stays, best, best[top] - change) + now
    path = np.zeros(len(scores), np.intp)
    path[-1] = best.argmax()
    for step in range(len(scores) - 1, 0, -1):
        path[step - 1] = came[step, path[step]]
    return path
