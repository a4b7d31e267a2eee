"""What tells voices apart: a vector for each stretch of sound."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from trichord.clip import Audio, Clip
from trichord.errors import InputError
from trichord.features.audio.cepstral import mfcc
from trichord.kinds import nearest
from trichord.media import resample
from trichord.running.runtime.inputs import Source
from trichord.running.runtime.model import Model

Floats: TypeAlias = NDArray[np.float64]
Span: TypeAlias = tuple[float, float]
Embed: TypeAlias = Callable[[Audio, Sequence[Span]], Floats]
"""A recording and spans of it in seconds -> their embeddings `(spans, dim)`, of length one."""

RATE, HOP_MS, WINDOW_MS = 16_000, 10.0, 25.0
SHORTEST = 0.1  # seconds that a model is given at least


@dataclass(frozen=True, slots=True)
class MfccVoice:
    """Means and deviations of MFCC over a span, each less the recording's mean and over its deviation.

    The baseline that needs no model. It tells voices of one recording apart, not of two.
    coefficients: of each frame; the zeroth, which is loudness, is left out.
    """

    coefficients: int = 20

    def __call__(self, audio: Audio, spans: Sequence[Span]) -> Floats:
        if not spans:
            return np.zeros((0, 2 * self.coefficients))
        heard = resample(audio, RATE)
        frames = mfcc(heard.samples, RATE, coefficients=self.coefficients + 1, bands=40)[:, 1:]
        rows = [self.of_frames(frames, span) for span in spans]
        table = np.array(rows, np.float64)
        spread = table.std(0)
        return unit_length((table - table.mean(0)) / np.where(spread > 1e-9, spread, 1.0))

    def of_frames(self, frames: NDArray[np.floating], span: Span) -> Floats:
        first = min(round(span[0] * 1000 / HOP_MS), max(len(frames) - 1, 0))
        inside = frames[first : max(round((span[1] * 1000 - WINDOW_MS) / HOP_MS), first + 1)]
        if not len(inside):
            return np.zeros(2 * self.coefficients)
        return np.concatenate([inside.mean(0), inside.std(0)]).astype(np.float64)


class ModelVoice:
    """The embeddings of a model with a contrastive head that hears sound.

    head: its name, where there are several. batch: spans that it is given at a time.
    """

    def __init__(self, model: Model, head: str | None = None, batch: int = 32) -> None:
        self.model, self.batch = model, batch
        self.head = contrastive_head(model, head)

    @property
    def distance(self) -> float | None:
        """Cosine distance below which two voices are one by the model's own threshold, if it has one."""
        own = self.model.heads[self.head].get("threshold")
        return None if own is None else 1.0 - float(own)

    def __call__(self, audio: Audio, spans: Sequence[Span]) -> Floats:
        clips = [Clip(f"{start:.2f} s", {"audio": cut(audio, (start, end))}) for start, end in spans]
        return embeddings_of(self.model, self.head, clips, self.batch)


def embeddings_of(model: Model, head: str, clips: Sequence[Source], batch: int) -> Floats:
    """Return a contrastive head's answer about each clip, `(clips, size)`, so many clips being heard at once.

    Rows have length one; those of clips with nothing to be heard are zero.
    """
    found = [
        answer[head].value
        for first in range(0, len(clips), batch)
        for answer in model.batch(clips[first : first + batch])
    ]
    return np.array(found, np.float64).reshape(len(found), int(model.heads[head]["size"]))


def contrastive_head(model: Model, head: str | None = None) -> str:
    """Return the name of a model's head that embeds; InputError where there is none, or several."""
    known = [name for name, described in model.heads.items() if described["kind"] == "contrastive"]
    if head is not None and head not in known:
        raise InputError(f"{model.path}: no contrastive head {head!r}{nearest(head, known)}")
    if not known:
        raise InputError(f"{model.path}: has no contrastive head, so it makes no embeddings")
    if head is None and len(known) > 1:
        raise InputError(f"{model.path}: several contrastive heads; name one of {', '.join(known)}")
    return head or known[0]


def cut(audio: Audio, span: Span) -> Audio:
    """Return a span of a recording, lengthened in its midst where it is very short."""
    lacking = max(0.0, SHORTEST - (span[1] - span[0])) / 2
    first = max(0, round((span[0] - lacking) * audio.rate))
    return Audio(audio.samples[first : max(round((span[1] + lacking) * audio.rate), first)], audio.rate)


def unit_length(rows: Floats) -> Floats:
    """Return rows of length one; what is zero stays so."""
    lengths = np.linalg.norm(rows, axis=-1, keepdims=True)
    return np.asarray(rows / np.where(lengths > 1e-12, lengths, 1.0))
