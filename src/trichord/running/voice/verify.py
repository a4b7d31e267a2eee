"""Is it the same voice?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from trichord.errors import InputError
from trichord.running.runtime.inputs import Source
from trichord.running.runtime.model import Model
from trichord.running.voice.embeddings import contrastive_head


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
    first, second = (np.array(answer[name].value, np.float64) for answer in model.batch([a, b]))
    if not (first.any() and second.any()):
        raise InputError("a clip has nothing to be heard, so no voice can be compared")
    own = model.heads[name].get("threshold")
    return Verdict(float(first @ second), own if threshold is None else threshold)
