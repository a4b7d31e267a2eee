"""Sound that comes in any pieces, heard by a stateful model block by block."""

from __future__ import annotations

import numpy as np

from trichord.clip import Audio
from trichord.errors import InputError
from trichord.media import Resampler
from trichord.prepare import Samples
from trichord.prepare.preparation import Array
from trichord.running.runtime.blocks import Blocks
from trichord.running.runtime.model import Model


class Ear:
    """A stateful model that hears one sound: pieces in, what its heads say of each whole block out.

    Raises ArtifactError for a model that hears only what is whole, and InputError for one that reads more
    than sound.
    """

    def __init__(self, model: Model) -> None:
        self.blocks = Blocks(model)
        self.stream, self.preparation = only_sound(model)
        self.heard = 0.0
        """Seconds of sound that the answers so far are about."""
        self._resampler: Resampler | None = None
        self._waiting: list[Array] = []

    def push(self, sound: Audio) -> list[dict[str, Array]]:
        """Take the next piece; return logits by head `(steps, outputs)` of each block that is now whole."""
        if self._resampler is None:
            self._resampler = self.preparation.stream(sound.rate)
        if sound.rate != self._resampler.source_rate:
            raise InputError(
                f"the rate changes midway, from {self._resampler.source_rate} to {sound.rate} Hz"
            )
        return self._hear(self._resampler.push(sound.samples))

    def finish(self) -> list[dict[str, Array]]:
        """Hear what is held back: there will be no more sound."""
        if self._resampler is None:
            return []
        return self._hear(self._resampler.push(np.zeros(0, np.float32), last=True), last=True)

    def _hear(self, samples: Array, *, last: bool = False) -> list[dict[str, Array]]:
        self._waiting.append(samples)
        size = self.blocks.block.steps[self.stream]
        if not last and sum(map(len, self._waiting)) < size:
            return []
        waiting = np.concatenate(self._waiting)
        end = len(waiting) if last else len(waiting) // size * size
        self._waiting = [waiting[end:].copy()]
        self.heard += end / self.preparation.rate
        blocks = [waiting[start : min(start + size, end)] for start in range(0, end, size)]
        return [self.blocks.push([{self.stream: block}])[0] for block in blocks]


def only_sound(model: Model) -> tuple[str, Samples]:
    """Return the model's stream and its preparation; raise InputError where it senses more than sound."""
    (name, preparation), *others = model.preparations.by_stream.items()
    if others or not isinstance(preparation, Samples):
        raise InputError(f"{model.path}: reads {', '.join(model.streams)}; only a model of sound can listen")
    return name, preparation
