"""Sound as a model hears it."""

from __future__ import annotations

from trichord.clip import Audio, Input, Lazy
from trichord.media import AudioFile, Resampler, resample
from trichord.prepare.inputs import Count, loaded
from trichord.prepare.preparation import Array, InputSpec, Preparation


class Samples(Preparation):
    """Mono samples at one rate, float32 `(time,)`.

    rate: in Hz.
    """

    def __init__(self, rate: Count = 16000) -> None:
        self.rate = rate

    @property
    def spec(self) -> InputSpec:
        return InputSpec("samples", self.rate)

    def __call__(self, value: Input | Lazy) -> Array:
        if isinstance(value, AudioFile):
            return value.at(self.rate).samples
        return resample(loaded(value, Audio), self.rate).samples

    def stream(self, source_rate: int) -> Resampler:
        """Return what prepares sound that arrives block by block; any blocks give what the whole gives."""
        return Resampler(source_rate, self.rate)
