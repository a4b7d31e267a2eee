"""What a front end is: the first, shallow step of an encoder, from raw input to feature frames."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from torch import Tensor, nn

from trichord.errors import RecipeError
from trichord.learning.memory import Memory
from trichord.learning.stream import Stream
from trichord.prepare.preparation import Array, InputSpec


class FrontEnd(nn.Module):
    """Turns a batch of prepared inputs into feature frames, inside the graph.

    `takes` names the kinds of `InputSpec` it accepts; `spectral` says whether neighbouring features are
    neighbouring frequencies, so that a convolution over them means something. `build` receives what comes
    from the data and sets `width` (features per frame) and `rate` (frames per second, or None).
    """

    takes: ClassVar[tuple[str, ...]] = ()
    spectral: ClassVar[bool] = False
    width: int
    rate: float | None

    def build(self, spec: InputSpec) -> None:
        """Create the layers for inputs of this `spec`; sets `width` and `rate`."""
        raise NotImplementedError

    def fit(self, arrays: Iterable[Array]) -> None:
        """Measure what must be measured on training data, such as the mean and deviation of each band."""

    def forward(self, values: Tensor, lengths: Tensor) -> Stream:
        """Return feature frames `(batch, time, width)` for `values (batch, time, ...)`.

        Any time and any length works, zero included, and nothing past a length leaks, NaN included.
        """
        raise NotImplementedError

    def causal(self, values: Tensor, lengths: Tensor, memory: Memory) -> Stream:
        """Return the same of a stream that is heard as it comes: no frame sees what comes after it.

        Raises RecipeError where the front end cannot.
        """
        raise RecipeError(f"the front end {type(self).__name__} hears only what is whole")

    def steps_in(self, frames: int) -> int:
        """Return how many steps of input make so many causal frames."""
        return frames
