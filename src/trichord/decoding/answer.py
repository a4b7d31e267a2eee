"""What a head answered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from trichord.clip import Event

Value: TypeAlias = str | float | tuple[float, ...] | tuple[str, ...]

UNSURE = "not sure"
"""What a classifier says instead of a class of which it is not confident enough."""


@dataclass(frozen=True, slots=True)
class Decoded:
    """One answer.

    `confidence` is between 0 and 1, or None where there is nothing to be confident about.
    `log_score` is the natural log-probability of `best`, as `log_probability` gives it.
    `rate` is how many of a tagger's labels last a second, None where steps have no clock.
    `scores` are the classes' probabilities; `events` the words of a transcript, or the
    spans of a tagger, with their times.
    """

    value: Value
    confidence: float | None
    log_score: float
    scores: Mapping[str, float] = field(default_factory=dict)
    events: tuple[Event, ...] = ()
    rate: float | None = None

    @property
    def best(self) -> Value:
        """The answer that `log_score` is about: `value`, but the likeliest class where that is "not sure"."""
        return max(self.scores, key=self.scores.__getitem__) if self.scores else self.value
