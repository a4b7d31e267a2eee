"""Sound as log filter-bank energies, set against how a voice mostly sounds."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from pydantic import Field

from trichord.clip import Input, Lazy
from trichord.features import audio
from trichord.prepare.inputs import Count
from trichord.prepare.measured import MeasuredArray
from trichord.prepare.preparation import Measured
from trichord.prepare.samples import Samples

HOP_MS = 10.0


class LogMel(MeasuredArray):
    """Log energies of mel bands, every 10 ms, each band brought to mean 0 and deviation 1.

    With `by: speaker`, to those of the speaker's own clips: mean and variance normalisation as in Kaldi's
    recipes, which takes out the microphone, the room, and how loud and noisy it was. Learning then changes
    no samples, for these were heard before; front ends of samples need no such preparation.

    rate: at which the sound is heard, in Hz.
    bands: how many, from 20 Hz to half of the rate.
    normalise: whether mean and deviation are taken out; they are those of the training clips by default.
    by: whose own clips they are measured on instead, a key of `about` such as speaker.
    """

    clock = 1000 / HOP_MS

    def __init__(
        self,
        rate: Count = 16000,
        bands: Annotated[int, Field(ge=1, le=512)] = 80,
        normalise: bool = True,
        by: str | None = None,
    ) -> None:
        super().__init__(normalise, by)
        self.rate, self.bands = rate, bands

    def measured(self, value: Input | Lazy) -> Measured:
        """Return the log energies `(time, bands)`."""
        samples = Samples(self.rate)(value).astype(np.float32)
        return Measured(audio.log_mel(samples, self.rate, bands=self.bands, hop_ms=HOP_MS))
