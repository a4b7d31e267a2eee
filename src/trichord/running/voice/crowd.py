"""How many speak at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from trichord.clip import Audio, Clip, Event
from trichord.errors import InputError
from trichord.kinds import nearest
from trichord.running.runtime.model import Model
from trichord.running.voice.diarise import is_count
from trichord.running.voice.embeddings import Span, cut

PART_SECONDS, CONTEXT_SECONDS = 20.0, 2.0


def how_many_speak(model: Model, audio: Audio, head: str | None = None) -> tuple[Event, ...]:
    """Return when how many speak at once, events called `1`, `2` ..., by a model with a tag head that counts.

    A long recording is heard in parts of 20 s, or as long as the model accepts, each with 2 s of what is
    around it. Raises InputError where the model does not count, or hears too short a clip.
    """
    name = counting_head(model, head)
    seconds = min(PART_SECONDS, model.metadata.max_seconds - 2 * CONTEXT_SECONDS)
    if seconds <= 0:
        raise InputError(
            f"{model.path}: hears {model.metadata.max_seconds:g} s, too short to count voices in"
        )
    events: list[Event] = []
    begin = 0.0
    while begin < audio.seconds:
        part = begin, min(begin + seconds, audio.seconds)
        first, last = max(0.0, part[0] - CONTEXT_SECONDS), min(part[1] + CONTEXT_SECONDS, audio.seconds)
        answer = model(Clip(f"{begin:.0f} s", {"audio": cut(audio, (first, last))}))[name]
        events += [within(event, first, part) for event in answer.events]
        begin += seconds
    return tuple(event for event in events if event.end is None or event.start < event.end)


def counting_head(model: Model, head: str | None = None) -> str:
    """Return the name of a model's tag head whose labels are numbers; InputError where there is none."""
    known = [name for name, described in model.heads.items() if counts(described)]
    if head is not None and head not in known:
        raise InputError(f"{model.path}: no head {head!r} that counts{nearest(head, known)}")
    if model.rate is None or (head is None and len(known) != 1):
        raise InputError(
            f"{model.path}: expected one tag head with a clock whose labels are numbers; there are {known}"
        )
    return head or known[0]


def counts(described: Mapping[str, Any]) -> bool:
    """Whether a head's labels are numbers of people."""
    return described["kind"] == "tag" and all(map(is_count, described["labels"]))


def within(event: Event, offset: float, part: Span) -> Event:
    """Return an event, whose times count from `offset`, cut to a part of the recording; empty beyond it."""
    begin = max(event.start + offset, part[0])
    return replace(event, start=begin, end=min((event.end or 0.0) + offset, part[1]))
