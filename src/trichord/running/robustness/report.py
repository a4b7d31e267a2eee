"""What is known of a model's robustness once it is measured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from trichord.metrics import Interval
from trichord.running.evaluate import by_name
from trichord.running.robustness.trust import Trust

Scores: TypeAlias = Mapping[str, Mapping[str, Mapping[str, Interval]]]
Disturbed: TypeAlias = Literal["noise", "outliers", "missing", "attack"]


@dataclass(frozen=True, slots=True)
class Level:
    """What a model said under a disturbance of one strength, None for clean.

    `scores`: metrics by subset of streams (`all`, or names joined by +), then by head, then by name; subsets
    that were not measured are left out. `shares`, where measured: each stream's mean signed share in the
    answers given all streams.
    """

    strength: float | None
    scores: Scores
    shares: Mapping[str, Interval] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        scores = {
            subset: {head: by_name(metrics) for head, metrics in heads.items()}
            for subset, heads in self.scores.items()
        }
        return {"strength": self.strength, "scores": scores, "shares": by_name(self.shares)}


@dataclass(frozen=True, slots=True)
class Sweep:
    """One disturbance of one stream, from clean to its strongest.

    `strength` is, for `noise`, the signal-to-noise ratio in dB; for `outliers`, their share; for `missing`,
    the probability that a clip lacks the stream; for `attack`, how far a value may move, in the `unit` of
    its kind. `source`: what the noise is made of, or how the attack is made.
    """

    disturbed: Disturbed
    stream: str
    levels: Sequence[Level]
    source: str = ""
    unit: str = ""

    @property
    def axis(self) -> str:
        """What the strengths are, for a picture."""
        return {
            "noise": f"{self.source} in {self.stream}, SNR in dB",
            "outliers": f"share of outliers in {self.stream}",
            "missing": f"share of clips without {self.stream}",
            "attack": f"{self.source} on {self.stream}, {self.unit}",
        }[self.disturbed]

    def condition(self, level: Level) -> str:
        """Say in words what a level was measured under."""
        if level.strength is None:
            return "clean"
        return {
            "noise": f"{self.stream}: {self.source} at {level.strength:g} dB",
            "outliers": f"{self.stream}: {level.strength:.3g} outliers",
            "missing": f"{self.stream}: missing in {level.strength:.0%}",
            "attack": f"{self.stream}: {self.source} {level.strength:g}",
        }[self.disturbed]

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        told = {"disturbed": self.disturbed, "stream": self.stream, "source": self.source, "unit": self.unit}
        return told | {"levels": [level.to_dict() for level in self.levels]}


@dataclass(frozen=True, slots=True)
class Robustness:
    """A model's scores clean, along every sweep, and with each stream swapped between clips."""

    model: str
    clips: int
    clean: Level
    sweeps: Sequence[Sweep] = ()
    trust: Sequence[Trust] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {
            "model": self.model,
            "clips": self.clips,
            "clean": self.clean.to_dict(),
            "sweeps": [sweep.to_dict() for sweep in self.sweeps],
            "trust": [trust.to_dict() for trust in self.trust],
        }
