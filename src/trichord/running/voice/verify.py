"""Is it the same voice? Whose is it?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from trichord.errors import InputError
from trichord.running.runtime.inputs import Source
from trichord.running.runtime.model import Model
from trichord.running.voice.embeddings import Floats, contrastive_head, embeddings_of, unit_length


@dataclass(frozen=True, slots=True)
class Verdict:
    """How near two voices are, cosine from -1 to 1, and whether that is as near as `threshold`.

    `same` is None where the model knows no threshold and none was given.
    """

    cosine: float
    threshold: float | None

    @property
    def same(self) -> bool | None:
        return None if self.threshold is None else self.cosine >= self.threshold


def verify(
    model: Model, a: Source, b: Source, *, threshold: float | None = None, head: str | None = None
) -> Verdict:
    """Say whether two clips are of the same voice, by a model with a contrastive head.

    `threshold`: by default the model's own, of equal error rates on its validation clips. Raises InputError
    where a clip has nothing to be heard.
    """
    name = contrastive_head(model, head)
    first, second = embeddings_of(model, name, [a, b], batch=2)
    if not (first.any() and second.any()):
        raise InputError("a clip has nothing to be heard, so no voice can be compared")
    own = model.heads[name].get("threshold")
    return Verdict(float(first @ second), own if threshold is None else threshold)


@dataclass(frozen=True, slots=True)
class Identity:
    """Whose voice it is, None for nobody known, and how near each known voice is, cosine from -1 to 1."""

    name: str | None
    cosines: Mapping[str, float]


class KnownVoices:
    """People by name, told by some clips of each; call it with a clip, and it says who speaks.

    A person is the mean of the embeddings of their clips. threshold: cosine from which on a voice is known,
    by default the model's own, which fits two clips that are compared: of many known people one is more
    likely to be near by chance, so take a higher one. Where the model has none either, the nearest is meant.
    batch: clips heard at a time. Raises InputError where nobody is known, or a person's clips have nothing to
    be heard.
    """

    def __init__(
        self, model: Model, known: Mapping[str, Sequence[Source]], *, threshold: float | None = None,
        head: str | None = None, batch: int = 32,
    ) -> None:  # fmt: skip
        self.model, self.batch = model, batch
        self.head = contrastive_head(model, head)
        self.threshold = model.heads[self.head].get("threshold") if threshold is None else threshold
        if self.threshold is not None and not -1 <= self.threshold <= 1:
            raise InputError(f"a threshold is a cosine, -1 to 1; got {self.threshold}")
        if not known:
            raise InputError("nobody is known; give at least one person's clips")
        self.names = list(known)
        self.voices = np.concatenate([self.voice_of(name, known[name]) for name in known])

    def voice_of(self, name: str, clips: Sequence[Source]) -> Floats:
        mean = unit_length(self.embeddings(clips).sum(0, keepdims=True))
        if not mean.any():
            raise InputError(
                f"{name}: nothing is to be heard in {len(clips)} clips, so the voice stays unknown"
            )
        return mean

    def embeddings(self, clips: Sequence[Source]) -> Floats:
        """Return a row for each clip, `(clips, size)`, of length one; zeros where nothing is heard."""
        return embeddings_of(self.model, self.head, clips, self.batch)

    def __call__(self, clip: Source) -> Identity:
        """Return who speaks in a clip; raises InputError where there is nothing to be heard."""
        row = self.embeddings([clip])[0]
        if not row.any():
            raise InputError("the clip has nothing to be heard, so no voice can be told")
        cosines = np.clip(self.voices @ row, -1, 1)
        nearest = int(cosines.argmax())
        known = self.threshold is None or cosines[nearest] >= self.threshold
        return Identity(
            self.names[nearest] if known else None, dict(zip(self.names, cosines.tolist(), strict=True))
        )
