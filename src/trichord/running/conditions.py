"""The conditions that a model is measured under: senses withheld, noise, a room, stretches lost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, cast
from zlib import crc32

import numpy as np

from trichord.clip import Clip
from trichord.errors import InputError
from trichord.kinds import nearest
from trichord.prepare.gaps import gaps, hide
from trichord.prepare.noise import Samples, mix
from trichord.prepare.noise_source import Noise, NoiseSource
from trichord.prepare.preparation import Array
from trichord.prepare.reverberation import impulse_response, reverberate
from trichord.running.runtime.model import Model

BABBLE_CLIPS = 64


class Ready(NamedTuple):
    """A clip whose inputs are prepared."""

    clip: Clip
    inputs: dict[str, Array]


@dataclass(frozen=True, slots=True)
class Conditions:
    """What is made worse before a model answers.

    `without`: streams withheld. `noise`: such as `babble:0dB` (see `NoiseSource`), under every stream of
    samples; plain babble is made of the first clips' voices. `room`: seconds that a voice takes to decay
    by 60 dB, before noise is laid under it. `gaps`: by stream, the share of its time that is lost, in
    stretches of 0.8 s. All is drawn from `seed` and the clip's id alone.
    """

    without: tuple[str, ...] = ()
    noise: str | None = None
    room: float | None = None
    gaps: Mapping[str, float] = field(default_factory=dict)
    seed: int = 0


AS_IT_IS = Conditions()


class Disturbance:
    """Puts prepared clips into conditions; raises InputError where the model has no stream to disturb."""

    def __init__(self, model: Model, conditions: Conditions) -> None:
        self.specs = {name: stream.input.spec for name, stream in model.streams.items()}
        self.conditions = conditions
        self.noise = Noise.parse(conditions.noise) if conditions.noise else None
        self.source = NoiseSource(self.noise.source) if self.noise else None
        self.heard = [name for name, spec in self.specs.items() if spec.kind == "samples"]
        if (self.noise or conditions.room) and not self.heard:
            raise InputError(f"the model has no stream of samples to lay {self.noise or 'a room'} under")
        for name in conditions.gaps:
            if name not in self.specs or self.specs[name].rate is None:
                clocked = [stream for stream, spec in self.specs.items() if spec.rate is not None]
                raise InputError(f"gaps: {name!r} is no clocked stream of the model{nearest(name, clocked)}")
        self.voices: list[tuple[str, str, Samples]] = []

    def __call__(self, ready: Sequence[Ready]) -> list[Ready]:
        if self.source and self.source.needs_voices and not self.voices:
            self.voices = [
                (item.clip.id, name, cast(Samples, item.inputs[name]))
                for item in ready[:BABBLE_CLIPS]
                for name in self.heard
                if name in item.inputs
            ]
        return [self.one(item) for item in ready]

    def one(self, item: Ready) -> Ready:
        rng = np.random.default_rng([self.conditions.seed, crc32(item.clip.id.encode())])
        inputs = dict(item.inputs)
        for name in (name for name in self.heard if name in inputs):
            inputs[name] = self.disturbed(name, cast(Samples, inputs[name]), item.clip.id, rng)
        for name, share in self.conditions.gaps.items():
            spec = self.specs[name]
            if name in inputs and spec.rate is not None:
                lost = gaps(len(inputs[name]), spec.rate, share, rng)
                inputs[name] = hide(inputs[name], lost, spec)
        return Ready(item.clip, inputs)

    def disturbed(self, name: str, samples: Samples, clip: str, rng: np.random.Generator) -> Samples:
        """Return a voice in its room, with noise under it."""
        rate = round(self.specs[name].rate or 16_000)
        if self.conditions.room is not None:
            samples = reverberate(samples, impulse_response(self.conditions.room, rate, rng))
        if self.noise and self.source:
            others = [voice for of, stream, voice in self.voices if stream == name and of != clip]
            samples = mix(
                samples, self.source.make(len(samples), rng, rate=rate, voices=others), self.noise.snr_db
            )
        return samples
