"""One stream, prepared while it arrives."""

from __future__ import annotations

from math import log10

import numpy as np

from trichord.clip import Audio, Input, Video
from trichord.errors import InputError
from trichord.media import DEFAULT_LIMITS, Resampler
from trichord.prepare import Crop, Frames, MouthCrop, MouthStream, Preparation, Samples
from trichord.prepare.frames import spread
from trichord.prepare.preparation import Array
from trichord.prepare.scaling import PictureStream

SILENCE_DB = -90.0


class Receiver:
    """Prepares one stream piece by piece, each piece once, and keeps what is prepared.

    `rate`: steps kept per second, None where they have no clock. `level_db`: of the newest sound, by its root
    mean square.
    """

    def __init__(self, preparation: Preparation) -> None:
        self.preparation = preparation
        self.rate: float | None = None
        self.level_db: float | None = None
        self.received = self.forgotten = 0
        self._parts: list[Array] = []
        self._resampler: Resampler | None = None
        self._pictures: PictureStream | MouthStream | None = None

    def push(self, value: Input) -> None:
        """Take the next piece; InputError where it does not fit, or the prepared whole grows too large."""
        self.rate = getattr(value, "rate", None)
        if isinstance(value, Audio):
            self.level_db = level_of(value)
        self._keep(self._prepared(value))

    def finish(self) -> None:
        """Take what a resampler still holds back: there will be no more."""
        if self._resampler is not None:
            self._keep(self._resampler.push(np.zeros(0, np.float32), last=True))

    def _prepared(self, value: Input) -> Array:
        if isinstance(value, Audio) and isinstance(self.preparation, Samples):
            self.rate = self.preparation.rate
            self._resampler = self._resampler or self.preparation.stream(value.rate)
            if value.rate != self._resampler.source_rate:
                raise InputError(
                    f"its rate changes midway, from {self._resampler.source_rate} to {value.rate} Hz"
                )
            return self._resampler.push(value.samples)
        if isinstance(value, Video) and isinstance(self.preparation, (Crop, Frames, MouthCrop)):
            self._pictures = self._pictures or self.preparation.stream()
            return self._pictures.push(value.frames)
        return self.preparation(value)  # text is one piece, and features are prepared row by row

    def _keep(self, array: Array) -> None:
        self._parts.append(array)
        self.received += len(array)
        if sum(part.nbytes for part in self._parts) > DEFAULT_LIMITS.decoded_bytes:
            raise InputError(f"what is prepared takes more than {DEFAULT_LIMITS.decoded_bytes} bytes")

    def _joined(self) -> Array:
        if len(self._parts) != 1:
            self._parts = [np.concatenate([self.preparation.spec.empty(), *self._parts])]
        return self._parts[0]

    def array(self) -> Array:
        """Return what the model takes: as if the clip were what is kept."""
        kept = self._joined()
        if isinstance(self.preparation, Frames) and self.preparation.count and len(kept):
            return np.stack(list(spread(kept.astype(np.uint8, copy=False), self.preparation.count)))
        return kept

    def overlong(self, seconds: float) -> bool:
        """Whether more is kept than `Preparations` accepts of a clip that may last so long."""
        if self.rate is None:
            return False
        clocked = self.preparation.spec.rate is not None
        most = seconds * self.rate + 1 if clocked else (seconds + 1) * self.rate
        return self.received - self.forgotten > most

    def forget(self, before: float) -> None:
        """Let go of the steps before a time in seconds."""
        if self.rate is not None and (surplus := round(before * self.rate) - self.forgotten) > 0:
            self._parts = [self._joined()[surplus:].copy()]
            self.forgotten = self.received - len(self._parts[0])


def level_of(audio: Audio) -> float:
    """Return the root mean square in dB, of full scale."""
    power = float(np.mean(np.square(audio.samples, dtype=np.float64))) if len(audio.samples) else 0.0
    return max(SILENCE_DB, 10 * log10(power)) if power else SILENCE_DB
