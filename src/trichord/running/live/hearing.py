"""Sound written down while it comes, for as long as it comes: utterances with their words and times."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from trichord.clip import Audio, Event
from trichord.decoding.ctc_paths import BLANK
from trichord.decoding.logits import Floats, checked_logits, log_softmax
from trichord.decoding.metadata import CtcMetadata, read_head
from trichord.decoding.transcriber import transcriber_of
from trichord.errors import InputError
from trichord.prepare.preparation import Array
from trichord.running.live.ear import Ear
from trichord.running.runtime.model import Beam, Model

LEAD_SECONDS = 0.4
"""How much of the silence before an utterance belongs to it: a search needs a little to begin in."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """When an utterance is over: so many seconds after its last word, or when it grows too long."""

    silence_seconds: float = 0.8
    longest_seconds: float = 20.0

    def __post_init__(self) -> None:
        if not (0 < self.silence_seconds < self.longest_seconds <= 600):
            raise InputError(
                f"an utterance must end after {self.silence_seconds:g} s of silence and at most "
                f"{self.longest_seconds:g} s, the first below the second, and that at most 600"
            )


@dataclass(frozen=True, slots=True)
class Utterance:
    """What was said from `start` to `end`, in seconds since the sound began; `final` once it is over.

    `settled`: how many of its first words no later sound can change. `words` have their times, and
    `confidence` is known, where it is final.
    """

    text: str
    start: float
    end: float
    final: bool = False
    settled: int = 0
    words: tuple[Event, ...] = ()
    confidence: float | None = None


class Hearing:
    """A stateful model that hears one sound, block by block, in memory that never grows.

    `head` names the transcript's head where there are several; `beam` is as in `Model.__call__`. Whatever
    the pieces that sound is pushed in, the utterances are the same. Raises ArtifactError for a model that
    hears only what is whole, and InputError for one that reads more than sound or writes no transcript.
    """

    def __init__(
        self,
        model: Model,
        *,
        head: str | None = None,
        beam: Beam | None = None,
        endpoint: Endpoint | None = None,
    ) -> None:
        self.model, self.endpoint = model, endpoint or Endpoint()
        self.ear = Ear(model)
        self.head = transcript_head(model, head)
        self.metadata = read_head(CtcMetadata, model.heads[self.head])
        self.options = model.search(self.head, beam)
        self.rate = model.rate or 1.0
        self._steps = 0
        self._rows: list[Floats] = []
        self._silence = self._searched = 0
        self._speaks = False
        self._transcriber = transcriber_of(self.metadata, self.options)

    def push(self, sound: Audio) -> list[Utterance]:
        """Take the next piece; return the utterance that goes on, anew, and those that ended."""
        return self._heard(self.ear.push(sound))

    def finish(self) -> list[Utterance]:
        """Hear what is held back, and end the utterance: there will be no more sound."""
        return self._heard(self.ear.finish()) + self._end()

    @property
    def heard(self) -> float:
        """Seconds of sound that the answers so far are about."""
        return self.ear.heard

    def _heard(self, blocks: list[dict[str, Array]]) -> list[Utterance]:
        classes = len(self.metadata.labels)
        return [said for logits in blocks
                for said in self._read(log_softmax(checked_logits(logits[self.head], classes)))]  # fmt: skip

    def _read(self, log_probs: Floats) -> list[Utterance]:
        """Read a block's steps: each belongs to silence, to the utterance, or ends it."""
        ended: list[Utterance] = []
        for row, label in zip(log_probs, log_probs.argmax(1).tolist(), strict=True):
            self._steps += 1
            self._rows.append(row)
            self._silence = 0 if label != BLANK else self._silence + 1
            self._speaks = self._speaks or label != BLANK
            if not self._speaks:
                self._rows = self._rows[-max(1, round(LEAD_SECONDS * self.rate)) :]
            elif self._is_over():
                ended += self._end()
        return ended + self._so_far()

    def _is_over(self) -> bool:
        quiet, long = self._silence / self.rate, len(self._rows) / self.rate
        return quiet >= self.endpoint.silence_seconds or long >= self.endpoint.longest_seconds

    def _so_far(self) -> list[Utterance]:
        if not self._speaks:
            return []
        self._read_on()
        text, settled = self._transcriber.so_far()
        return [Utterance(text, self._start, self._now, settled=settled)] if text else []

    def _end(self) -> list[Utterance]:
        """Return the utterance, if anything was said, and begin another."""
        utterances: list[Utterance] = []
        if self._speaks:
            self._read_on()
            decoded = self._transcriber.answer(np.stack(self._rows), self.rate)
            words = tuple(moved(word, self._start) for word in decoded.events)
            if words:
                text, start, end = str(decoded.value), words[0].start, words[-1].end or self._now
                utterances = [Utterance(text, start, end, True, len(words), words, decoded.confidence)]
        self._rows, self._silence, self._searched, self._speaks = [], 0, 0, False
        self._transcriber = transcriber_of(self.metadata, self.options)
        return utterances

    def _read_on(self) -> None:
        if self._searched < len(self._rows):
            self._transcriber.feed(np.stack(self._rows[self._searched :]))
        self._searched = len(self._rows)

    @property
    def _now(self) -> float:
        return self._steps / self.rate

    @property
    def _start(self) -> float:
        return (self._steps - len(self._rows)) / self.rate


def moved(event: Event, seconds: float) -> Event:
    """Return an event so much later."""
    end = None if event.end is None else event.end + seconds
    return replace(event, start=event.start + seconds, end=end)


def transcript_head(model: Model, name: str | None) -> str:
    """Return the head that writes a transcript: the one of this name, or the only one there is."""
    written = [head for head, described in model.heads.items() if described["kind"] == "ctc"]
    if name is None and len(written) == 1:
        return written[0]
    if name not in written:
        asked = "no head is named" if name is None else f"{name!r} is not one"
        raise InputError(f"{model.path}: transcripts are {', '.join(written) or 'none'}; {asked}")
    return name
