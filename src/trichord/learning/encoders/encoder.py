"""What an encoder is: prepared input in, a stream of vectors out."""

from __future__ import annotations

from copy import deepcopy
from typing import Annotated

from pydantic import Field
from torch import Tensor, nn

from trichord.errors import RecipeError
from trichord.learning.encoders.front_ends.front_end import FrontEnd
from trichord.learning.encoders.subsample import SpectralSubsample, StepDown, Subsample
from trichord.learning.memory import Memory
from trichord.learning.stream import Stream
from trichord.prepare.preparation import InputSpec

Chunk = Annotated[float, Field(ge=40, le=10_000)]


class Encoder(nn.Module):
    """A front end, a step down to the model's rate and width, and a body that looks across time.

    The three steps are separate because early fusion stops after `embed`, and because augmentation such
    as SpecAugment acts on the front end's frames. Subclasses take `front_end`, `dim` and `subsample`
    beside their own arguments, and define `build_body` and `body`.

    front_end: how raw input becomes frames; by default log-mel for sound, a residual CNN for pictures, an
        embedding for tokens, nothing for ready features.
    dim: width of the stream; by default the recipe's.
    subsample: frames per output step, 1, 2, 4 or 8; by default as many as bring the rate nearest the clock.
    """

    causal = False
    chunk_ms = 640.0

    def __init__(
        self, front_end: FrontEnd | None = None, dim: int | None = None, subsample: int | None = None
    ) -> None:
        super().__init__()
        self.front_end = front_end
        self.dim = dim
        self.subsample = subsample

    def build(self, spec: InputSpec, *, dim: int, clock: float, body: bool = True) -> None:
        """Create all layers for inputs of this `spec`, at the recipe's `dim` and `clock` (Hz).

        Without `body`, for early fusion, only those up to `embed`.
        """
        from trichord.learning.encoders.front_ends import default_front_end

        # A copy, so that what is built is registered once and the argument stays as it was given.
        self.front = deepcopy(self.front_end) or default_front_end(spec)
        if spec.kind not in self.front.takes:
            raise RecipeError(
                f"the front end {type(self.front).__name__} reads {' or '.join(self.front.takes)}, "
                f"but the preparation gives {spec.kind}"
            )
        self.front.build(spec)
        self.width = self.dim or dim
        self.step_down = self.make_step_down(self.subsample or factor(self.front.rate, clock))
        if body:
            self.build_body(self.width)

    def make_step_down(self, steps: int) -> StepDown:
        """Return what brings so many of the front end's frames to a step."""
        kind = SpectralSubsample if self.front.spectral and steps > 1 else Subsample
        return kind(self.front.width, self.width, steps)

    def build_body(self, dim: int) -> None:
        """Create the layers of the body, `dim` in and out."""

    def memory(self, given: Memory | None = None) -> Memory | None:
        """Return where to hear with: what is given, a past of zeros without it, none where all is at hand."""
        return (given or Memory()) if self.causal else None

    def frames(self, values: Tensor, lengths: Tensor, memory: Memory | None = None) -> Stream:
        """Return the front end's frames; by their end, not their beginning, where there is a memory."""
        return self.front(values, lengths) if memory is None else self.front.causal(values, lengths, memory)

    def embed(self, frames: Stream, memory: Memory | None = None) -> Stream:
        """Bring the front end's frames to the model's rate and width."""
        return self.step_down(frames, memory)

    def body(self, stream: Stream) -> Stream:
        """Look across time; the shape stays."""
        return stream

    def causal_body(self, stream: Stream, memory: Memory) -> Stream:
        """Look back in time, through a memory; a causal encoder defines it."""
        raise NotImplementedError

    def read(self, stream: Stream, memory: Memory | None = None) -> Stream:
        """Look across time, or only back where there is a memory."""
        return self.body(stream) if memory is None else self.causal_body(stream, memory)

    def forward(self, values: Tensor, lengths: Tensor, given: Memory | None = None) -> Stream:
        """Return `(batch, time, dim)` for a prepared batch `values (batch, time, ...)`."""
        memory = self.memory(given)
        return self.read(self.embed(self.frames(values, lengths, memory), memory), memory)

    def block(self, clock: float) -> int:
        """Return how many steps of input a causal encoder takes at once; RecipeError for another one."""
        if not self.causal:
            raise RecipeError(
                f"{type(self).__name__} hears a stream only when it is whole; "
                "for blocks, use a conformer or an rnn with causal: true"
            )
        factor = self.step_down.factor
        rate = None if self.front.rate is None else self.front.rate / factor
        if rate is None or abs(rate - clock) > 1e-3:
            raise RecipeError(
                f"what is heard in blocks must come at the clock's {clock:g} Hz, and this comes at "
                f"{'none' if rate is None else f'{rate:g}'}; let clock, hop_ms and subsample agree"
            )
        steps = round(self.chunk_ms / 1000 * clock)
        if steps < 1:
            raise RecipeError(f"chunk_ms {self.chunk_ms:g} is less than a step, {1000 / clock:g}")
        return self.front.steps_in(steps * factor)


def factor(rate: float | None, clock: float) -> int:
    """Return the power of two, at most 8, that brings `rate` nearest to `clock` from above."""
    if rate is None:
        return 1
    return max(step for step in (1, 2, 4, 8) if step == 1 or rate / step >= clock * 0.99)
