"""What each part of an input did: the moments of a sound, the tokens of a text, the pixels of a picture."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from trichord.artifact import StreamDescription
from trichord.prepare.preparation import Array
from trichord.running.explain.occlusion import Curve

UNKNOWN = "?"


@dataclass(frozen=True, slots=True)
class Parts:
    """One stream's parts, and the nats that each added to the answer: `(steps, ...)`, signed.

    `rate`: steps per second, None without a clock. `tokens`: the text's, where it is one. `pictures`: those
    that the stream is made of, uint8 `(steps, height, width[, 3])`, where it is.
    """

    kind: Literal["samples", "frames", "tokens", "array"]
    nats: NDArray[np.float32]
    rate: float | None = None
    tokens: tuple[str, ...] = ()
    pictures: Array | None = None

    @property
    def steps(self) -> NDArray[np.float32]:
        """What each step added, `(steps,)`."""
        summed: NDArray[np.float32] = self.nats.reshape(len(self.nats), -1).sum(1)
        return summed

    @property
    def curve(self) -> Curve:
        """What each step added, over seconds; over step numbers without a clock."""
        times = (np.arange(len(self.nats), dtype=np.float64) + 0.5) / (self.rate or 1.0)
        return Curve(times, self.steps.astype(np.float64))

    @property
    def strongest(self) -> tuple[int, NDArray[np.float32]]:
        """The picture whose pixels did most, either way: its number, and their nats `(height, width)`."""
        by_pixel = self.nats if self.nats.ndim == 3 else self.nats.sum(-1)
        number = int(np.abs(by_pixel).sum((1, 2)).argmax())
        return number, by_pixel[number]

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values: all that a picture shows."""
        told: dict[str, Any] = {"nats": rounded(self.steps)}
        if self.rate is not None:
            told["seconds"] = rounded(self.curve.times)
        if self.kind == "tokens":
            told["tokens"] = list(self.tokens)
        if self.kind == "array":
            told["features"] = rounded(self.nats)  # by step, then by feature
        if self.kind == "frames":
            number, heat = self.strongest
            shown = None if self.pictures is None else self.pictures[number].tolist()
            told["strongest"] = {"frame": number, "nats": rounded(heat), "picture": shown}
        return told


def parts_of(
    streams: Mapping[str, StreamDescription],
    inputs: Mapping[str, Array],
    nats: Mapping[str, NDArray[np.float32]],
    rates: Mapping[str, float | None],
) -> dict[str, Parts]:
    """Join what a model's streams are with what their parts did, by stream."""
    found = {}
    for name, values in nats.items():
        kind, array = streams[name].input.kind, inputs[name]
        tokens = tokens_of(streams[name], array) if kind == "tokens" else ()
        found[name] = Parts(kind, values, rates[name], tokens, array if kind == "frames" else None)
    return found


def tokens_of(stream: StreamDescription, numbers: Array) -> tuple[str, ...]:
    """Return the tokens that the numbers stand for; 0 is the unknown."""
    vocabulary = [UNKNOWN, *map(str, stream.state.get("vocabulary", ()))]
    return tuple(vocabulary[n] if n < len(vocabulary) else UNKNOWN for n in map(int, numbers.tolist()))


def rounded(values: Array) -> Any:
    """Return numbers as JSON holds them, to six digits."""
    flat = [float(f"{value:.6g}") for value in values.ravel().tolist()]
    return np.array(flat).reshape(values.shape).tolist()
