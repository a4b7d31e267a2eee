"""The conditions that a model is measured under: senses withheld, lost or swapped, noise, outliers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import NamedTuple, cast
from zlib import crc32

import numpy as np

from trichord.clip import Clip
from trichord.errors import InputError
from trichord.kinds import nearest
from trichord.prepare.corruption import add_white, outliers, scale_of
from trichord.prepare.gaps import gaps, hide
from trichord.prepare.noise import Samples, mix
from trichord.prepare.noise_source import Noise, NoiseSource
from trichord.prepare.preparation import Array, InputSpec
from trichord.prepare.reverberation import impulse_response, reverberate
from trichord.running.runtime.model import Model

POOL_CLIPS = 64
"""Voices for babble, and streams to swap, are those of so many clips: the first."""


class Ready(NamedTuple):
    """A clip whose inputs are prepared; `lent` names the clip that a swapped stream was taken from."""

    clip: Clip
    inputs: dict[str, Array]
    lent: Mapping[str, Clip] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Conditions:
    """What is made worse before a model answers.

    `without`: streams withheld. `noise`: such as `babble:0dB` (see `NoiseSource`), under every stream of
    samples, or one by stream; features and pictures take `white` (see `add_white`). Plain babble is made of
    the first clips' voices. `room`: seconds that a voice takes to decay by 60 dB, before noise is laid under
    it. By stream, `gaps`: the share of its time that is lost, in stretches of 0.8 s; `outliers`: the share
    that is replaced by wild values; `missing`: the probability that a clip lacks it. `swapped`: streams that
    come from another of the first clips, with other targets if there is one. All is drawn from `seed` and
    the clip's id alone.
    """

    without: tuple[str, ...] = ()
    noise: str | Mapping[str, str] | None = None
    room: float | None = None
    gaps: Mapping[str, float] = field(default_factory=dict)
    outliers: Mapping[str, float] = field(default_factory=dict)
    missing: Mapping[str, float] = field(default_factory=dict)
    swapped: tuple[str, ...] = ()
    seed: int = 0


AS_IT_IS = Conditions()


class Disturbance:
    """Puts prepared clips into conditions; raises InputError where the model has no stream to disturb."""

    def __init__(self, model: Model, conditions: Conditions) -> None:
        self.specs = {name: stream.input.spec for name, stream in model.streams.items()}
        self.conditions = conditions
        self.heard = [name for name, spec in self.specs.items() if spec.kind == "samples"]
        if (isinstance(conditions.noise, str) or conditions.room is not None) and not self.heard:
            raise InputError(
                f"the model has no stream of samples to lay {conditions.noise or 'a room'} under; "
                "noise in features or pictures is written STREAM=white:0dB"
            )
        clocked = [name for name, spec in self.specs.items() if spec.rate is not None]
        check_streams("gaps", conditions.gaps, clocked, "clocked stream")
        for what in ("outliers", "missing", "swapped"):
            check_streams(what, getattr(conditions, what), self.specs, "stream")
        for name, probability in conditions.missing.items():
            if not 0 <= probability <= 1:
                raise InputError(f"missing: {name}'s probability must be from 0 to 1; got {probability}")
        self.noises = self.read_noises()
        self.sources = {
            name: NoiseSource(noise.source) for name, noise in self.noises.items() if name in self.heard
        }
        self.scales = {name: scale_of(model.preparations.by_stream[name]) for name in self.specs}
        self.pool: Sequence[Ready] = ()

    def read_noises(self) -> dict[str, Noise]:
        """Return noise by stream."""
        written = self.conditions.noise or {}
        if isinstance(written, str):
            written = dict.fromkeys(self.heard, written)
        check_streams("noise", written, noisable(self.specs), "stream of samples, frames or features")
        noises = {name: Noise.parse(noise) for name, noise in written.items()}
        for name, noise in noises.items():
            if name not in self.heard and noise.source != "white":
                raise InputError(
                    f"noise: {name} holds {self.specs[name].kind}; its noise is white, not {noise.source}"
                )
        return noises

    def __call__(self, ready: Sequence[Ready]) -> list[Ready]:
        needed = self.conditions.swapped or any(source.needs_voices for source in self.sources.values())
        if needed and not self.pool:
            self.pool = ready[:POOL_CLIPS]
        return [self.one(item) for item in ready]

    def one(self, item: Ready) -> Ready:
        item = self.swapped(item)
        inputs, clip = (
            {name: item.inputs[name] for name in item.inputs if not self.misses(item, name)},
            item.clip.id,
        )
        rng = np.random.default_rng([self.conditions.seed, crc32(clip.encode())])
        for name in (name for name in self.heard if name in inputs):
            inputs[name] = self.sounding(name, cast(Samples, inputs[name]), clip, rng)
        for name, share in self.conditions.gaps.items():
            spec = self.specs[name]
            if name in inputs and spec.rate is not None:
                lost = gaps(len(inputs[name]), spec.rate, share, rng)
                inputs[name] = hide(inputs[name], lost, spec)
        return item._replace(inputs={name: self.corrupted(name, inputs[name], clip) for name in inputs})

    def draw(self, clip: str, what: str, stream: str) -> np.random.Generator:
        """Return randomness of its own, so that one disturbance never changes another."""
        words = (clip, what, stream)
        return np.random.default_rng([self.conditions.seed, *(crc32(word.encode()) for word in words)])

    def misses(self, item: Ready, name: str) -> bool:
        """Whether a clip lacks a stream; what it lacks at one probability, it lacks at a higher one too."""
        probability = self.conditions.missing.get(name, 0.0)
        return probability > self.draw(item.clip.id, "missing", name).random()

    def swapped(self, item: Ready) -> Ready:
        """Give a clip other clips' streams; it keeps its own where no other has one."""
        inputs, lent = dict(item.inputs), {}
        for name in (name for name in self.conditions.swapped if name in inputs):
            others = [other for other in self.pool if name in other.inputs and other.clip.id != item.clip.id]
            others = [other for other in others if other.clip.targets != item.clip.targets] or others
            if others:
                chosen = others[int(self.draw(item.clip.id, "swapped", name).integers(len(others)))]
                inputs[name], lent[name] = chosen.inputs[name], chosen.clip
        return Ready(item.clip, inputs, lent)

    def corrupted(self, name: str, array: Array, clip: str) -> Array:
        """Return features or pictures in noise, and any stream with outliers."""
        spec, scale = self.specs[name], self.scales[name]
        if name in self.noises and name not in self.heard:
            snr_db = self.noises[name].snr_db
            array = add_white(array, spec, snr_db, scale[1], self.draw(clip, "noise", name))
        if name in self.conditions.outliers:
            share = self.conditions.outliers[name]
            array = outliers(array, spec, share, scale, self.draw(clip, "outliers", name))
        return array

    def sounding(self, name: str, samples: Samples, clip: str, rng: np.random.Generator) -> Samples:
        """Return a voice in its room, with noise under it."""
        rate = round(self.specs[name].rate or 16_000)
        if self.conditions.room is not None:
            samples = reverberate(samples, impulse_response(self.conditions.room, rate, rng))
        if name not in self.noises:
            return samples
        others = [cast(Samples, other.inputs[name])
                  for other in self.pool if name in other.inputs and other.clip.id != clip]  # fmt: skip
        noise = self.sources[name].make(len(samples), rng, rate=rate, voices=others)
        return mix(samples, noise, self.noises[name].snr_db)


def noisable(specs: Mapping[str, InputSpec]) -> list[str]:
    """Return the streams that noise can be laid under: all but tokens."""
    return [name for name, spec in specs.items() if spec.kind != "tokens"]


def check_streams(what: str, named: Iterable[str], known: Iterable[str], kind: str) -> None:
    """Raise InputError for a name that is no such stream."""
    names = list(known)
    for name in named:
        if name not in names:
            raise InputError(f"{what}: {name!r} is no {kind} of the model{nearest(name, names)}")
