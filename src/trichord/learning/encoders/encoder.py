"""What an encoder is: prepared input in, a stream of vectors out."""

from __future__ import annotations

from copy import deepcopy

from torch import Tensor, nn

from trichord.errors import RecipeError
from trichord.learning.encoders.front_ends.front_end import FrontEnd
from trichord.learning.encoders.subsample import SpectralSubsample, Subsample
from trichord.learning.stream import Stream
from trichord.prepare.preparation import InputSpec


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
        steps = self.subsample or factor(self.front.rate, clock)
        kind = SpectralSubsample if self.front.spectral and steps > 1 else Subsample
        self.step_down = kind(self.front.width, self.width, steps)
        if body:
            self.build_body(self.width)

    def build_body(self, dim: int) -> None:
        """Create the layers of the body, `dim` in and out."""

    def embed(self, frames: Stream) -> Stream:
        """Bring the front end's frames to the model's rate and width."""
        return self.step_down(frames)

    def body(self, stream: Stream) -> Stream:
        """Look across time; the shape stays."""
        return stream

    def forward(self, values: Tensor, lengths: Tensor) -> Stream:
        """Return `(batch, time, dim)` for a prepared batch `values (batch, time, ...)`."""
        return self.body(self.embed(self.front(values, lengths)))


def factor(rate: float | None, clock: float) -> int:
    """Return the power of two, at most 8, that brings `rate` nearest to `clock` from above."""
    if rate is None:
        return 1
    return max(step for step in (1, 2, 4, 8) if step == 1 or rate / step >= clock * 0.99)
