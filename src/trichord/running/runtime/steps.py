"""A generative model's graph, run half by half: clips are encoded once, then texts are written in steps."""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING

import numpy as np

from trichord.artifact import Metadata, step_inputs, step_outputs
from trichord.decoding.generate import Singles, Units
from trichord.errors import ArtifactError
from trichord.prepare.preparation import Array

if TYPE_CHECKING:
    from trichord.running.runtime.model import Model


class Decoder:
    """What a head's decoder foretells, as `trichord.decoding` asks for it; see `decoding.generate.Step`.

    Raises ArtifactError after so many seconds, and where the graph gives anything but finite numbers.
    """

    def __init__(self, model: Model, head: str, seconds: float) -> None:
        self.model, self.head, self.until = model, head, monotonic() + seconds

    def __call__(self, units: Units, told: Singles, past: Singles) -> tuple[Array, Array]:
        if monotonic() > self.until:
            raise ArtifactError(f"{self.model.path}: head {self.head!r} has written for too long")
        texts = len(units)
        heard = np.repeat(told[None], texts, 0)
        values = (units, heard, np.full(texts, len(told), np.int64), past)
        fed = no_streams(self.model.metadata) | no_steps(self.model.metadata)
        given = self.model.run(fed | dict(zip(step_inputs(self.head), values, strict=True)))
        logits, kept = (given[name] for name in step_outputs(self.head))
        labels, width = len(self.model.heads[self.head]["labels"]), self.model.metadata.steps[self.head]
        for array, size in ((logits, labels), (kept, width)):
            if array.shape != (*units.shape, size) or not np.isfinite(array).all():
                raise ArtifactError(
                    f"{self.model.path}: the decoder of head {self.head!r} gave {array.shape}, "
                    f"or not finite; expected {(*units.shape, size)}"
                )
        return logits, kept


def no_steps(metadata: Metadata) -> dict[str, Array]:
    """Return what the decoders are fed while clips are encoded: each a unit about one step, all zeros."""
    fed: dict[str, Array] = {}
    for head, width in metadata.steps.items():
        kept = np.zeros((1, 1, width), np.float32)
        values = (np.zeros((1, 1), np.int64), kept, np.ones(1, np.int64), kept)
        fed |= dict(zip(step_inputs(head), values, strict=True))
    return fed


def no_streams(metadata: Metadata) -> dict[str, Array]:
    """Return what the encoders are fed while texts are written: a step of zeros of each stream."""
    fed: dict[str, Array] = {}
    for name, stream in metadata.streams.items():
        spec = stream.input.spec
        fed[name] = np.zeros((1, 1, *spec.shape), spec.dtype)
        fed[f"{name}_lengths"] = np.ones(1, np.int64)
    return fed
