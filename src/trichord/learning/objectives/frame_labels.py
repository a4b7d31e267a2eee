"""Learning when things are said, not only that they are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor

from trichord.clip import Event, Target
from trichord.errors import RecipeError
from trichord.kinds import nearest
from trichord.learning.batch import Batch
from trichord.learning.objectives.objective import Objective, Outputs, Surroundings

IGNORED = -1


class FrameLabels(Objective):
    """Adds the cross-entropy of every step of a head against the timed event that its middle lies in.

    As hybrid recognisers learn from alignments (Bourlard and Morgan, 1994). Beside CTC it says where each
    word is, which a CTC head of word units cannot know at first. Steps outside all events are labelled with
    the head's first class, CTC's blank; so is the first step of an event that repeats the one before it.
    Items without timed events, or of which only unclocked streams such as text are there, teach nothing here.

    head: whose logits to teach; its labels are event names.
    target: the clips' target that holds the timed events.
    weight: share of this loss beside the heads'.
    label_smoothing: share of the probability that the loss spreads over all classes.
    """

    def __init__(
        self,
        head: str,
        target: str = "words",
        weight: Annotated[float, Field(ge=0)] = 1.0,
        label_smoothing: Annotated[float, Field(ge=0, lt=1)] = 0.1,
    ) -> None:
        super().__init__()
        self.head, self.target = head, target
        self.weight, self.label_smoothing = weight, label_smoothing

    def build(self, surroundings: Surroundings) -> None:
        if self.head not in surroundings.labels:
            raise RecipeError(
                f"FrameLabels: there is no head {self.head!r} with labels"
                f"{nearest(self.head, surroundings.labels)}"
            )
        self.clocked = [name for name, spec in surroundings.specs.items() if spec.rate is not None]
        self.numbers = {label: number for number, label in enumerate(surroundings.labels[self.head])}

    def loss(self, outputs: Outputs, batch: Batch) -> Tensor | None:
        logits = outputs.logits[self.head]
        if logits.rate is None:
            raise RecipeError(f"FrameLabels: head {self.head!r} answers once a clip, so it has no frames")
        time = logits.values.shape[1]
        rows = [labelled(target, self.numbers, time, logits.rate) for target in batch.targets(self.target)]
        labels = torch.stack(rows).to(logits.values.device)  # (batch, time)
        clocked = torch.stack([batch.inputs[name][1] > 0 for name in self.clocked]).any(0)  # (batch,)
        labels = labels.masked_fill(~(logits.mask & clocked.to(labels.device)[:, None]), IGNORED)
        if not (labels != IGNORED).any():
            return None
        return self.weight * F.cross_entropy(
            logits.cleared().values.float().transpose(1, 2), labels,
            ignore_index=IGNORED, label_smoothing=self.label_smoothing,
        )  # fmt: skip


def labelled(target: Target | None, numbers: Mapping[str, int], time: int, rate: float) -> Tensor:
    """Return the class of every step, `(time,)`; all ignored without timed events, as is an unknown event."""
    events = timed(target)
    labels = torch.full((time,), 0 if events else IGNORED, dtype=torch.long)
    before = ""
    for event in events:
        first, end = max(0, step_of(event.start, rate)), step_of(event.end or 0.0, rate)
        labels[first:end] = numbers.get(event.what, IGNORED)
        if event.what == before:
            labels[first : first + 1] = 0
        before = event.what
    return labels


def timed(target: Target | None) -> Sequence[Event]:
    """Return a target's events if all of them have an end; none for another kind of target."""
    if target is None or isinstance(target, str | float | int):
        return ()
    events = [part for part in target if isinstance(part, Event) and part.end is not None]
    return events if len(events) == len(target) else ()


def step_of(seconds: float, rate: float) -> int:
    """Return the first step whose middle lies at or after a time."""
    return round(seconds * rate)
