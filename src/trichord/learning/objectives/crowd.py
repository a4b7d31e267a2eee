"""Learning from people who talk at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import groupby
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from trichord.clip import Event
from trichord.decoding.tag import step_labels
from trichord.errors import InputError, RecipeError
from trichord.features.audio import loud_spans, normalise_energy
from trichord.learning.batch import Item
from trichord.learning.heads.tag import events_of
from trichord.learning.objectives.change import Probability, has, spec_of, with_inputs
from trichord.learning.objectives.objective import Objective, Surroundings

Samples = NDArray[np.float32]
Counts = NDArray[np.int64]

STEP_MS = 10
"""How finely it is known who speaks."""
SHORTEST_SECONDS = 0.25
MOST = 100
CUT_SECONDS, CUT_SHARE = (0.3, 1.2), 0.3
"""How long and how frequent remarks are, cut from what somebody said."""
LEVELS_DB = (-34.0, -26.0)
"""How loud people are; one's own utterances differ by a deviation of 2 dB."""


class Crowd(Objective):
    """Puts voices recorded apart into one sound, where they take turns and talk at once, as in a meeting.

    Simulated mixtures after Fujita et al., "End-to-end neural speaker diarization with permutation-free
    objectives", 2019. Every item becomes such a sound, and its target the number of people who speak: events
    called `1`, `2` ..., for a `tag` head. Where somebody speaks in a clip of one voice is told by loudness;
    clips that have the target are recorded conversations, and may lie beneath the voices. What a clip was
    is gone, so that no other stream or head stands beside, and no other objective before it.

    stream: the stream of samples, the only one.
    head: the head that counts, the only one; it needs clips that have its target, to know how far to count.
    by: what tells people apart, a key of `about`; clips without it are a person each.
    seconds: length of the sound.
    voices: how many are put together at most.
    recorded: how often they are put over a stretch of a recorded conversation, or of two.
    """

    def __init__(
        self,
        stream: str,
        head: str,
        by: str = "speaker",
        seconds: Annotated[float, Field(ge=1, le=60)] = 10.0,
        voices: Annotated[int, Field(ge=1, le=10)] = 4,
        recorded: Probability = 0.5,
    ) -> None:
        super().__init__()
        self.stream, self.head, self.by = stream, head, by
        self.seconds, self.voices, self.recorded = seconds, voices, recorded

    def build(self, surroundings: Surroundings) -> None:
        """Know the people and the conversations; raises RecipeError where one lacks, or more is learned."""
        spec = spec_of(self.stream, surroundings.specs, "Crowd", ("samples",))
        others = {*surroundings.specs, *surroundings.heads} - {self.stream, self.head}
        if others:
            raise RecipeError(f"Crowd makes new sound, of which {min(others)!r} would not be true")
        self.rate = round(spec.rate or 16_000)
        self.step, odd = divmod(self.rate * STEP_MS, 1000)
        if odd or not self.step:
            raise RecipeError(
                f"Crowd needs whole samples in {STEP_MS} ms; {self.stream!r} has {self.rate} Hz"
            )
        there = [item for item in surroundings.items if has(item, self.stream)]
        talks = [item for item in there if self.head in item.targets]
        counts = [count_of(event) for item in talks for event in events_of(item.targets[self.head])]
        people: dict[str, list[Item]] = {}
        self.spoken: dict[str, list[slice]] = {}
        for item in there:
            if self.head not in item.targets and (spans := self.spans_of(item)):
                people.setdefault(item.about.get(self.by, item.id), []).append(item)
                self.spoken[item.id] = spans
        self.people = [people[name] for name in sorted(people)]
        if len(self.people) < self.voices or not counts:
            raise RecipeError(
                f"Crowd: {len(self.people)} people in clips without a target {self.head!r}, and "
                f"{len(counts)} stretches of talk in clips with one; needs {self.voices} and 1 at least"
            )
        self.most = max(counts)
        self.conversations = [(item, self.counted(item)) for item in talks]

    def counted(self, item: Item) -> Counts:
        """Return how many speak at each step of a conversation, until nobody does."""
        events = events_of(item.targets[self.head])
        steps = max((round((event.end or event.start) * 1000 / STEP_MS) + 1 for event in events), default=0)
        labels = step_labels(events, steps, 1000 / STEP_MS)
        return np.array([int(label or 0) for label in labels], np.int64)

    def spans_of(self, item: Item) -> list[slice]:
        """Return where somebody speaks in a clip of one voice, in samples."""
        spans = loud_spans(sound_of(item, self.stream), self.rate, shortest=SHORTEST_SECONDS)
        return [slice(round(begin * self.rate), round(end * self.rate)) for begin, end in spans]

    def lasting(self, seconds: float) -> float:
        return self.seconds

    def change(self, items: Sequence[Item], rng: np.random.Generator) -> Sequence[Item]:
        return [self.gathered(item, rng) if has(item, self.stream) else item for item in items]

    def gathered(self, item: Item, rng: np.random.Generator) -> Item:
        """Return an item with the sound of a crowd, and the number of people who speak in it."""
        steps = round(self.seconds * 1000 / STEP_MS)
        sound, counts = np.zeros(steps * self.step, np.float32), np.zeros(steps, np.int64)
        beneath = int(rng.integers(1, 3)) if rng.random() < self.recorded else 0
        for _ in range(beneath):
            self.lay_conversation(sound, counts, rng)
        added = rng.integers(0 if beneath else 1, self.voices + 1)
        busy = rng.beta(1.2, 1.8)  # from talks in turn to talks all at once
        for number in rng.choice(len(self.people), added, replace=False):
            share = float(np.clip(busy * rng.uniform(0.3, 1.7), 0.05, 0.95))
            self.lay_voice(self.people[number], share, sound, counts, rng)
        changed = with_inputs(item, {self.stream: sound / max(1.0, float(np.abs(sound).max()))})
        return replace(changed, targets={self.head: tuple(as_events(counts, self.most))})

    def lay_conversation(self, sound: Samples, counts: Counts, rng: np.random.Generator) -> None:
        item, speaking = self.conversations[rng.integers(len(self.conversations))]
        samples = sound_of(item, self.stream)
        first = int(rng.integers(max(1, (len(samples) - len(sound)) // self.step)))
        part = samples[first * self.step :][: len(sound)]
        sound[: len(part)] += normalise_energy(part, level_db=rng.uniform(*LEVELS_DB))
        said = speaking[first:][: len(counts)]
        counts[: len(said)] += said

    def lay_voice(
        self, said: Sequence[Item], share: float, sound: Samples, counts: Counts, rng: np.random.Generator
    ) -> None:
        """Let one person speak, pause and speak again, for about so large a share of the time."""
        level = rng.uniform(*LEVELS_DB)
        at = (
            -int(rng.integers(0, 300))
            if rng.random() < share
            else round(300 * (1 - share) * rng.exponential())
        )
        while at < len(counts):
            utterance = self.utterance(said[int(rng.integers(len(said)))], rng)
            utterance = normalise_energy(utterance, level_db=level + rng.normal(0, 2))
            steps = len(utterance) // self.step
            first, last = max(at, 0), min(at + steps, len(counts))
            if first < last:
                heard = slice((first - at) * self.step, (last - at) * self.step)
                sound[first * self.step : last * self.step] += utterance[heard]
                counts[first:last] += 1
            at += steps + 1 + round(max(15.0, steps * (1 - share) / share) * rng.exponential())

    def utterance(self, item: Item, rng: np.random.Generator) -> Samples:
        """Return something that somebody says in a clip."""
        spans = self.spoken[item.id]
        utterance = sound_of(item, self.stream)[spans[rng.integers(len(spans))]]
        if rng.random() < CUT_SHARE:
            length = round(rng.uniform(*CUT_SECONDS) * self.rate)
            first = int(rng.integers(max(1, len(utterance) - length)))
            utterance = utterance[first : first + length]
        return utterance


def sound_of(item: Item, stream: str) -> Samples:
    return item.inputs[stream].astype(np.float32, copy=False)


def count_of(event: Event) -> int:
    """Return how many speak in an event; raises InputError for one that is not called by a number."""
    if not (event.what.isascii() and event.what.isdecimal() and 0 < int(event.what[:4]) <= MOST):
        raise InputError(f"Crowd: events are called by how many speak, 1 to {MOST}; got {event.what!r:.60}")
    return int(event.what)


def as_events(counts: Counts, most: int) -> list[Event]:
    """Return the stretches in which equally many speak, where anybody does; more than `most` are as many."""
    events, first = [], 0
    for count, steps in groupby(np.minimum(counts, most).tolist()):
        last = first + len(list(steps))
        if count:
            events.append(Event(str(count), first * STEP_MS / 1000, last * STEP_MS / 1000))
        first = last
    return events
