"""What a model answers about a clip."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from itertools import chain
from typing import Any

from trichord.clip import Event
from trichord.decoding import Decoded, Value
from trichord.errors import InputError
from trichord.prepare.preparation import Array
from trichord.running.explain.occlusion import Curve, occlude
from trichord.running.explain.shapley import Attribution
from trichord.running.explain.streams import explain_streams
from trichord.running.explain.worth import Runs


class Answer(Mapping[str, Decoded]):
    """A head's value is an attribute, `answer.transcript`; all that is known of it is `answer["transcript"]`.

    A head that bears the name of one of this class's own attributes is found by the brackets only.
    """

    def __init__(
        self,
        clip: str,
        heads: Mapping[str, Decoded],
        *,
        model: Runs,
        inputs: Mapping[str, Array],
        logits: Mapping[str, Array],
    ) -> None:
        self.clip = clip
        self.heads = dict(heads)
        self._model, self._inputs, self._logits = model, dict(inputs), dict(logits)

    def __getattr__(self, name: str) -> Any:
        heads = self.__dict__.get("heads", {})
        if name not in heads:
            raise AttributeError(f"no head {name!r}; this answer has: {', '.join(heads)}")
        return heads[name].value

    def __getitem__(self, head: str) -> Decoded:
        if head not in self.heads:
            raise KeyError(f"no head {head!r}; this answer has: {', '.join(self.heads)}")
        return self.heads[head]

    def __iter__(self) -> Iterator[str]:
        return iter(self.heads)

    def __len__(self) -> int:
        return len(self.heads)

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *self.heads})

    @property
    def confidence(self) -> float | None:
        """How sure the least sure head is, 0 to 1; None where no head can say."""
        known = [decoded.confidence for decoded in self.heads.values() if decoded.confidence is not None]
        return min(known, default=None)

    @property
    def events(self) -> tuple[Event, ...]:
        """The events of all heads, in the order in which they start."""
        return tuple(
            sorted(chain(*(head.events for head in self.heads.values())), key=lambda event: event.start)
        )

    @cached_property
    def attribution(self) -> dict[str, float]:
        """Signed share of each present stream in all heads' answers; runs the model when first asked.

        See `Attribution.shares`.
        """
        return self.explain().shares

    def explain(self, head: str | None = None) -> Attribution:
        """Return what each stream contributed to one head's answer, or to all heads' together, in nats."""
        return explain_streams(self._model, self._inputs, self._asked(head), self._logits)

    def occlude(self, head: str | None = None, *, window: float = 0.4, step: float = 0.1) -> dict[str, Curve]:
        """Return how much each moment of each clocked stream mattered; `window` and `step` in seconds."""
        return occlude(self._model, self._inputs, self._asked(head), self._logits, window=window, step=step)

    def _asked(self, head: str | None) -> dict[str, Value]:
        """Return the answers to explain, by head; a head that had nothing to say has none."""
        if head is not None and head not in self.heads:
            raise InputError(f"no head {head!r}; this answer has: {', '.join(self.heads)}")
        return {
            name: decoded.best
            for name, decoded in self.heads.items()
            if head in (None, name) and len(self._logits[name])
        }

    def to_dict(self, *, attribution: bool = False) -> dict[str, Any]:
        """Return plain JSON values: the clip, each head's answer, and if asked for, `attribution`."""
        answers = {name: plain(decoded) for name, decoded in self.heads.items()}
        told: dict[str, Any] = {"clip": self.clip, "answers": answers}
        return told | {"attribution": self.attribution} if attribution else told

    def __repr__(self) -> str:
        lines = [f"  {name} = {decoded.value!r}{sure(decoded)}" for name, decoded in self.heads.items()]
        return "\n".join([f"Answer({self.clip!r}", *lines, ")"])


def sure(decoded: Decoded) -> str:
    return "" if decoded.confidence is None else f"  ({decoded.confidence:.0%} sure)"


def plain(decoded: Decoded) -> dict[str, Any]:
    """Return a head's answer as plain JSON values."""
    value = decoded.value
    return {
        "value": list(value) if isinstance(value, tuple) else value,
        "confidence": decoded.confidence,
        "scores": dict(decoded.scores),
        "events": [
            {"what": e.what, "start": e.start, "end": e.end, "confidence": e.confidence}
            for e in decoded.events
        ],
    }
