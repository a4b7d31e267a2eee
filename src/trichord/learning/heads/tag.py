"""The head that labels every step."""

from __future__ import annotations

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
from trichord.learning.dropout import Dropout, DropoutShare
from trichord.learning.heads.head import Head, answerable, balance, nothing
from trichord.learning.stream import Stream

UNLABELLED = -1


class Tag(Head):
    """Labels every step: each utterance of a dialogue or a film, each word, each moment of a sound.

    Targets are timed events, in seconds; of streams without a clock, in steps. A step bears the label of the
    event that its middle lies in. Steps outside all events teach nothing, unless `outside` names them.

    outside: the label of steps in no event.
    class_weights: `balanced` makes every label weigh the same in all, however little of the clips it covers;
        not with `outside`, whose share is not known before.
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
        dropout: DropoutShare = 0.1,
    ) -> None:
        super().__init__()
        if class_weights is not None and outside is not None:
            raise ValueError("class_weights cannot balance a label for what is outside all events")
        self.outside, self.class_weights, self.label_smoothing = outside, class_weights, label_smoothing
        self.weight, self.dropout = weight, dropout
        self.counts: dict[str, float] = {}

    def fit(self, targets: Sequence[Target]) -> None:
        """Learn the labels and how long each lasts in all; raises InputError where there are none."""
        counts: dict[str, float] = {}
        for event in (event for target in targets for event in events_of(target)):
            lasting = 1.0 if event.end is None else event.end - event.start
            counts[event.what] = counts.get(event.what, 0.0) + lasting
        if not counts:
            raise InputError("a tag head learns labels from the events of training targets; there are none")
        if self.outside is not None:
            counts.setdefault(self.outside, 0)
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
        self.counts = {label: float(count) for label, count in zip(known.labels, counts, strict=True)}

    @property
    def outputs(self) -> int:
        return len(self.counts)

    def build(self, dim: int) -> None:
        self.label = nn.Sequential(Dropout(self.dropout), nn.Linear(dim, self.outputs))

    def forward(self, fused: Stream) -> Stream:
        return fused._replace(values=self.label(fused.cleared().values)).cleared()

    def loss(self, logits: Stream, targets: Sequence[Target | None]) -> Tensor:
        """Return the cross-entropy, averaged over all labelled steps of the batch."""
        lengths, (batch, time) = logits.lengths.tolist(), logits.values.shape[:2]
        labels = [[UNLABELLED] * time for _ in range(batch)]
        for row, target in answerable(logits, targets).items():
            labels[row][: lengths[row]] = self.encode(target, lengths[row], logits.rate)
        truth = torch.tensor(labels, dtype=torch.long).reshape(batch, time)
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

    def encode(self, target: Target, steps: int, rate: float | None) -> list[int]:
        """Return each step's label as a number; one that training lacked is left out."""
        numbers: dict[str | None, int] = {label: number for number, label in enumerate(self.counts)}
        if self.outside is not None:
            numbers[None] = numbers[self.outside]
        labels = step_labels(events_of(target), steps, rate)
        return [numbers.get(label, UNLABELLED) for label in labels]


def events_of(target: Target) -> Sequence[Event]:
    """Return a target that is timed events; raises InputError for another."""
    if isinstance(target, str | float | int):
        raise InputError(f"a tag head's target is a sequence of events; got {target!r:.80}")
    events = [part for part in target if isinstance(part, Event)]
    if len(events) != len(target):
        raise InputError(f"a tag head's target is a sequence of events; got {target!r:.80}")
    return events
