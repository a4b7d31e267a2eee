"""The head that answers with an embedding: clips of the same label are near, others far."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Annotated, Any, Literal

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from trichord.clip import Target
from trichord.decoding.metadata import ContrastiveMetadata, read_head
from trichord.errors import InputError
from trichord.learning.dropout import DropoutShare
from trichord.learning.heads.answer import ClipHead
from trichord.learning.stream import Stream


class Contrastive(ClipHead):
    """Places a clip on a sphere: near to clips of the same label, of a speaker say, far from all others.

    Labels need not be known from training: two clips are compared by the cosine of their embeddings. Without
    dropout by default, for it would blur the places.

    criterion: `angular`, additive angular margin softmax over training labels (Deng et al., ArcFace, 2019),
        or `supervised`, contrast with the batch's other clips (Khosla et al., 2020), which wants batches that
        hold several clips of a label.
    size: numbers of an embedding.
    margin: angle in radians by which `angular` wants a clip nearer to its own label than to others.
    scale: inverse temperature of the cosines in the loss.
    weight: share of this head in the loss of all.
    dropout: share of the pooled vector that is dropped while learning.
    """

    layered_loss = True  # the places that labels gather at are learnt

    def __init__(
        self,
        criterion: Literal["angular", "supervised"] = "angular",
        size: Annotated[int, Field(ge=2, le=4096)] = 128,
        margin: Annotated[float, Field(ge=0, lt=1.5)] = 0.2,
        scale: Annotated[float, Field(gt=0)] = 20.0,
        weight: Annotated[float, Field(ge=0)] = 1.0,
        dropout: DropoutShare = 0.0,
    ) -> None:
        super().__init__(weight, dropout)
        self.criterion, self.size, self.margin, self.scale = criterion, size, margin, scale
        self.labels: list[str] = []
        self.threshold: float | None = None

    def fit(self, targets: Sequence[Target]) -> None:
        """Learn which labels there are; raises InputError unless there are two."""
        found = sorted({label_of(target) for target in targets})
        if len(found) < 2:
            raise InputError(
                f"a contrastive head needs training clips of two labels at least; got {len(found)}"
            )
        self.begin(found)

    def begin(self, labels: list[str]) -> None:
        """Give each label a place for its clips to gather at, the same at every start."""
        self.labels = labels
        if self.criterion == "angular":
            random = torch.Generator().manual_seed(0)
            self.centres = nn.Parameter(
                torch.randn(len(labels), self.size, generator=random) * self.size**-0.5
            )

    def metadata(self) -> dict[str, Any]:
        return {
            "kind": "contrastive",
            "size": self.size,
            "scale": self.scale,
            "threshold": self.threshold,
            "labels": self.labels,
        }

    def restore(self, metadata: dict[str, Any]) -> None:
        known = read_head(ContrastiveMetadata, metadata)
        self.size, self.scale, self.threshold = known.size, known.scale, known.threshold
        self.begin(list(known.labels))

    @property
    def outputs(self) -> int:
        return self.size

    def forward(self, fused: Stream) -> Stream:
        """Return embeddings of length one `(batch, 1, size)`."""
        placed = super().forward(fused)
        return placed._replace(values=F.normalize(placed.values, dim=-1)).cleared()

    def loss(self, logits: Stream, targets: Sequence[Target | None]) -> Tensor:
        """Return the mean loss; with `angular`, a label that no training clip has teaches nothing."""
        known = targets
        if self.criterion == "angular":
            known = [one if one is None or label_of(one) in self.labels else None for one in targets]
        loss = super().loss(logits, known)
        return loss + self.centres.sum() * 0 if self.criterion == "angular" else loss

    def encode(self, targets: Sequence[Target]) -> Tensor:
        """Return numbers that are alike where labels are."""
        names = [label_of(target) for target in targets]
        order = self.labels if self.criterion == "angular" else sorted(set(names))
        numbers = {label: number for number, label in enumerate(order)}
        return torch.tensor([numbers[name] for name in names])

    def errors(self, logits: Tensor, targets: Tensor) -> Tensor:
        embeddings = F.normalize(logits, dim=-1)  # (items, size); in late fusion they come as sums
        if self.criterion == "angular":
            cosines = embeddings @ F.normalize(self.centres, dim=-1).T  # (items, labels)
            return F.cross_entropy(self.scale * with_margin(cosines, targets, self.margin), targets)
        return supervised_contrast(self.scale * embeddings @ embeddings.T, targets)


def with_margin(cosines: Tensor, targets: Tensor, margin: float) -> Tensor:
    """Return cosines `(items, labels)`, that of an item's own label as if its angle were wider by `margin`.

    Where the sum passes pi, a straight line goes on in place of the cosine, as in the authors' code.
    """
    own = cosines.gather(1, targets[:, None])
    sines = (1 - own.square()).clamp(min=1e-9).sqrt()
    wider = own * math.cos(margin) - sines * math.sin(margin)
    beyond = own - margin * math.sin(margin)
    return cosines.scatter(1, targets[:, None], torch.where(own > -math.cos(margin), wider, beyond))


def supervised_contrast(scores: Tensor, targets: Tensor) -> Tensor:
    """Return the loss of scores `(items, items)`: how little an item is drawn to the others of its label.

    The mean over the items that have such; 0 where none has (Khosla et al., 2020, L_out).
    """
    alone = torch.eye(len(targets), dtype=torch.bool, device=targets.device)
    same = (targets[:, None] == targets) & ~alone
    log_probs = scores.masked_fill(alone, -torch.inf).logsumexp(1, keepdim=True)
    drawn = torch.where(same, scores - log_probs, 0.0).sum(1) / same.sum(1).clamp(min=1)
    known = same.any(1)
    return -torch.where(known, drawn, 0.0).sum() / known.sum().clamp(min=1)


def label_of(target: Target) -> str:
    """Return a target that is a label; raises InputError for another."""
    if not isinstance(target, str):
        raise InputError(f"a contrastive head's target is a label, such as a speaker; got {target!r:.80}")
    return target
