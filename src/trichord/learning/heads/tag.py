"""The head that labels every step."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Annotated, Any, Literal

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from trichord.clip import Event, Target
from trichord.decoding.metadata import TagMetadata, read_head
from trichord.decoding.tag import step_labels
from trichord.errors import InputError
from trichord.learning.heads.head import Head, answerable, balance, nothing
from trichord.learning.stream import Stream

UNLABELLED = -1


class Tag(Head):
    """Labels every step: each utterance of a dialogue or a film, each word, each moment of a sound.

    Targets are timed events, in seconds; of streams without a clock, in steps. A step bears the label of the
    event that its middle lies in. Steps outside all events teach nothing, unless `outside` names them.

    outside: the label of steps in no event.
    class_weights: `balanced` makes every label weigh the same in all, however rare its steps.
    label_smoothing: share of the probability that the loss spreads over all labels (Szegedy et al., 2016).
    weight: share of this head in the loss of all.
    dropout: share of the fused vector that is dropped while learning.
    """

    def __init__(
        self,
        outside: str | None = None,
        class_weights: Literal["balanced"] | None = None,
        label_smoothing: Annotated[float, Field(ge=0, lt=1)] = 0.0,
        weight: Annotated[float, Field(ge=0)] = 1.0,
        dropout: Annotated[float, Field(ge=0, lt=1)] = 0.1,
    ) -> None:
        super().__init__()
        self.outside, self.class_weights, self.label_smoothing = outside, class_weights, label_smoothing
        self.weight, self.dropout = weight, dropout
        self.counts: dict[str, int] = {}

    def fit(self, targets: Sequence[Target]) -> None:
        """Learn the labels and how often each occurs; raises InputError where there are none."""
        counts = Counter(event.what for target in targets for event in events_of(target))
        if not counts:
            raise InputError("a tag head learns labels from the events of training targets; there are none")
        if self.outside is not None:
            counts.setdefault(self.outside, max(counts.values()))
        self.counts = dict(sorted(counts.items()))

    @property
    def labels(self) -> list[str]:
        return list(self.counts)

    def metadata(self) -> dict[str, Any]:
        counts = list(self.counts.values())
        return {"kind": "tag", "labels": self.labels, "counts": counts, "outside": self.outside}

    def restore(self, metadata: dict[str, Any]) -> None:
        known = read_head(TagMetadata, metadata)
        counts = metadata.get("counts", [1] * len(known.labels))
        self.counts = {label: int(count) for label, count in zip(known.labels, counts, strict=True)}

    @property
    def outputs(self) -> int:
        return len(self.counts)

    def build(self, dim: int) -> None:
        self.label = nn.Sequential(nn.Dropout(self.dropout), nn.Linear(dim, self.outputs))

    def forward(self, fused: Stream) -> Stream:
        return fused._replace(values=self.label(fused.cleared().values)).cleared()

    def loss(self, logits: Stream, targets: Sequence[Target | None]) -> Tensor:
        """Return the cross-entropy, averaged over all labelled steps of the batch."""
        known = answerable(logits, targets)
        truth = torch.full(logits.values.shape[:2], UNLABELLED, dtype=torch.long)  # (batch, time)
        for row, target in known.items():
            truth[row, : int(logits.lengths[row])] = self.encode(target, logits, row)
        if not (truth != UNLABELLED).any():
            return nothing(logits)
        truth = truth.to(logits.values.device)
        losses = F.cross_entropy(
            logits.cleared().values.float().transpose(1, 2), truth,
            ignore_index=UNLABELLED, label_smoothing=self.label_smoothing, reduction="none",
        )  # fmt: skip
        if self.class_weights is not None:
            losses = losses * balance(self.counts).to(truth.device)[truth.clamp(min=0)]
        return losses.sum() / (truth != UNLABELLED).sum()

    def encode(self, target: Target, logits: Stream, row: int) -> Tensor:
        """Return the label's number of each step, `(length,)`; a label that training lacked is left out."""
        numbers = {label: number for number, label in enumerate(self.counts)}
        labels = step_labels(events_of(target), int(logits.lengths[row]), logits.rate)
        named = (self.outside if label is None else label for label in labels)
        return torch.tensor([UNLABELLED if name is None else numbers.get(name, UNLABELLED) for name in named])


def events_of(target: Target) -> Sequence[Event]:
    """Return a target that is timed events; raises InputError for another."""
    if isinstance(target, str | float | int):
        raise InputError(f"a tag head's target is a sequence of events; got {target!r:.80}")
    events = [part for part in target if isinstance(part, Event)]
    if len(events) != len(target):
        raise InputError(f"a tag head's target is a sequence of events; got {target!r:.80}")
    return events
