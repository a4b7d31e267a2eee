"""Measuring how a model holds: each stream alone, all together, under every disturbance that applies."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from trichord.clip import Clip
from trichord.errors import InputError
from trichord.running.conditions import AS_IT_IS, Conditions, Disturbance, noisable
from trichord.running.evaluate import Answers, answer_all, report_on
from trichord.running.explain.by_class import mean_shares
from trichord.running.robustness.report import Level, Robustness, Scores, Sweep
from trichord.running.robustness.subsets import subset_name, subsets, withheld
from trichord.running.robustness.trust import Trust, head_trust
from trichord.running.runtime.model import Beam, Model

Progress = Callable[[Sequence[Clip], str], Iterable[Clip]]
Subset: TypeAlias = tuple[str, ...]

SNRS_DB = (20.0, 10.0, 5.0, 0.0, -5.0, -10.0)
OUTLIERS = (0.001, 0.01, 0.05, 0.2)
MISSING = (0.25, 0.5, 0.75, 1.0)


@dataclass(frozen=True, slots=True)
class Plan:
    """What to measure beside clean clips.

    `noise`: streams, each with what its noise is made of, laid under it at each of `snrs_db`; a stream may
    come several times. `outliers`: shares, and `missing`: probabilities, for every stream in turn. `swap`:
    every stream in turn from other clips.
    """

    noise: Sequence[tuple[str, str]] = ()
    snrs_db: Sequence[float] = SNRS_DB
    outliers: Sequence[float] = ()
    missing: Sequence[float] = ()
    swap: bool = False


def usual_noise(model: Model) -> list[tuple[str, str]]:
    """Return babble for every stream of samples, white noise for features and pictures."""
    specs = {name: stream.input.spec for name, stream in model.streams.items()}
    return [(name, "babble" if specs[name].kind == "samples" else "white") for name in noisable(specs)]


def noise_of(model: Model, written: Sequence[str]) -> list[tuple[str, str]]:
    """Read noise, such as `babble`, or for one stream `lips=white`, as streams and sources.

    Without a stream white noise is for all but tokens, any other for every stream of samples. Raises
    InputError where there is none.
    """
    found: list[tuple[str, str]] = []
    for each in written:
        stream, named, source = each.partition("=")
        if named:
            found.append((stream, source))
            continue
        fitting = [name for name, usual in usual_noise(model) if each == "white" or usual == "babble"]
        if not fitting:
            raise InputError(f"the model has no stream of samples, so noise of {each} changes nothing")
        found += [(name, each) for name in fitting]
    return list(dict.fromkeys(found))


def robustness(
    model: Model,
    clips: Sequence[Clip],
    plan: Plan,
    *,
    batch: int = 8,
    beam: Beam | None = None,
    progress: Progress = lambda clips, what: clips,
) -> Robustness:
    """Measure a model on clean clips with every subset of its streams, then as `plan` says.

    Whatever a disturbance cannot change is not measured again. Raises InputError, before anything is
    measured, where the model cannot meet a condition.
    """
    check(model, plan)
    bench = Bench(model, clips, batch, beam, progress)
    clean = bench.measure_clean(compare=plan.swap)
    sweeps = [bench.noise(name, source, plan.snrs_db) for name, source in plan.noise]
    if plan.outliers:
        sweeps += [bench.outliers(name, plan.outliers) for name in model.streams]
    if plan.missing:
        sweeps += [bench.missing(name, plan.missing) for name in model.streams]
    swapped = [bench.swap(name) for name in model.streams] if plan.swap else []
    return Robustness(model.metadata.name, len(clips), clean, sweeps, swapped)


def check(model: Model, plan: Plan) -> None:
    """Raise InputError for what the model cannot be put through."""
    wanted = [noisy(name, source, snr_db) for name, source in plan.noise for snr_db in plan.snrs_db]
    wanted += [Conditions(outliers=dict.fromkeys(model.streams, share)) for share in plan.outliers]
    wanted += [Conditions(missing=dict.fromkeys(model.streams, rate)) for rate in plan.missing]
    for conditions in wanted:
        Disturbance(model, conditions)


def noisy(stream: str, source: str, snr_db: float) -> Conditions:
    return Conditions(noise={stream: f"{source}:{snr_db:g}dB"})


class Bench:
    """A model and the clips that it is measured on, under one condition after another."""

    def __init__(
        self, model: Model, clips: Sequence[Clip], batch: int, beam: Beam | None, progress: Progress
    ) -> None:
        self.model, self.clips, self.batch, self.beam, self.progress = model, clips, batch, beam, progress
        self.subsets = subsets(list(model.streams))
        self.clean = Level(None, {})
        self.apart: dict[str, Mapping[str, float]] = {}  # by clip, then by head: how far its streams disagree

    def answer(
        self, what: str, conditions: Conditions, *, explain: bool = False, compare: bool = False
    ) -> Answers:
        return answer_all(
            self.model, self.progress(self.clips, what), conditions,
            batch=self.batch, beam=self.beam, explain=explain, compare=compare, pool=self.clips,
        )  # fmt: skip

    def measure_clean(self, *, compare: bool) -> Level:
        self.clean, answers = self.level(None, AS_IT_IS, self.subsets, "clean", compare=compare)
        self.apart = {
            clip.id: apart for (clip, _), apart in zip(answers.pairs, answers.disagreements, strict=False)
        }
        return self.clean

    def level(
        self, strength: float | None, conditions: Conditions, wanted: Sequence[Subset], what: str, *,
        explain: bool = True, compare: bool = False,
    ) -> tuple[Level, Answers]:  # fmt: skip
        """Return scores with each of the `wanted` subsets, and the answers given all streams."""
        everything = self.answer(what, conditions, explain=explain, compare=compare)
        scores = {"all": report_on(self.model, everything).heads}
        for kept in wanted:
            name, without = subset_name(kept, self.model.streams), withheld(kept, self.model)
            if name != "all":
                answers = self.answer(f"{what}, {name} alone", replace(conditions, without=without))
                scores[name] = report_on(self.model, answers).heads
        return Level(strength, scores, mean_shares(everything.shares)), everything

    def sweep_level(
        self, strength: float, conditions: Conditions, wanted: Sequence[Subset], sweep: Sweep, *,
        explain: bool = False,
    ) -> Level:  # fmt: skip
        """Return a level whose scores are those of clean clips wherever `sweep` changes nothing."""
        touched = [kept for kept in wanted if sweep.stream in kept]
        what = sweep.condition(Level(strength, {}))
        level, _ = self.level(strength, conditions, touched, what, explain=explain)
        return replace(level, scores=self.completed(level.scores, sweep.stream))

    def completed(self, scores: Scores, stream: str) -> Scores:
        """Add what is known of the subsets without a stream."""
        rest = [subset_name(kept, self.model.streams) for kept in self.subsets if stream not in kept]
        known = {**scores, **{name: self.clean.scores[name] for name in rest}}
        return {name: known[name] for name in self.clean.scores if name in known}

    def noise(self, stream: str, source: str, snrs_db: Sequence[float]) -> Sweep:
        """Lay noise under one stream; every subset is measured, and every stream's share."""
        sweep = Sweep("noise", stream, [self.clean], source)
        levels = [
            self.sweep_level(snr_db, noisy(stream, source, snr_db), self.subsets, sweep, explain=True)
            for snr_db in sorted(snrs_db, reverse=True)
        ]
        return replace(sweep, levels=[self.clean, *levels])

    def outliers(self, stream: str, shares: Sequence[float]) -> Sweep:
        """Scatter outliers over one stream; it is measured alone and with all others."""
        sweep = Sweep("outliers", stream, [self.clean])
        levels = [
            self.sweep_level(share, Conditions(outliers={stream: share}), [(stream,)], sweep)
            for share in sorted(shares)
        ]
        return replace(sweep, levels=[self.clean, *levels])

    def missing(self, stream: str, rates: Sequence[float]) -> Sweep:
        """Take one stream from ever more clips; where none has it, this is known already."""
        sweep = Sweep("missing", stream, [self.clean])
        rest = subset_name([name for name in self.model.streams if name != stream], self.model.streams)
        levels = [
            Level(rate, self.completed({"all": self.clean.scores[rest]}, stream))
            if rate == 1 and rest in self.clean.scores
            else self.sweep_level(rate, Conditions(missing={stream: rate}), [], sweep)
            for rate in sorted(rates)
        ]
        return replace(sweep, levels=[self.clean, *levels])

    def swap(self, stream: str) -> Trust:
        """Take one stream from other clips, see who is believed."""
        answers = self.answer(f"{stream} swapped", Conditions(swapped=(stream,)), explain=True, compare=True)
        heads = {
            head: head_trust(head, described, stream, list(self.model.streams), answers, self.apart)
            for head, described in self.model.heads.items()
        }
        return Trust(stream, report_on(self.model, answers).heads, mean_shares(answers.shares), heads)
