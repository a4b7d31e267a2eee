"""The head that writes a text unit by unit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal, cast

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from trichord.clip import Target
from trichord.decoding.ctc import units_of
from trichord.decoding.generate import END, MAX_WIDTH, Singles, Step, Units
from trichord.decoding.metadata import MAX_UNITS, GenerateMetadata, read_head
from trichord.decoding.subword import learn_subwords
from trichord.errors import InputError
from trichord.learning.attention import Attention
from trichord.learning.dropout import Dropout, DropoutShare
from trichord.learning.encoders.transformer import FeedForward
from trichord.learning.fusion.position import with_position
from trichord.learning.heads.head import Head, answerable, nothing
from trichord.learning.stream import Stream
from trichord.metrics import normalise_text

UNTAUGHT = -1


class Generate(Head):
    """Writes a text by a Transformer decoder that attends to the fused stream (Vaswani et al., 2017).

    Each unit is foretold from all that the clip holds and the units before it, so that words need not come in
    the order in which they are sensed: a transcript, a translation, a description. Targets are texts,
    normalised by `trichord.metrics.normalise_text`; units that no training text has are left out. Normalised
    first, rotary positions among units (Su et al., 2021), sinusoidal ones along the stream.

    units: what is written at once: a character; a word; or a subword, one of the parts that words are often
        made of.
    subwords: how many subwords to learn from the training texts, their characters among them.
    layers: how many.
    heads: attention heads; the stream's width must be an even multiple of them.
    expansion: width of the feed-forward layers, as a multiple of the stream's.
    max_units: how many units an answer may have; of longer training texts the beginning teaches.
    beam: how many texts to follow at once in search of the likeliest; 1 takes the likeliest unit each time.
    target: the target that it learns, where that does not bear its name.
    with_ctc: a ctc head that has a say in the answer: `transcript` (Watanabe et al., 2017).
    ctc_weight: that head's share in the choice.
    label_smoothing: share of the probability that the loss spreads over all units (Szegedy et al., 2016).
    weight: share of this head in the loss of all.
    dropout: share of values dropped in training.
    """

    by_step = False
    layered_loss = True

    def __init__(
        self,
        units: Literal["character", "word", "subword"] = "character",
        subwords: Annotated[int, Field(ge=2, le=10_000)] = 300,
        layers: Annotated[int, Field(ge=1, le=24)] = 3,
        heads: Annotated[int, Field(ge=1, le=64)] = 4,
        expansion: Annotated[int, Field(ge=1, le=16)] = 4,
        max_units: Annotated[int, Field(ge=1, le=MAX_UNITS)] = 200,
        beam: Annotated[int, Field(ge=1, le=MAX_WIDTH)] = 4,
        target: str | None = None,
        with_ctc: str | None = None,
        ctc_weight: Annotated[float, Field(ge=0, le=1)] = 0.3,
        label_smoothing: Annotated[float, Field(ge=0, lt=1)] = 0.1,
        weight: Annotated[float, Field(ge=0)] = 1.0,
        dropout: DropoutShare = 0.1,
    ) -> None:
        super().__init__()
        self.units, self.subwords = units, subwords
        self.layers, self.heads, self.expansion = layers, heads, expansion
        self.max_units, self.beam, self.target = max_units, beam, target
        self.with_ctc, self.ctc_weight = with_ctc, ctc_weight
        self.label_smoothing, self.weight, self.dropout = label_smoothing, weight, dropout
        self.labels: list[str] = []

    def fit(self, targets: Sequence[Target]) -> None:
        """Learn the units of the training texts; raises InputError where there are none."""
        texts = [text_in(target) for target in targets]
        if not any(texts):
            raise InputError(f"a generate head learns units from texts; all {len(targets)} are empty")
        if self.units == "subword":
            found = learn_subwords((word for text in texts for word in text.split()), self.subwords)
        else:
            found = sorted(
                {unit for text in texts for unit in (text if self.units == "character" else text.split())}
            )
        self.labels = ["", *found]

    def metadata(self) -> dict[str, Any]:
        described: dict[str, Any] = {"kind": "generate", "units": self.units, "labels": list(self.labels)}
        described |= {"max_units": self.max_units, "beam": {"width": self.beam}}
        named = {"target": self.target, "with_ctc": self.with_ctc}
        described |= {key: name for key, name in named.items() if name is not None}
        return described | ({} if self.with_ctc is None else {"ctc_weight": self.ctc_weight})

    def restore(self, metadata: dict[str, Any]) -> None:
        self.labels = list(read_head(GenerateMetadata, metadata).labels)

    @property
    def outputs(self) -> int:
        return len(self.labels)

    @property
    def width(self) -> int:
        """How many numbers are kept of a step of the stream, and of a unit: keys and values of all layers."""
        return 2 * self.layers * self.dim

    def build(self, dim: int) -> None:
        self.dim = dim
        self.listen = nn.LayerNorm(dim)
        self.embed = nn.Embedding(self.outputs, dim)
        blocks = [WritingBlock(dim, self.heads, self.expansion, self.dropout) for _ in range(self.layers)]
        self.blocks = cast(Sequence[WritingBlock], nn.ModuleList(blocks))
        self.say = nn.Sequential(nn.LayerNorm(dim), nn.Linear(dim, self.outputs))

    def forward(self, fused: Stream) -> Stream:
        """Return what the decoder attends to, `(batch, time, width)`: every layer's keys and values."""
        placed = with_position(fused._replace(values=self.listen(fused.cleared().values)))
        told = torch.cat([block.attend.known(placed.values) for block in self.blocks], -1)
        return fused._replace(values=told).cleared()

    def write(self, units: Tensor, told: Stream, past: Tensor) -> tuple[Tensor, Tensor]:
        """Return logits `(batch, units, labels)` of what follows, and what is kept `(batch, units, width)`.

        `units (batch, units)` go on where `past (batch, units before, width)`, what was kept, ends.
        """
        present = F.pad(told.mask, (0, 1))[:, None, None, :]  # (batch, 1, 1, time + 1), as in Attention
        steps = F.pad(told.cleared().values.to(past.dtype), (0, 0, 0, 1)).chunk(self.layers, -1)
        first, count = past.shape[1], units.shape[1]
        places = torch.arange(first + count, device=units.device)
        seen = places[None, :] <= places[first:, None]  # (units, units before and now)
        values, kept = self.embed(units), []
        for block, heard, known in zip(self.blocks, steps, past.chunk(self.layers, -1), strict=True):
            values, now = block(values, known, seen, heard, present)
            kept.append(now)
        return self.say(values), torch.cat(kept, -1)

    def loss(self, logits: Stream, targets: Sequence[Target | None]) -> Tensor:
        """Return the mean cross-entropy of the known texts' units and ends, each after the true ones."""
        known = answerable(logits, targets)
        if not known:
            return nothing(logits) + sum(parameter.sum() * 0.0 for parameter in self.parameters())
        rows, device = list(known), logits.values.device
        before, truth = (units.to(device) for units in self.spell(list(known.values())))
        told = Stream(logits.values[rows], logits.lengths[rows])
        said, _ = self.write(before, told, self.embed.weight.new_zeros(len(rows), 0, self.width))
        return F.cross_entropy(
            said.float().flatten(0, 1), truth.flatten(),
            ignore_index=UNTAUGHT, label_smoothing=self.label_smoothing,
        )  # fmt: skip

    def spell(self, targets: Sequence[Target]) -> tuple[Tensor, Tensor]:
        """Return the units before each one, and itself, `UNTAUGHT` past each end, `(items, units)` both."""
        described, index = self.described, {label: n for n, label in enumerate(self.labels) if n != END}
        rows = [[index[unit] for unit in units_of(described, text_in(target), index) if unit in index]
                for target in targets]  # fmt: skip
        longest = min(max(map(len, rows)), self.max_units) + 1
        before, truth = torch.full((2, len(rows), longest), END)
        truth.fill_(UNTAUGHT)
        for row, units in enumerate(rows):
            ended = torch.tensor([END, *units, END])
            before[row, : len(units) + 1] = ended[:-1][:longest]
            truth[row, : len(units) + 1] = ended[1:][:longest]
        return before, truth

    @property
    def described(self) -> GenerateMetadata:
        return read_head(GenerateMetadata, self.metadata())


def step_of(head: Generate) -> Step:
    """Return the head's decoder as decoding takes it."""

    @torch.no_grad()
    def step(units: Units, told: Singles, past: Singles) -> tuple[Singles, Singles]:
        device = next(head.parameters()).device
        heard = torch.from_numpy(told).to(device).expand(len(units), -1, -1)
        lengths = torch.full((len(units),), len(told), device=device)
        said = head.write(
            torch.from_numpy(units).to(device), Stream(heard, lengths), torch.from_numpy(past).to(device)
        )
        logits, kept = (tensor.float().cpu().numpy() for tensor in said)
        return logits, kept

    return step


class WritingBlock(nn.Module):
    """Attention to the units before and to the stream, then a feed-forward network, beside shortcuts."""

    def __init__(self, dim: int, heads: int, expansion: int, dropout: float) -> None:
        super().__init__()
        self.norms = nn.ModuleList(nn.LayerNorm(dim) for _ in range(2))
        self.recall = Attention(dim, heads, dropout, rotary=True)
        self.attend = Attention(dim, heads, dropout)
        self.feed_forward = FeedForward(dim, expansion, dropout)
        self.drop = Dropout(dropout)

    def forward(
        self, values: Tensor, past: Tensor, seen: Tensor, heard: Tensor, present: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Return units `(batch, units, dim)` changed, and their keys and values `(batch, units, 2 * dim)`."""
        asking = self.norms[0](values)
        kept = self.recall.known(asking)
        known = torch.cat([past, kept], 1)
        values = values + self.drop(self.recall.ask(asking, known, seen, past.shape[1]))
        values = values + self.drop(self.attend.ask(self.norms[1](values), heard, present))
        return values + self.feed_forward(values), kept


def text_in(target: Target) -> str:
    """Return a target as it is learned; raises InputError for one that is no text."""
    if not isinstance(target, str):
        raise InputError(f"a generate head's target is a text; got {target!r:.80}")
    return normalise_text(target)
