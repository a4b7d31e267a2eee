"""Heads that read what other heads say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from graphlib import CycleError, TopologicalSorter

import torch
from torch import Tensor

from trichord.kinds import nearest
from trichord.learning.heads.head import Head
from trichord.learning.pooled import mean_over_time
from trichord.learning.stream import Stream


class Hierarchy:
    """Which head reads which others beside the fused stream, and in what order they answer.

    As successive layers of tasks (Hashimoto et al., "A joint many-task model", 2017), of which the higher
    teach the lower as well. A head with classes is read as probabilities, any other as its logits are. What
    is said step by step is read step by step, what is said once a clip at every step.
    """

    def __init__(self, heads: Mapping[str, Head], after: Mapping[str, Sequence[str]], clock: float) -> None:
        self.after = {name: tuple(dict.fromkeys(after.get(name, ()))) for name in heads}
        self.order = in_order(self.after)
        self.widths = {name: head.outputs for name, head in heads.items()}
        self.classes = {name for name, head in heads.items() if "labels" in head.metadata()}
        self.by_step = {name for name, head in heads.items() if head.rate_of(clock) == clock}

    def width_above(self, name: str) -> int:
        """Return how much wider than the fused stream what a head reads is."""
        return sum(self.widths[below] for below in self.after[name])

    def answers(self, heads: Mapping[str, Head], fused: Stream) -> dict[str, Stream]:
        """Return the logits of all heads, in the order of `heads`."""
        said: dict[str, Stream] = {}
        for name in self.order:
            said[name] = heads[name](self.beside(fused, {below: said[below] for below in self.after[name]}))
        return {name: said[name] for name in heads}

    def beside(self, fused: Stream, said: Mapping[str, Stream]) -> Stream:
        """Return the fused stream with what heads said beside it, `(batch, time, dim + their outputs)`."""
        if not said:
            return fused
        steps = [self.read(name, logits, fused.values.shape[1]) for name, logits in said.items()]
        return fused._replace(values=torch.cat([fused.cleared().values, *steps], 2))

    def read(self, name: str, logits: Stream, time: int) -> Tensor:
        """Return what a head said at each step, `(batch, time, outputs)`."""
        if name in self.by_step:
            return self.known(name, logits.cleared().values)
        once = self.known(name, mean_over_time(logits))[:, None]  # (batch, 1, outputs)
        return once.expand(-1, time + 1, -1)[:, :time]  # one step more, so that time zero works

    def known(self, name: str, values: Tensor) -> Tensor:
        return values.softmax(-1) if name in self.classes else values


def in_order(after: Mapping[str, Sequence[str]]) -> list[str]:
    """Return names so that each comes behind those it is after.

    Raises ValueError for a name that does not exist, and for a circle.
    """
    for name, below in after.items():
        for other in below:
            if other not in after:
                raise ValueError(f"after.{name}: there is no head {other!r}{nearest(other, after)}")
    try:
        return list(TopologicalSorter(after).static_order())
    except CycleError as error:
        raise ValueError(
            f"after: heads wait for each other: {' after '.join(reversed(error.args[1]))}"
        ) from None
