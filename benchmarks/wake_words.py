"""How many wake words are missed where other speech hardly ever raises a false alarm?

    python benchmarks/wake_words.py RUN [--alarms-per-hour 0.2] [--noise esc10:10dB] [--dry]

RUN is a folder that recipes/wake-words.yaml was trained into; measured is the streaming file made of it. How
long a phrase's window is, and a threshold for each word, are chosen on validation clips of the words and on
other speech: those that miss the fewest clips while false alarms of all words together are to be as rare as
they must be. Then words of the test split, clean and with noise, are looked for at these thresholds, and
false alarms are counted in speech of other corpora and splits again. The run may have learned from none of
it, nor what it began with.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np
from results import record
from scipy.stats import chi2

from trichord import Clip
from trichord.corpora import (
    SPLITS,
    Aishell,
    Ami,
    AudioCmn,
    Corpus,
    Fsdd,
    Grid,
    NemoEmotion,
    Speechocean,
    SpeechToIntent,
    WakeWords,
)
from trichord.decoding.spotting import Trigger, peaks
from trichord.errors import InputError
from trichord.learning.export import export_run
from trichord.learning.recipe import Recipe
from trichord.learning.training.run import RunFolder
from trichord.metrics import Interval, bootstrap, normalise_text
from trichord.metrics.sums import Floats, divide
from trichord.metrics.verification import alarm_rate
from trichord.prepare.preparation import Array
from trichord.running.conditions import Conditions, Disturbance, Ready
from trichord.running.live import Spotter
from trichord.running.live.spotter import probability
from trichord.running.runtime import Model, load
from trichord.running.spread import spread

WORD, BATCH, WINDOW = "keyword", 16, 256
Parts = Sequence[tuple[type[Corpus], tuple[str, ...]]]
CHOSEN_ON: Parts = ((NemoEmotion, SPLITS), (Grid, SPLITS), (Speechocean, ("valid",)))
TESTED_ON: Parts = (
    (Speechocean, ("test",)), (SpeechToIntent, SPLITS), (AudioCmn, SPLITS), (Fsdd, SPLITS), (Ami, SPLITS),
    (Aishell, ("test",)),
)  # fmt: skip
"""Other speech, on which the threshold is chosen, and on which it is tested."""


WINDOWS = (1.0, 1.5, 2.0)
"""Seconds within which a whole phrase is to be said."""


@dataclass(slots=True)
class Heard:
    """What was made of clips: logits by head, their word if any, how long they are."""

    logits: list[Mapping[str, Array]] = field(default_factory=list)
    words: list[str] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)

    def scored(self, spotter: Spotter) -> Scored:
        return Scored([spotter.scores(one) for one in self.logits], self.words, self.seconds)


@dataclass(frozen=True, slots=True)
class Scored:
    """Each phrase's score at each step of clips, their word if any, how long they are."""

    scores: Sequence[Mapping[str, Floats]]
    words: Sequence[str]
    seconds: Sequence[float]

    @property
    def hours(self) -> float:
        return sum(self.seconds) / 3600

    def best(self, word: str) -> Floats:
        """Return the highest score of a word in each clip where it is said."""
        rows = zip(self.scores, self.words, strict=True)
        return np.array([scores[word].max(initial=-np.inf) for scores, said in rows if said == word])

    def peaks(self, word: str, apart: int) -> Floats:
        """Return the score of whatever could be a detection of a word where it is not said."""
        rows = zip(self.scores, self.words, strict=True)
        others = [scores[word] for scores, said in rows if said != word]
        found = [np.unique(one[peaks(one, apart)]) for one in others]  # one that stays counts once
        return np.concatenate([np.zeros(0), *found])

    def alarms(self, thresholds: Mapping[str, float], apart: int) -> Floats:
        """Return how many phrases other than its own word are noticed in each clip."""
        return np.array([
            sum(len(Trigger(thresholds[phrase], apart).feed(one))
                for phrase, one in scores.items() if phrase != word)
            for scores, word in zip(self.scores, self.words, strict=True)
        ], np.float64)  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("run", type=Path, help="a finished run of recipes/wake-words.yaml")
    parser.add_argument(
        "--alarms-per-hour", type=float, default=0.2, help="in validation speech, at the most"
    )
    parser.add_argument("--noise", default="esc10:10dB", help="as for trichord evaluate")
    parser.add_argument("--clips", type=int, help="only so many of every kind, to try it out")
    parser.add_argument("--validation-only", action="store_true", help="choose, and test nothing")
    parser.add_argument("--dry", action="store_true", help="record nothing")
    options = parser.parse_args()
    words = WakeWords()
    phrases = sorted({str(clip.targets[WORD]) for clip in words.clips("train")})
    recipe, _ = RunFolder(options.run).load()
    check_unseen(RunFolder(options.run), recipe)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "wake-words.onnx"
        export_run(RunFolder(options.run), file, streaming=True)
        model = load(file)

    def some(clips: Sequence[Clip], noise: str | None = None) -> Heard:
        return hear(model, spread(clips, options.clips), noise)

    valid, other = some(words.clips("valid")), some(speech(CHOSEN_ON, phrases))
    spotters = [Spotter(model, phrases, window_seconds=seconds) for seconds in WINDOWS]
    choices = [
        chosen(valid.scored(spotter), other.scored(spotter), spotter, options.alarms_per_hour)
        for spotter in spotters
    ]
    choice = min(choices, key=lambda choice: choice.rate)
    for seconds, one in zip(WINDOWS, choices, strict=True):
        print(f"window {seconds} s: {one.rate:.4f} of validation words missed")
    print(f"probabilities from which on a word is noticed: {choice.told}")
    if options.validation_only:
        return
    found = {noise: some(words.clips("test"), noise) for noise in (None, options.noise)}
    strange = some(speech(TESTED_ON, phrases))
    tell(choice, found, strange, sum(other.seconds) / 3600, options)


def check_unseen(run: RunFolder, recipe: Recipe) -> None:
    """Raise InputError where a run, or what it began with, has learned from speech that shall be strange."""
    learned_from = run.learned_from(recipe).title
    for corpus, splits in (*CHOSEN_ON, *TESTED_ON):
        if corpus.about.title in learned_from and "train" in splits:
            raise InputError(
                f"the run has learned from {corpus.name}, in which there must be no false alarms"
            )


def without(phrases: Sequence[str], clips: Sequence[Clip]) -> list[Clip]:
    """Return the clips in which, as far as transcripts tell, no phrase is said and could be noticed."""
    said = [f" {normalise_text(str(clip.targets.get('transcript', '')))} " for clip in clips]
    return [
        clip for clip, text in zip(clips, said, strict=True)
        if not any(f" {phrase} " in text for phrase in phrases)
    ]  # fmt: skip


def speech(parts: Parts, phrases: Sequence[str]) -> list[Clip]:
    return without(
        phrases, [clip for corpus, splits in parts for split in splits for clip in corpus().clips(split)]
    )


def hear(model: Model, clips: Sequence[Clip], noise: str | None) -> Heard:
    """Hear every clip, each from silence on, in batches of like length."""
    heard = Heard()
    disturb = Disturbance(model, Conditions(noise=noise), clips)
    stream = model.streams[next(iter(model.streams))]
    for window in windows(clips):
        ready = disturb([Ready(clip, model.preparations(clip)) for clip in window])
        ready = sorted(ready, key=samples)
        for start in range(0, len(ready), BATCH):
            batch = ready[start : start + BATCH]
            for item, logits in zip(batch, model.logits([one.inputs for one in batch]), strict=True):
                heard.logits.append(logits)
                heard.words.append(str(item.clip.targets.get(WORD, "")))
                heard.seconds.append(samples(item) / (stream.input.rate or 1))
    return heard


def windows(clips: Sequence[Clip]) -> Iterator[Sequence[Clip]]:
    yield from (clips[start : start + WINDOW] for start in range(0, len(clips), WINDOW))


def samples(item: Ready) -> int:
    return sum(map(len, item.inputs.values()))


class Choice(NamedTuple):
    """A spotter, each word's threshold in log-odds, and the mean share of validation clips below it."""

    spotter: Spotter
    thresholds: Mapping[str, float]
    rate: float

    @property
    def told(self) -> str:
        return ", ".join(f"{word} {probability(value):.2g}" for word, value in self.thresholds.items())


def chosen(words: Scored, other: Scored, spotter: Spotter, alarms_per_hour: float) -> Choice:
    """Choose thresholds that miss the fewest validation clips, among scores of these clips themselves.

    How often there will be false alarms at a threshold is told by `alarm_rate`. Misses are weighed against it
    by one price for all words, the lowest at which all of them together are rare enough.
    """
    rows: dict[str, list[tuple[float, float, float]]] = {}
    for word in spotter.phrases:
        best = np.sort(words.best(word))
        alarms = other.peaks(word, spotter.apart)
        rows[word] = [
            (float((best < score).mean()), alarm_rate(alarms, float(score), hours=other.hours), float(score))
            for score in best[np.isfinite(best)]
        ]
    for price in np.geomspace(1e-4, 1e4, 801):
        taken = {word: min(its, key=lambda row: row[0] + price * row[1]) for word, its in rows.items()}
        if sum(rate for _, rate, _ in taken.values()) <= alarms_per_hour:
            break
    else:
        raise InputError(f"no thresholds make false alarms rarer than {alarms_per_hour:g} an hour")
    thresholds = {word: score for word, (_, _, score) in taken.items()}
    return Choice(spotter, thresholds, float(np.mean([missed for missed, _, _ in taken.values()])))


def tell(
    choice: Choice, found: Mapping[str | None, Heard], strange: Heard, hours: float,
    options: argparse.Namespace,
) -> None:  # fmt: skip
    """Print and record how many words are missed, and how often there is a false alarm."""
    spotter, thresholds = choice.spotter, choice.thresholds
    about = (
        f"streaming file; a window of {spotter.window / spotter.rate:.1f} s and the probability from which "
        f"on each word is noticed ({choice.told}), chosen on the validation split and {hours:.2f} h of other "
        f"speech, whose tail tells how rare higher scores are: {named(CHOSEN_ON)}"
    )
    for noise, heard in found.items():
        scored = heard.scored(spotter)
        miss, by_word = missed(scored, thresholds)
        wrong = scored.alarms(thresholds, spotter.apart)
        note = f"{', '.join(by_word)}; {wrong.sum():.0f} times another word was noticed; {about}"
        row = "wake-words/miss" if noise is None else "wake-words/miss-in-noise"
        show(row, miss, "mean miss rate of six words", "<= 0.10" if noise is None else "",
             note if noise is None else f"{noise}; {note}", options.dry)  # fmt: skip
    others = strange.scored(spotter)
    alarms, count = others.alarms(thresholds, spotter.apart), len(others.words)
    low, high = (bound / others.hours for bound in poisson(alarms.sum()))
    rate = Interval(float(alarms.sum() / others.hours), low, high, count)
    told = f"{alarms.sum():.0f} in {others.hours:.2f} h, of all words together; spread exact (Poisson); "
    show("wake-words/false-alarms-per-hour", rate, "false alarms an hour of other speech", "<= 0.2",
         f"{told}{named(TESTED_ON)}; {about}", options.dry)  # fmt: skip


def named(parts: Parts) -> str:
    return ", ".join(f"{corpus.name} ({' '.join(splits)})" for corpus, splits in parts)


def missed(heard: Scored, thresholds: Mapping[str, float]) -> tuple[Interval, list[str]]:
    """Return the mean of the words' miss rates, and each in words."""
    names = sorted(thresholds)
    pairs = zip(heard.scores, heard.words, strict=True)
    misses = np.array([scores[word].max(initial=-np.inf) < thresholds[word] for scores, word in pairs])
    said = np.array([[word == name for name in names] for word in heard.words], np.float64)
    rows = np.concatenate([said * misses[:, None], said], axis=1)

    def mean_rate(sums: Floats) -> Floats:
        return np.asarray(divide(sums[..., : len(names)], sums[..., len(names) :]).mean(-1))

    rates = rows[:, : len(names)].sum(0) / said.sum(0)
    by_word = [f"{name} {rate:.3f}" for name, rate in zip(names, rates, strict=True)]
    return bootstrap(rows, mean_rate), by_word


def poisson(count: float) -> tuple[float, float]:
    """Return the 95 % interval of a count's mean (F. Garwood, 1936)."""
    low = chi2.ppf(0.025, 2 * count) / 2 if count else 0.0
    return float(low), float(chi2.ppf(0.975, 2 * count + 2) / 2)


def show(row: str, score: Interval, metric: str, bar: str, note: str, dry: bool) -> None:
    print(f"{row}: {score.value:.4f} [{score.low:.4f}, {score.high:.4f}] {metric}, n {score.n}\n  {note}")
    if not dry:
        record(row, score.value, metric, spread=(score.low, score.high), n=score.n, bar=bar, note=note)


if __name__ == "__main__":
    main()
