"""How many speak at once."""

from __future__ import annotations

from dataclasses import replace

from trichord.clip import Audio, Clip, Event
from trichord.errors import ArtifactError, InputError
from trichord.running.runtime.model import Model
from trichord.running.voice.embeddings import Span, cut

PART_SECONDS, CONTEXT_SECONDS = 20.0, 2.0


def how_many_speak(model: Model, audio: Audio, head: str | None = None) -> tuple[Event, ...]:
    """Return when how many speak at once, events called `1`, `2` ..., by a model with a tag head that counts.

    A long recording is heard in parts of 20 s, each with 2 s of what is around it. Raises InputError where
    the model does not count.
    """
    name = counting_head(model, head)
    events: list[Event] = []
    begin = 0.0
    while begin < audio.seconds:
        part = begin, min(begin + PART_SECONDS, audio.seconds)
        first, last = max(0.0, part[0] - CONTEXT_SECONDS), min(part[1] + CONTEXT_SECONDS, audio.seconds)
        answer = model(Clip(f"{begin:.0f} s", {"audio": cut(audio, (first, last))}))[name]
        events += [clipped for event in answer.events if (clipped := within(event, first, part))]
        begin += PART_SECONDS
    return tuple(events)


def counting_head(model: Model, head: str | None = None) -> str:
    """Return the name of a model's tag head whose labels are numbers; InputError where there is none."""
    counting = [
        name
        for name, described in model.heads.items()
        if described["kind"] == "tag" and all(str(label).isdecimal() for label in described["labels"])
    ]
    if head is not None and head in counting:
        return head
    if head is not None or len(counting) != 1:
        raise InputError(f"{model.path}: expected one tag head whose labels are numbers; got {counting}")
    return counting[0]


def within(event: Event, offset: float, part: Span) -> Event | None:
    """Return an event, whose times count from `offset`, cut to a part of the recording."""
    if event.end is None:
        raise ArtifactError(f"a head that counts has no clock, so that {event.what!r:.60} never ends")
    begin, end = max(event.start + offset, part[0]), min(event.end + offset, part[1])
    return replace(event, start=begin, end=end) if begin < end else None
