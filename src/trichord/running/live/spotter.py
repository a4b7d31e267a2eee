"""Phrases noticed while sound comes: wake words, and any words that a transcript's head can write."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np

from trichord.clip import Audio, Event
from trichord.decoding.ctc import labels_of
from trichord.decoding.ctc_paths import BLANK
from trichord.decoding.logits import Floats, checked_logits, log_softmax
from trichord.decoding.metadata import LONGEST_WINDOW, CtcMetadata, Noticed, read_head
from trichord.decoding.phones import ways_of
from trichord.decoding.spotting import Spotting, Trigger
from trichord.errors import InputError
from trichord.metrics import normalise_text
from trichord.prepare.preparation import Array
from trichord.running.live.ear import Ear, only_sound
from trichord.running.live.hearing import transcript_head
from trichord.running.runtime.inputs import Source, as_clip
from trichord.running.runtime.model import Model

THRESHOLD, WINDOW = 0.5, 1.0


class Spotter:
    """Notices phrases in one sound; an event for each says which, when it was noticed, and how surely.

    model: a stateful file hears sound piece by piece, any file a whole clip.
    phrases: what to notice, in words that the head can write; by default those that are kept in the model,
        with their thresholds and window, else each of its words.
    threshold: the probability from which on a phrase is noticed, for all or by phrase; by default what the
        model keeps for it, else 0.5. It can be very near to 0 or 1, as long phrases are seldom written
        without a slip.
    head: the transcript's head, where there are several.
    window_seconds: within which a whole phrase is written; by default what the model keeps, else 1.
    apart_seconds: between two events of the same phrase, at the least.

    Whatever the pieces that sound is pushed in, the events are the same. Raises InputError for a phrase that
    the head cannot write and for a model that reads more than sound or writes no transcript.
    """

    def __init__(
        self,
        model: Model,
        phrases: Sequence[str] | None = None,
        *,
        threshold: float | Mapping[str, float] | None = None,
        head: str | None = None,
        window_seconds: float | None = None,
        apart_seconds: float = 1.0,
    ) -> None:
        only_sound(model)
        self.model, self.head = model, transcript_head(model, head)
        self.metadata = read_head(CtcMetadata, model.heads[self.head])
        kept = self.metadata.noticed
        self.phrases = phrases_of(
            model.heads[self.head], self.metadata, list(kept.phrases) if kept and phrases is None else phrases
        )
        self.thresholds = thresholds_of(self.phrases, threshold, kept.phrases if kept else {})
        if window_seconds is None:
            window_seconds = kept.window_seconds if kept else WINDOW
        for seconds in (window_seconds, apart_seconds):
            if not 0 < seconds <= LONGEST_WINDOW:
                raise InputError(f"a window, and what lies apart, last up to 10 s; got {seconds:g} s")
        self.window_seconds = window_seconds
        self.rate = model.rate or 1.0
        self.window, self.apart = (max(1, round(s * self.rate)) for s in (window_seconds, apart_seconds))
        self.ear = None if model.metadata.block is None else Ear(model)
        self._watch = self._fresh()

    def push(self, sound: Audio) -> list[Event]:
        """Take the next piece; return what is noticed. InputError for a model that hears only the whole."""
        return [event for logits in self._ear().push(sound) for event in self._noticed(logits)]

    def finish(self) -> list[Event]:
        """Return what is noticed in the sound that was held back, and begin anew."""
        events = [event for logits in self._ear().finish() for event in self._noticed(logits)]
        self.ear, self._watch = Ear(self.model), self._fresh()
        return events

    def whole(self, clip: Source) -> list[Event]:
        """Return what is noticed in a whole clip, whatever is being pushed."""
        known = as_clip(clip, self.model.metadata)
        (logits,) = self.model.logits([self.model.preparations(known)])
        return self._fresh().read(self.log_probs(logits))

    def scores(self, logits: Mapping[str, Array]) -> dict[str, Floats]:
        """Return the log-odds `(steps,)` of each phrase at each step of a whole item's logits by head."""
        log_probs = self.log_probs(logits)
        return {
            phrase: Spotting(labels, self.window).feed(log_probs) for phrase, labels in self.phrases.items()
        }

    def noticed(self) -> Noticed:
        """Return the phrases, their thresholds and the window, as metadata of a head keep them."""
        phrases = {phrase: probability(log_odds) for phrase, log_odds in self.thresholds.items()}
        return Noticed(phrases=phrases, window_seconds=self.window_seconds)

    def log_probs(self, logits: Mapping[str, Array]) -> Floats:
        return log_softmax(checked_logits(logits[self.head], len(self.metadata.labels)))

    def _fresh(self) -> Watch:
        return Watch(self.phrases, self.window, self.apart, self.thresholds, self.rate)

    def _noticed(self, logits: Mapping[str, Array]) -> list[Event]:
        return self._watch.read(self.log_probs(logits))

    def _ear(self) -> Ear:
        if self.ear is None:
            raise InputError(
                f"{self.model.path}: hears only what is whole; for one that hears a stream as it comes, "
                "train with causal: true and use 'trichord export --streaming'"
            )
        return self.ear


class Watch:
    """What has been made of one sound so far: each phrase's score, and when it was noticed last."""

    def __init__(
        self,
        phrases: Mapping[str, Sequence[int]],
        window: int,
        apart: int,
        thresholds: Mapping[str, float],
        rate: float,
    ) -> None:
        self.rate, self.steps = rate, 0
        self.spotting = {
            phrase: (Spotting(labels, window), Trigger(thresholds[phrase], apart))
            for phrase, labels in phrases.items()
        }

    def read(self, log_probs: Floats) -> list[Event]:
        """Return what is noticed in the next steps `(steps, classes)`."""
        events = []
        for phrase, (spotting, trigger) in self.spotting.items():
            scores = spotting.feed(log_probs)
            for place in trigger.feed(scores):
                seconds = (self.steps + place + 1) / self.rate
                events.append(Event(phrase, seconds, seconds, probability(scores[place])))
        self.steps += len(log_probs)
        return sorted(events, key=lambda event: event.start)


def probability(log_odds: float) -> float:
    return float(1 / (1 + np.exp(-np.clip(log_odds, -700, 700))))


def thresholds_of(
    phrases: Collection[str], threshold: float | Mapping[str, float] | None, kept: Mapping[str, float]
) -> dict[str, float]:
    """Return each phrase's threshold in log-odds; InputError for what is no probability, or no phrase's."""
    own: dict[str, float] = {}
    if isinstance(threshold, Mapping):
        own = {normalise_text(phrase): value for phrase, value in threshold.items()}
    elif threshold is not None:
        own = dict.fromkeys(phrases, threshold)
    if unknown := sorted(set(own) - set(phrases)):
        raise InputError(f"a threshold for {unknown[0]!r}, which is not among the phrases to notice")
    chosen = {phrase: own.get(phrase, kept.get(phrase, THRESHOLD)) for phrase in phrases}
    if wrong := [value for value in chosen.values() if not 0 < value < 1]:
        raise InputError(f"a threshold is a probability above 0 and below 1; got {wrong[0]}")
    return {phrase: math.log(value / (1 - value)) for phrase, value in chosen.items()}


def phrases_of(
    head: Mapping[str, Any], metadata: CtcMetadata, phrases: Sequence[str] | None
) -> dict[str, list[int]]:
    """Return the labels of each phrase, as normalised; InputError for one that the head cannot write."""
    if phrases is None and metadata.units != "word":
        raise InputError(f"a head of {metadata.units}s can write anything; say which phrases to notice")
    if phrases is None:
        return {label: [number] for number, label in enumerate(metadata.labels) if number != BLANK}
    found = {}
    for phrase in map(normalise_text, phrases):
        spoken = [label for ways in ways_of(head, phrase) for label in ways[0]]
        labels = spoken or labels_of(metadata, phrase)
        if not labels:
            raise InputError(f"phrase {phrase!r}: the head does not write it; {known(metadata)}")
        found[phrase] = labels
    return found


def known(metadata: CtcMetadata) -> str:
    if metadata.units != "word":
        return f"it writes {metadata.units}s"
    return f"its words are {', '.join(metadata.labels[1:9])}{' ...' if len(metadata.labels) > 9 else ''}"
