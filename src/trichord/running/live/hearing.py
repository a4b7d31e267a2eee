"""Sound written down while it comes, for as long as it comes: utterances with their words and times."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from trichord.clip import Audio, Event
from trichord.decoding.beam import BeamSearch
from trichord.decoding.ctc import spelled, text_of
from trichord.decoding.ctc_paths import BLANK
from trichord.decoding.language import language_of
from trichord.decoding.logits import Floats, checked_logits, log_softmax
from trichord.decoding.metadata import CtcMetadata, read_head
from trichord.errors import InputError
from trichord.media import Resampler
from trichord.prepare import Samples
from trichord.prepare.preparation import Array
from trichord.running.runtime.blocks import Blocks
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
        self.blocks = Blocks(model)
        self.stream, self.preparation = only_sound(model)
        self.head = transcript_head(model, head)
        self.metadata = read_head(CtcMetadata, model.heads[self.head])
        self.options = model.search(self.head, beam)
        self.rate = model.rate or 1.0
        self.heard = 0.0
        """Seconds of sound that the answers so far are about."""
        self._resampler: Resampler | None = None
        self._waiting: list[Array] = []
        self._steps = 0
        self._rows: list[Floats] = []
        self._silence = self._searched = 0
        self._speaks = False
        self._search = self._new_search()

    def push(self, sound: Audio) -> list[Utterance]:
        """Take the next piece; return the utterance that goes on, anew, and those that ended."""
        if self._resampler is None:
            self._resampler = self.preparation.stream(sound.rate)
        if sound.rate != self._resampler.source_rate:
            raise InputError(
                f"the rate changes midway, from {self._resampler.source_rate} to {sound.rate} Hz"
            )
        return self._hear(self._resampler.push(sound.samples))

    def finish(self) -> list[Utterance]:
        """Hear what is held back, and end the utterance: there will be no more sound."""
        if self._resampler is None:
            return []
        rest = self._resampler.push(np.zeros(0, np.float32), last=True)
        return self._hear(rest, last=True) + self._end()

    def _hear(self, samples: Array, *, last: bool = False) -> list[Utterance]:
        said: list[Utterance] = []
        self._waiting.append(samples)
        size = self.blocks.block.steps[self.stream]
        if not last and sum(map(len, self._waiting)) < size:
            return said
        waiting = np.concatenate(self._waiting)
        while len(waiting) >= size or (last and len(waiting)):
            block, waiting = waiting[:size], waiting[size:]
            (logits,) = self.blocks.push([{self.stream: block}])
            self.heard += len(block) / self.preparation.rate
            said += self._read(log_softmax(checked_logits(logits[self.head], len(self.metadata.labels))))
        self._waiting = [waiting.copy()]
        return said

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
        self._search_on()
        if self._search is None:
            labels = greedy(self._rows)
            settled = labels
        else:
            labels = [written.label for written in self._search.best(final=False)]
            settled = [written.label for written in self._search.settled]
        text, done = (text_of(self.metadata, found).strip() for found in (labels, settled))
        if not text:
            return []
        return [Utterance(text, self._start, self._now, settled=max(len(done.split()) - 1, 0))]

    def _end(self) -> list[Utterance]:
        """Return the utterance, if anything was said, and begin another."""
        utterance = None
        if self._speaks:
            self._search_on()
            log_probs = np.stack(self._rows)
            found = None if self._search is None else [one.label for one in self._search.best()]
            decoded = spelled(self.metadata, log_probs, found, self.rate)
            words = tuple(moved(word, self._start) for word in decoded.events)
            if decoded.value:
                utterance = Utterance(
                    str(decoded.value), words[0].start if words else self._start, self._now,
                    True, len(words), words, decoded.confidence,
                )  # fmt: skip
        self._rows, self._silence, self._searched, self._speaks = [], 0, 0, False
        self._search = self._new_search()
        return [utterance] if utterance else []

    def _new_search(self) -> BeamSearch | None:
        if self.options is None:
            return None
        return BeamSearch(self.options, language_of(self.metadata.labels, self.metadata.units, self.options))

    def _search_on(self) -> None:
        if self._search is not None and self._searched < len(self._rows):
            self._search.feed(np.stack(self._rows[self._searched :]))
        self._searched = len(self._rows)

    @property
    def _now(self) -> float:
        return self._steps / self.rate

    @property
    def _start(self) -> float:
        return (self._steps - len(self._rows)) / self.rate


def greedy(rows: list[Floats]) -> list[int]:
    """Return the labels of the best path."""
    best = np.stack(rows).argmax(1)
    kept = best[(best != BLANK) & (best != np.concatenate(([BLANK], best[:-1])))]
    return [int(label) for label in kept]


def moved(event: Event, seconds: float) -> Event:
    """Return an event so much later."""
    end = None if event.end is None else event.end + seconds
    return replace(event, start=event.start + seconds, end=end)


def only_sound(model: Model) -> tuple[str, Samples]:
    """Return the model's stream and its preparation; raise InputError where it senses more than sound."""
    (name, preparation), *others = model.preparations.by_stream.items()
    if others or not isinstance(preparation, Samples):
        raise InputError(f"{model.path}: reads {', '.join(model.streams)}; only a model of sound can listen")
    return name, preparation


def transcript_head(model: Model, name: str | None) -> str:
    """Return the head that writes a transcript: the one of this name, or the only one there is."""
    written = [head for head, described in model.heads.items() if described["kind"] == "ctc"]
    if name is None and len(written) == 1:
        return written[0]
    if name not in written:
        asked = "no head is named" if name is None else f"{name!r} is not one"
        raise InputError(f"{model.path}: transcripts are {', '.join(written) or 'none'}; {asked}")
    return name
