"""The head that writes a transcript, without knowing when each unit was said."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated, Any, Literal

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from trichord.clip import Target
from trichord.decoding import BeamOptions, NgramModel
from trichord.decoding.metadata import CtcMetadata, read_head
from trichord.decoding.options import beam_to_metadata
from trichord.errors import InputError
from trichord.learning.heads.head import Head, answerable, nothing
from trichord.learning.stream import Stream
from trichord.metrics import normalise_text

BLANK = ""


class Ctc(Head):
    """Writes a transcript by connectionist temporal classification (Graves et al., 2006).

    Targets are transcripts, normalised by `trichord.metrics.normalise_text`. Unit 0 is the blank; units
    that no training transcript has are left out of the loss's targets, for the head cannot write them.

    units: what a step writes, a character or a whole word.
    language_order: words that a language model of the training transcripts looks at; the head then answers
        by beam search. None keeps no such model, and answers by the best path.
    language_weight: how much that model's log-probability counts beside the logits'; none lets validation
        clips choose.
    weight: share of this head in the loss of all.
    dropout: share of the fused vector that is dropped while learning.
    """

    def __init__(
        self,
        units: Literal["character", "word"] = "character",
        language_order: Annotated[int, Field(ge=1, le=6)] | None = None,
        language_weight: Annotated[float, Field(ge=0)] | None = None,
        weight: Annotated[float, Field(ge=0)] = 1.0,
        dropout: Annotated[float, Field(ge=0, lt=1)] = 0.1,
    ) -> None:
        super().__init__()
        self.units, self.weight, self.dropout = units, weight, dropout
        self.language_order, self.language_weight = language_order, language_weight
        self.labels: list[str] = []
        self.search: dict[str, Any] | None = None

    def fit(self, targets: Sequence[Target]) -> None:
        """Learn the units of the training transcripts; raises InputError where there are none."""
        units = sorted({unit for target in targets for unit in self.split(target)})
        if not units:
            raise InputError(f"a ctc head learns units from transcripts; all {len(targets)} are empty")
        self.labels = [BLANK, *units]
        if self.language_order is not None:
            words = [normalise_text(str(target)).split() for target in targets]
            language = NgramModel.train(words, self.language_order)
            options = BeamOptions(language=language)
            if self.language_weight is not None:
                options = replace(options, alpha=self.language_weight)
            self.search = beam_to_metadata(options)

    def metadata(self) -> dict[str, Any]:
        described = {"kind": "ctc", "units": self.units, "labels": list(self.labels)}
        return described | ({"beam": self.search} if self.search else {})

    def restore(self, metadata: dict[str, Any]) -> None:
        self.labels = list(read_head(CtcMetadata, metadata).labels)
        self.search = metadata.get("beam")

    @property
    def outputs(self) -> int:
        return len(self.labels)

    def build(self, dim: int) -> None:
        self.write = nn.Sequential(nn.Dropout(self.dropout), nn.Linear(dim, self.outputs))

    def forward(self, fused: Stream) -> Stream:
        return fused._replace(values=self.write(fused.cleared().values)).cleared()

    def loss(self, logits: Stream, targets: Sequence[Target | None]) -> Tensor:
        """Return the negative log-likelihood per target unit, averaged over the items with a transcript.

        A transcript that is too long for its frames counts as 0 and teaches nothing.
        """
        known = answerable(logits, targets)
        if not known:
            return nothing(logits)
        rows, device = list(known), logits.values.device
        spelled, lengths = self.spell(list(known.values()))
        log_probs = logits.cleared().values[rows].float().log_softmax(2)  # (items, time, units)
        losses = F.ctc_loss(
            log_probs.transpose(0, 1), spelled.to(device), logits.lengths[rows], lengths.to(device),
            reduction="none", zero_infinity=True,
        )  # fmt: skip
        return (losses / lengths.to(device).clamp(min=1)).mean()

    def spell(self, targets: Sequence[Target]) -> tuple[Tensor, Tensor]:
        """Return unit numbers `(items, longest)`, zero past each length, and lengths `(items,)`."""
        numbers = {label: number for number, label in enumerate(self.labels)}
        rows = [[numbers[unit] for unit in self.split(target) if unit in numbers] for target in targets]
        spelled = torch.zeros(len(rows), max(1, *map(len, rows)), dtype=torch.long)
        for row, units in enumerate(rows):
            spelled[row, : len(units)] = torch.tensor(units, dtype=torch.long)
        return spelled, torch.tensor([len(units) for units in rows])

    def split(self, target: Target) -> list[str]:
        """Return a transcript's units; raises InputError for a target that is no text."""
        if not isinstance(target, str):
            raise InputError(f"a ctc head's target is a transcript; got {target!r:.80}")
        text = normalise_text(target)
        return list(text) if self.units == "character" else text.split()
