"""What a head is: the fused stream in, an answer out, with its loss and its description."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from trichord.clip import Target
from trichord.learning.stream import Stream


class Head(nn.Module):
    """Answers one question about a clip.

    The head's name in the recipe is the name of its target in the clips, unless it has another `target`.
    What is learned from training targets before training (labels, vocabulary, statistics) arrives in `fit`,
    and travels in `metadata`, which is also all that decoding needs (`trichord.decoding.decode`): the model
    file carries it.
    """

    weight: float
    target: str | None = None
    """The target that it learns, where that does not bear its name: so two heads can learn the same."""
    layered_loss: ClassVar[bool] = False
    """Whether its loss reads its layers, so that only the head inside the model can tell it."""
    by_step: ClassVar[bool] = True
    """Whether it answers at every step by itself, so that a stream can be answered while it comes."""

    def fit(self, targets: Sequence[Target]) -> None:
        """Learn labels, units or statistics from the training targets."""
        raise NotImplementedError

    def metadata(self) -> dict[str, Any]:
        """Describe the answer as plain JSON values: `kind`, `labels` ..., as `decode` reads it."""
        raise NotImplementedError

    def restore(self, metadata: dict[str, Any]) -> None:
        """Take back what `metadata` returned, in place of `fit`."""
        raise NotImplementedError

    def build(self, dim: int) -> None:
        """Create the layers; after `fit` or `restore`."""
        raise NotImplementedError

    @property
    def outputs(self) -> int:
        """How many logits a step has."""
        raise NotImplementedError

    def rate_of(self, rate: float | None) -> float | None:
        """Return the rate in Hz of the logits about a fused stream of this rate; None once a clip."""
        return rate

    def forward(self, fused: Stream) -> Stream:
        """Return logits `(batch, time, outputs)`; a head that answers once a clip has time 1.

        The length of an answer about an item with nothing in it is zero.
        """
        raise NotImplementedError

    def loss(self, logits: Stream, targets: Sequence[Target | None]) -> Tensor:
        """Return the mean loss, a scalar, over the items whose target is known; 0 where none is."""
        raise NotImplementedError


def answerable(logits: Stream, targets: Sequence[Target | None]) -> dict[int, Target]:
    """Return the targets that can teach, by their row: those known, of items with something in them."""
    lengths = logits.lengths.tolist()
    return {row: target for row, target in enumerate(targets) if target is not None and lengths[row] > 0}


def balance(counts: Mapping[str, float]) -> Tensor:
    """Return each class's weight, `(classes,)`, whose mean over what was counted is 1, as in scikit-learn."""
    numbers = torch.tensor(list(counts.values()), dtype=torch.float32)
    return numbers.sum() / (len(numbers) * numbers)


def nothing(logits: Stream) -> Tensor:
    """Return the loss of a batch without a known target: 0, with zero gradients for every layer."""
    return logits.cleared().values.float().sum() * 0.0
