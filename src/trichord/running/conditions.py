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
from trichord.running.spread import spread

POOL_CLIPS = 64
"""Voices for babble, and streams to swap, are those of so many clips; see `Disturbance`."""


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
    other clips' voices. `room`: seconds that a voice takes to decay by 60 dB, before noise is laid under
    it. By stream, `gaps`: the share of its time that is lost, in stretches of 0.8 s; `outliers`: the share
    that is replaced by wild values; `missing`: the probability that a clip lacks it. `swapped`: streams that
    come from another clip, one with other targets for the model's heads if there is one; `Disturbance` says
    which clips lend. All is drawn from `seed` and the clip's id alone.
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
    """Puts prepared clips into conditions; raises InputError where the model cannot meet them.

    `pool`: the clips that lend streams and voices, 64 of them, evenly spread, for corpora are sorted by class
    or speaker. Without it, or where it is empty, they are the first 64 that come.
    """

    def __init__(self, model: Model, conditions: Conditions, pool: Sequence[Clip] | None = None) -> None:
        self.specs = {name: stream.input.spec for name, stream in model.streams.items()}
        self.heads, self.conditions = list(model.heads), conditions
        self.heard = [name for name, spec in self.specs.items() if spec.kind == "samples"]
        self.check()
        self.noises = self.read_noises()
        self.sources = {
            name: NoiseSource(noise.source) for name, noise in self.noises.items() if name in self.heard
        }
        self.scales = {name: scale_of(model.preparations.by_stream[name]) for name in self.specs}
        babbling = [name for name, source in self.sources.items() if source.needs_voices]
        self.borrowed = {*conditions.swapped, *babbling} - {*conditions.without}
        self.pool: Sequence[Ready] = self.lenders(model, pool or ()) if self.borrowed else ()

    def check(self) -> None:
        told = self.conditions
        if (isinstance(told.noise, str) or told.room is not None) and not self.heard:
            raise InputError(
                f"the model has no stream of samples to lay {told.noise or 'a room'} under; "
                "noise in features or pictures is written STREAM=white:0dB"
            )
        clocked = [name for name, spec in self.specs.items() if spec.rate is not None]
        check_streams("gaps", told.gaps, clocked, "clocked stream")
        for what in ("outliers", "missing", "swapped"):
            check_streams(what, getattr(told, what), self.specs, "stream")
        for what in ("gaps", "outliers", "missing"):
            check_shares(what, getattr(told, what))

    def lenders(self, model: Model, pool: Sequence[Clip]) -> list[Ready]:
        """Prepare what is borrowed of the clips that lend."""
        rest = [name for name in self.specs if name not in self.borrowed]
        return [Ready(clip, model.preparations(clip, rest)) for clip in spread(pool, POOL_CLIPS)]

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
        if self.borrowed and not self.pool:
            self.pool = ready[:POOL_CLIPS]
        return [self.one(item) for item in ready]

    def one(self, item: Ready) -> Ready:
        item, clip = self.swapped(item), item.clip.id
        inputs = {name: item.inputs[name] for name in item.inputs if not self.misses(item, name)}
        for name in (name for name in self.heard if name in inputs):
            inputs[name] = self.sounding(name, cast(Samples, inputs[name]), clip)
        for name, share in self.conditions.gaps.items():
            spec = self.specs[name]
            if name in inputs and spec.rate is not None:
                lost = gaps(len(inputs[name]), spec.rate, share, self.draw(clip, "gaps", name))
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
            others = [other for other in others if self.differ(other.clip, item.clip)] or others
            if others:
                chosen = others[int(self.draw(item.clip.id, "swapped", name).integers(len(others)))]
                inputs[name], lent[name] = chosen.inputs[name], chosen.clip
        return Ready(item.clip, inputs, lent)

    def differ(self, one: Clip, other: Clip) -> bool:
        """Whether two clips have different targets for a head of the model."""
        return any(one.targets.get(head) != other.targets.get(head) for head in self.heads)

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

    def sounding(self, name: str, samples: Samples, clip: str) -> Samples:
        """Return a voice in its room, with noise under it."""
        rate = round(self.specs[name].rate or 16_000)
        if self.conditions.room is not None:
            walls = impulse_response(self.conditions.room, rate, self.draw(clip, "room", name))
            samples = reverberate(samples, walls)
        if name not in self.noises:
            return samples
        others = [cast(Samples, other.inputs[name])
                  for other in self.pool if name in other.inputs and other.clip.id != clip]  # fmt: skip
        rng = self.draw(clip, "noise", name)
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


def check_shares(what: str, shares: Mapping[str, float]) -> None:
    """Raise InputError for a stream's share, or probability, outside 0 to 1."""
    for name, share in shares.items():
        if not 0 <= share <= 1:
            raise InputError(f"{what}: {name}'s share must be from 0 to 1; got {share}")
