"""What the heads that answer once a clip have in common."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from trichord.clip import Target
from trichord.learning.dropout import Dropout
from trichord.learning.heads.head import Head, answerable, nothing
from trichord.learning.heads.pooling import Pooling
from trichord.learning.stream import Stream


class ClipHead(Head):
    """A head that pools over time and answers once: logits `(batch, 1, outputs)`, rate none.

    The answer has no clock, so that in late fusion the opinions of clocked and unclocked streams meet.
    Subclasses define `outputs`, `encode` and `errors`.
    """

    by_step = False

    def __init__(self, weight: float, dropout: float) -> None:
        super().__init__()
        self.weight, self.dropout = weight, dropout

    def build(self, dim: int) -> None:
        self.pool = Pooling(dim)
        self.answer = nn.Sequential(Dropout(self.dropout), nn.Linear(2 * dim, self.outputs))

    def rate_of(self, rate: float | None) -> float | None:
        return None

    def forward(self, fused: Stream) -> Stream:
        logits = self.answer(self.pool(fused))[:, None]  # (batch, 1, outputs)
        return Stream(logits, (fused.lengths > 0).to(fused.lengths.dtype)).cleared()

    def loss(self, logits: Stream, targets: Sequence[Target | None]) -> Tensor:
        known = answerable(logits, targets)
        if not known:
            return nothing(logits)
        encoded = self.encode(list(known.values())).to(logits.values.device)
        return self.errors(logits.values[list(known), 0].float(), encoded)

    def encode(self, targets: Sequence[Target]) -> Tensor:
        """Return targets as a tensor `(items, ...)`; raises InputError for one that is no answer."""
        raise NotImplementedError

    def errors(self, logits: Tensor, targets: Tensor) -> Tensor:
        """Return the mean loss of logits `(items, outputs)` against encoded targets `(items, ...)`."""
        raise NotImplementedError
