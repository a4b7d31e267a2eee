"""Learning what sounds like speech from speech alone, without labels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, ClassVar

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from trichord.errors import RecipeError
from trichord.learning.batch import Batch
from trichord.learning.encoders.front_ends.front_end import FrontEnd
from trichord.learning.encoders.front_ends.logmel import alone
from trichord.learning.encoders.front_ends.normaliser import Normaliser
from trichord.learning.encoders.subsample import at_least
from trichord.learning.objectives.change import Probability, has, spec_of
from trichord.learning.objectives.objective import Objective, Outputs, Surroundings
from trichord.learning.stream import Stream, mask_of
from trichord.prepare.preparation import Array

NOISE = 0.1  # deviation of what stands where frames were, as in the paper
MEASURED = 200  # items, evenly from all, whose frames say what to standardise by


class MaskedPrediction(Objective):
    """Hides spans of one stream's frames from its encoder, which predicts what was there.

    BEST-RQ (Chiu et al., "Self-supervised learning with random-projection quantizer for speech recognition",
    2022): the front end's frames, standardised and stacked to the model's clock, are projected at random and
    quantised by the nearest entry of a random codebook, in direction; both stay as they were drawn. Noise
    takes the place of what is hidden, and the cross-entropy counts at the hidden steps alone. It teaches
    beside heads, or alone in a recipe without any, whose weights others `start_from`. An objective that
    changes frames as well, such as spec_augment, stands after this one, or its holes would be predicted.

    stream: whose encoder to teach. Its front end must not learn, or what is to be predicted would move.
    probability: that a span begins at a frame; many overlap, so 0.01 hides a third of speech.
    span_ms: how long a span is, in milliseconds.
    codes: entries of the codebook.
    code_dim: width of an entry.
    weight: of this loss beside the heads'.
    """

    teaches_alone: ClassVar[bool] = True
    projection: Tensor
    codebook: Tensor

    def __init__(
        self,
        stream: str,
        probability: Probability = 0.01,
        span_ms: Annotated[float, Field(gt=0, le=10_000)] = 400,
        codes: Annotated[int, Field(ge=2, le=65_536)] = 8192,
        code_dim: Annotated[int, Field(ge=1, le=1024)] = 16,
        weight: Annotated[float, Field(ge=0)] = 1.0,
    ) -> None:
        super().__init__()
        self.stream = stream
        self.probability = probability
        self.span_ms = span_ms
        self.codes = codes
        self.code_dim = code_dim
        self.weight = weight

    def build(self, surroundings: Surroundings) -> None:
        spec_of(self.stream, surroundings.specs, "MaskedPrediction", ())
        front, shape = surroundings.fronts[self.stream], surroundings.shapes[self.stream]
        if any(parameter.requires_grad for parameter in front.parameters()):
            raise RecipeError(
                f"MaskedPrediction: the front end {type(front).__name__} of {self.stream!r} learns, so what "
                "it gives cannot be predicted; use one that is fixed, such as logmel"
            )
        self.stacked = frames_per_step(self.stream, front.rate, shape.rate)
        self.span = max(1, round(self.span_ms / 1000 * (front.rate or 1)))
        self.normaliser = Normaliser(front.width)
        present = [item.inputs[self.stream] for item in surroundings.items if has(item, self.stream)]
        self.measure(front, present[:: -(-len(present) // MEASURED) or 1])
        self.register_buffer("projection", torch.randn(self.stacked * front.width, self.code_dim))
        self.register_buffer("codebook", F.normalize(torch.randn(self.codes, self.code_dim)))
        self.guess = nn.Linear(shape.width, self.codes)

    @torch.no_grad()
    def measure(self, front: FrontEnd, arrays: Sequence[Array]) -> None:
        self.normaliser.fit(front(*alone(array)).values[0] for array in arrays)

    def change_features(self, name: str, frames: Stream) -> Stream:
        if name != self.stream:
            return frames
        frames = frames._replace(values=at_least(1, frames.values))  # so that there is a step, as in a stream
        hidden = self.draw(frames)
        self.answers = self.quantised(frames)
        self.hidden = self.steps_hidden(hidden, frames)
        noise = NOISE * torch.randn_like(frames.values)
        return frames._replace(values=torch.where(hidden[..., None], noise, frames.values))

    def draw(self, frames: Stream) -> Tensor:
        """Return which frames to hide, `(batch, time)`."""
        begins = torch.rand(frames.values.shape[:2], device=frames.values.device) < self.probability
        reached = F.max_pool1d(F.pad(begins.float(), (self.span - 1, 0))[:, None], self.span, stride=1)[:, 0]
        return (reached > 0) & frames.mask

    @torch.no_grad()
    def quantised(self, frames: Stream) -> Tensor:
        """Return the code of every step, `(batch, steps)`."""
        with torch.autocast(frames.values.device.type, enabled=False):
            standard = frames._replace(values=self.normaliser(frames.values.float())).cleared().values
            stacks = self.by_step(standard).flatten(2)  # (batch, steps, stacked * width)
            return (F.normalize(stacks @ self.projection, dim=-1) @ self.codebook.T).argmax(-1)

    def steps_hidden(self, hidden: Tensor, frames: Stream) -> Tensor:
        """Return which steps have no frame that is seen, `(batch, steps)`."""
        steps = ~self.by_step(frames.mask & ~hidden).any(-1)
        lengths = torch.div(frames.lengths + self.stacked - 1, self.stacked, rounding_mode="floor")
        return steps & mask_of(lengths, steps)

    def by_step(self, frames: Tensor) -> Tensor:
        """Return `(batch, steps, stacked, ...)` for `frames (batch, time, ...)`, zeros where too few."""
        missing = -frames.shape[1] % self.stacked
        return F.pad(frames, (0, 0) * (frames.ndim - 2) + (0, missing)).unflatten(1, (-1, self.stacked))

    def loss(self, outputs: Outputs, batch: Batch) -> Tensor | None:
        seen = outputs.streams[self.stream].cleared().values  # (batch, steps, dim)
        steps = min(seen.shape[1], self.hidden.shape[1])
        hidden = self.hidden[:, :steps]
        if not hidden.any():
            return seen.sum() * 0.0
        logits = self.guess(seen[:, :steps][hidden]).float()  # (hidden, codes)
        return self.weight * F.cross_entropy(logits, self.answers[:, :steps][hidden])


def frames_per_step(stream: str, rate: float | None, clock: float | None) -> int:
    """Return how many frames make a step; raises RecipeError where that is no whole number."""
    if rate is None or clock is None:
        raise RecipeError(
            f"MaskedPrediction: {stream!r} has no clock; masked prediction is for sound and the like"
        )
    frames = round(rate / clock)
    if frames < 1 or abs(rate / clock - frames) > 1e-3:
        raise RecipeError(
            f"MaskedPrediction: {stream!r} has {rate:g} frames a second, no multiple of the clock's "
            f"{clock:g}; set clock so that it is one"
        )
    return frames
