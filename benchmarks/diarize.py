"""How much of who-spoke-when is wrong on excerpts of AMI meetings?

    python benchmarks/diarize.py [--model MODEL] [--crowd MODEL] [--dry]

Settings are chosen on the excerpts for training and development, and tried on those for testing. Overlapped
speech is scored and no collar is left out, in the choice and in the row `diarize/der`; beside it stand the
rates with a collar of 0.25 s, and without overlapped speech; and that of all excerpts, each by the settings
that are best on the others, for two are few to test on. Without MODEL, voices are told apart by MFCC.

With --crowd, a model that counts voices (recipes/ami-diarize.yaml) says how many speakers are named at once.
It has learned from the excerpts for training, so that the choice, and the rate of all excerpts, lean to it.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Any, cast

import numpy as np
from results import record

from trichord import Audio, Event
from trichord.corpora import Ami
from trichord.media import AudioFile
from trichord.metrics import bootstrap, diarisation_error_of, diarisation_errors
from trichord.running.runtime import Model, load
from trichord.running.voice import (
    ActivitySettings,
    DiariseSettings,
    MfccVoice,
    ModelVoice,
    diarise,
    find_speech,
    how_many_speak,
)
from trichord.running.voice.detectors import DETECTORS, Detector
from trichord.running.voice.embeddings import Embed, Floats, Span

CHOSEN_ON, TESTED_ON, RATE = ("train", "valid"), ("test",), 16_000
ACTIVITY = [
    ActivitySettings(on=on, off=on / 2, min_silence=silence, padding=padding, min_speech=0.25)
    for on, silence, padding in product((0.1, 0.3, 0.5), (0.4, 0.8), (0.1, 0.2))
]
GRID = {
    "window": (1.0, 1.5, 3.0),
    "threshold": (0.3, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.1, 2.0),
    "change": (0.0, 1.0, 4.0),
    "overlap": (0.0, 0.1, 0.3),
}
RULES: dict[str, dict[str, Any]] = {
    "der": {},
    "der-collar": {"collar": 0.25},
    "der-no-overlap": {"skip_overlap": True},
    "der-collar-no-overlap": {"collar": 0.25, "skip_overlap": True},
}


@dataclass(frozen=True, slots=True)
class Excerpt:
    name: str
    audio: Audio
    turns: Sequence[Event]
    scored: Sequence[Span]
    crowd: Sequence[Event] | None = None


class Remembered:
    """Embeddings that are made once for the same spans of the same sound."""

    def __init__(self, embed: Embed) -> None:
        self.embed = embed
        self.known: dict[tuple[int, tuple[Span, ...]], Floats] = {}

    def __call__(self, audio: Audio, spans: Sequence[Span]) -> Floats:
        key = (id(audio), tuple(spans))
        if key not in self.known:
            self.known[key] = self.embed(audio, spans)
        return self.known[key]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--model", help="a model file or a name of the zoo with a contrastive head")
    parser.add_argument("--crowd", help="a model file with a tag head that counts voices")
    parser.add_argument("--dry", action="store_true", help="record nothing")
    args = parser.parse_args()
    embed = Remembered(ModelVoice(load(args.model)) if args.model else MfccVoice())
    counter = load(args.crowd) if args.crowd else None
    for_choice = [excerpt for split in CHOSEN_ON for excerpt in excerpts(split, counter)]
    for_test = [excerpt for split in TESTED_ON for excerpt in excerpts(split, counter)]
    activity = min(ACTIVITY, key=lambda tried: rate(rows_of_speech(for_choice, tried)))
    grid = GRID | {"overlap": (0.0,)} if counter else GRID
    tried = [*settings_tried(activity, grid)]
    by_settings = np.array([rows([*for_choice, *for_test], one, embed) for one in tried])
    rates = diarisation_error_of(by_settings[:, : len(for_choice)].sum(1))
    settings = tried[int(rates.argmin())]
    print("chosen:", settings, f"{rates.min():.4f} there")
    print(f"one speaker at a time, without any other error: {rate(rows_of_one_voice(for_test)):.4f}")
    note = f"embeddings: {args.model or 'MFCC'}; chosen on {len(for_choice)} other excerpts"
    if counter:
        alone = [replace(one, crowd=None) for one in for_test]
        note += f"; voices counted by {args.crowd}, without which {rate(rows(alone, settings, embed)):.3f}"
    each = each_by_the_others(by_settings)
    interval = bootstrap(each, diarisation_error_of)
    print(f"der-each-excerpt: {interval.value:.4f} [{interval.low:.4f}, {interval.high:.4f}] of {len(each)}")
    if not args.dry:
        record(
            "diarize/der-each-excerpt", interval.value, "diarisation error rate", n=len(each),
            spread=(interval.low, interval.high),
            note=f"all {len(each)} excerpts, each by settings chosen on the others; what counts voices, if "
            f"anything does, has learned from those for training; {told({})}; {note}",
        )  # fmt: skip
    for name, rule in RULES.items():
        found = rows(for_test, settings, embed, **rule)
        interval = bootstrap(found, diarisation_error_of)
        missed, alarm, confusion, speech = found.sum(0)
        print(f"{name}: {interval.value:.4f}; of {speech:.1f} s of speech {missed:.1f} missed, "
              f"{confusion:.1f} confused, {alarm:.1f} s invented")  # fmt: skip
        if not args.dry:
            record(
                f"diarize/{name}", interval.value, "diarisation error rate", n=len(for_test),
                bar="<= 0.35" if name == "der" else "", note=f"{told(rule)}; {note}",
            )  # fmt: skip


def each_by_the_others(found: Floats) -> Floats:
    """Return errors of each excerpt, `(excerpts, 4)`, by the settings that are best on all others.

    found: errors of all settings, `(settings, excerpts, 4)`.
    """
    others = found.sum(1, keepdims=True) - found
    best = diarisation_error_of(others).argmin(0)
    return np.asarray(found[best, np.arange(found.shape[1])])


def told(rule: Mapping[str, Any]) -> str:
    overlap = "overlap left out" if rule.get("skip_overlap") else "overlap scored"
    return f"collar {rule.get('collar', 0)} s, {overlap}"


def excerpts(split: str, counter: Model | None = None) -> Iterator[Excerpt]:
    for clip in Ami().clips(split):
        sound, turns = clip.inputs["audio"], clip.targets["speakers"]
        assert isinstance(sound, AudioFile)
        audio = sound.at(RATE)
        events = [turn for turn in cast(Sequence[Event], turns) if isinstance(turn, Event)]
        crowd = None if counter is None else how_many_speak(counter, audio)
        yield Excerpt(clip.id, audio, events, [(0.0, audio.seconds)], crowd)


def settings_tried(activity: ActivitySettings, grid: Mapping[str, Any]) -> Iterator[DiariseSettings]:
    for values in product(*grid.values()):
        yield DiariseSettings(activity=activity, **dict(zip(grid, values, strict=True)))


def rate(found: Floats) -> float:
    return float(diarisation_error_of(found.sum(0)))


def rows(some: Sequence[Excerpt], settings: DiariseSettings, embed: Embed, **rule: Any) -> Floats:
    """Return errors of each excerpt, `(excerpts, 4)`, where there is anything to be scored."""
    return np.array([
        diarisation_errors(
            one.turns,
            diarise(
                one.audio, settings, embed=embed, speech=spoken(one, settings.activity), crowd=one.crowd
            ),
            scored=one.scored, **rule,
        ).row()
        for one in some
    ])  # fmt: skip


class Replay:
    """Says of one sound again what a detector said of it at first."""

    def __init__(self, detector: Detector) -> None:
        self.detector = detector
        self.said: list[float] = []
        self.reset()

    def reset(self) -> None:
        self.place = 0

    def __call__(self, frame: np.ndarray) -> float:
        if self.place == len(self.said):
            self.said.append(self.detector(frame))
        self.place += 1
        return self.said[self.place - 1]


HEARD: dict[str, Replay] = {}
SPOKEN: dict[tuple[str, ActivitySettings], Sequence[Event]] = {}


def spoken(one: Excerpt, activity: ActivitySettings) -> Sequence[Event]:
    key = (one.name, activity)
    if key not in SPOKEN:
        if one.name not in HEARD:
            HEARD[one.name] = Replay(DETECTORS[activity.detector]())
        SPOKEN[key] = find_speech(one.audio, activity, HEARD[one.name])
    return SPOKEN[key]


def rows_of_speech(some: Sequence[Excerpt], activity: ActivitySettings) -> Floats:
    """Return errors in when anybody speaks, whoever it is."""
    return np.array([
        diarisation_errors(nameless(one.turns), nameless(spoken(one, activity)), scored=one.scored).row()
        for one in some
    ])  # fmt: skip


def rows_of_one_voice(some: Sequence[Excerpt]) -> Floats:
    """Return errors of who says nothing wrong, but never names two at once."""
    found = []
    for one in some:
        everybody = diarisation_errors(one.turns, one.turns, scored=one.scored).speech
        anybody = diarisation_errors(nameless(one.turns), [], scored=one.scored).speech
        found.append([everybody - anybody, 0.0, 0.0, everybody])
    return np.array(found)


def nameless(events: Sequence[Event]) -> list[Event]:
    return [replace(event, what="speech") for event in events]


if __name__ == "__main__":
    main()
