"""The recogniser of single words, and of any other classes that unfold in time: a Markov model for each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trichord.experiments.baseline.baum_welch import learn
from trichord.experiments.baseline.features import Floats
from trichord.experiments.baseline.markov import LeftToRight, batched

LEAST_DEVIATION = 1e-3
GRID: tuple[Mapping[str, Any], ...] = tuple(
    {"states": states, "mean": mean} for mean in ("kept", "removed") for states in (6, 9)
)
"""What is tried, each with every number of Gaussians; `mean`: whether each clip's own mean is removed, which
takes the microphone's and the room's colour away (B. Atal, 1974), and with it some of the voice's."""
MIXTURES = 8


class Scale:
    """Brings features to mean 0 and deviation 1 over the training clips, each clip's mean removed or not."""

    def __init__(self, sequences: Sequence[Floats], mean: str) -> None:
        self.mean = mean
        frames = np.concatenate([self.centred(one) for one in sequences])
        self.offset, self.deviation = frames.mean(0), np.maximum(frames.std(0), LEAST_DEVIATION)

    def centred(self, sequence: Floats) -> Floats:
        return sequence - sequence.mean(0) if self.mean == "removed" else sequence

    def __call__(self, sequences: Sequence[Floats]) -> list[Floats]:
        return [(self.centred(one) - self.offset) / self.deviation for one in sequences]


class Words:
    """A model for each class; a clip's class is the one that is likeliest to have given its frames."""

    def __init__(self, scale: Scale, models: Sequence[LeftToRight], priors: Floats) -> None:
        self.scale, self.models, self.priors = scale, models, priors

    def logits(self, sequences: Sequence[Floats]) -> Floats:
        """Return each class's log-likelihood by frame, prior included, `(clips, classes)`."""
        batches = batched(self.scale(sequences))
        likelihood = np.stack([model.score(batches) for model in self.models], 1)
        lengths = np.array([[len(one)] for one in sequences])
        logits: Floats = (likelihood + np.log(self.priors)) / lengths
        return logits


def learn_words(
    sequences: Sequence[Floats], labels: NDArray[np.intp], settings: Mapping[str, Any], *, balanced: bool
) -> list[tuple[dict[str, Any], Words]]:
    """Return recognisers with 8, 4, 2 and 1 Gaussians a state, each with its settings.

    `labels`: the number of each clip's class. Priors are the classes' shares, or even if `balanced`.
    """
    scale = Scale(sequences, settings["mean"])
    scaled = scale(sequences)
    counts = np.bincount(labels).astype(np.float64)
    priors = np.full(len(counts), 1 / len(counts)) if balanced else counts / counts.sum()
    of_class = [[one for one, label in zip(scaled, labels, strict=True) if label == number]
                for number in range(len(counts))]  # fmt: skip
    learned = [learn(own, settings["states"], MIXTURES) for own in of_class]
    return [
        ({**settings, "mixtures": mixtures}, Words(scale, [found[mixtures] for found in learned], priors))
        for mixtures in reversed(learned[0])
    ]
