"""Digits, sounds and emotions from sound alone: trained recipes beside classical methods, on the same folds.

    python benchmarks/sounds.py fsdd|digits|esc10|nemo [--only trained|classical] [--seeds 1]

Runs go to runs/sounds-* and are not repeated, so that an interrupted benchmark goes on. Scores are over the
test clips of all folds, each tested by what learned without it; intervals draw speakers, actors or recordings
with all that is theirs. Every choice, of a classical method's settings too, is made on validation clips.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from report import ROOT
from results import record

from trichord.experiments.baseline import baseline
from trichord.experiments.paired import difference, per_clip
from trichord.experiments.train import EVALUATION, train
from trichord.metrics import bootstrap

RUNS = ROOT / "runs"
SPEAKERS = ("george", "jackson", "lucas", "nicolas", "theo", "yweweler")


HEARD = {"streams.voice": {"from": "audio", "encoder": "cnn"}, "objectives": []}


class Case(NamedTuple):
    """A way to divide a recipe's clips: what each fold changes, and the classical methods beside it.

    The trained recipe's row bears `row`; without one it is not trained. A classical method's row bears
    `name`/METHOD; `plain` is what a classical method changes of the recipe, such as to be given mel cepstra
    and the spectrum's shape, and `speeds` at which it learns from the training clips besides.
    """

    recipe: str
    stream: str
    head: str
    name: str
    row: str
    folds: Sequence[Mapping[str, Any]]
    classical: Sequence[str]
    bars: Mapping[str, str]
    note: str
    metric: str = "accuracy"
    plain: Mapping[str, Any] = {}
    speeds: Sequence[float] = ()


CASES = {
    "fsdd": [
        Case(
            "fsdd", "voice", "digit", "fsdd/official", "fsdd/official/neural", [{}],
            ("hmm", "svm", "knn", "forest"), {"trained": ">= 0.99", "hmm": ">= 0.97"},
            "takes 0 to 4 test, 5 to 9 validate",
        ),
        Case(
            "fsdd", "voice", "digit", "fsdd/unseen-speaker", "",
            [{"corpus.hold_out": speaker} for speaker in SPEAKERS], ("hmm",), {"hmm": ">= 0.92"},
            "each speaker held out in turn; all of a speaker's clips have been heard, unlabelled, before one "
            "is answered; learned at three speeds",
            plain={"streams.voice.prepare.by": "speaker"}, speeds=(0.87, 1.15),
        ),
    ],
    "digits": [
        Case(
            "digits", "voice", "transcript", "digits/official", "fsdd/official/phones", [{}], (),
            {}, "takes 0 to 4 test, 5 to 9 validate", metric="sentence_accuracy",
        ),
        Case(
            "digits", "voice", "transcript", "digits/unseen-speaker", "fsdd/unseen-speaker",
            [{"corpus.hold_out": speaker} for speaker in SPEAKERS], (), {"trained": ">= 0.92"},
            "each speaker held out in turn; the network has heard all of a speaker's clips, unlabelled, "
            "before it answers",
            metric="sentence_accuracy",
        ),
    ],
    "esc10": [
        Case(
            "esc10", "audio_scene", "sound", "esc10", "esc10/accuracy",
            [{"corpus.test_fold": fold} for fold in range(1, 6)],
            ("forest", "svm"), {"trained": ">= 0.85"},
            "five official folds; published: random forest 0.727, human 0.957",
        ),
    ],
    "nemo": [
        Case(
            "nemo-emotion", "voice", "emotion", "nemo-emotion/unseen-actor", "nemo-emotion/unseen-actor",
            [{"fold.number": fold} for fold in range(7)], ("forest",), {"trained": "forest + 0.10"},
            "each of seven actors held out in turn, the next one validates; the network has heard all of an "
            "actor's clips, unlabelled, before it answers, the forest has not",
            plain=HEARD,
        ),
        Case(
            "nemo-emotion", "voice", "emotion", "nemo-emotion/random-folds", "nemo-emotion/random-folds",
            [{"fold.of": 5, "fold.by": None, "fold.number": 0}], (), {},
            "one of five random parts tests; published, on all nine actors: 0.8395",
        ),
    ],
}  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("corpus", choices=CASES)
    parser.add_argument("--only", choices=["trained", "classical"])
    parser.add_argument("--seeds", type=int, default=1)
    options = parser.parse_args()
    for case in CASES[options.corpus]:
        found: dict[str, list[list[Path]]] = {}
        if options.only != "classical" and case.row:
            found["trained"] = [trained(case, seed) for seed in range(options.seeds)]
        if options.only != "trained":
            memory: dict[Any, Any] = {}  # features are made once for all methods and folds
            found |= {kind: [classical(case, kind, memory)] for kind in case.classical}
        for kind, runs in found.items():
            write(case, kind, runs)
        if "trained" in found and case.classical and case.classical[0] in found:
            compare(case, found["trained"], found[case.classical[0]])


def folder_of(case: Case, kind: str, fold: int) -> Path:
    return RUNS / f"sounds-{case.name.replace('/', '-')}-{kind}-{fold}"


def trained(case: Case, seed: int) -> list[Path]:
    """Return the run of every fold, trained where it is not there yet."""
    source, runs = ROOT / "recipes" / f"{case.recipe}.yaml", []
    for number, fold in enumerate(case.folds):
        folder = folder_of(case, f"seed{seed}", number)
        train(source, folder, changes={**fold, "training.seed": seed}, export=False)
        runs.append(folder)
    return runs


def classical(case: Case, kind: str, memory: dict[Any, Any]) -> list[Path]:
    source, runs = ROOT / "recipes" / f"{case.recipe}.yaml", []
    for number, fold in enumerate(case.folds):
        folder = folder_of(case, kind, number)
        if not (folder / EVALUATION).exists():
            baseline(source, kind, folder, head=case.head, stream=case.stream,
                     changes={**fold, **case.plain}, memory=memory, speeds=case.speeds)  # fmt: skip
        runs.append(folder)
    return runs


def write(case: Case, kind: str, runs: list[list[Path]]) -> None:
    clips = per_clip(runs, case.head, case.metric)
    score = bootstrap(clips.rows, clips.statistic, groups=clips.groups)
    every = [per_clip([[run]], case.head, case.metric) for run in runs[0]]
    by_fold = [float(one.statistic(one.rows.sum(0))) for one in every]
    told = "" if len(by_fold) == 1 else f"; fold by fold {', '.join(f'{value:.3f}' for value in by_fold)}"
    name = case.row if kind == "trained" else f"{case.name}/{kind}"
    seeds = list(range(len(runs))) if kind == "trained" else None
    record(name, score.value, case.metric, spread=(score.low, score.high), n=len(clips.clips), seeds=seeds,
           bar=case.bars.get(kind, ""), note=f"{case.note}{told}")  # fmt: skip
    print(f"{name}: {score.value:.3f} [{score.low:.3f}, {score.high:.3f}]{told}", flush=True)


def compare(case: Case, ours: list[list[Path]], theirs: list[list[Path]]) -> None:
    more = difference(ours, theirs, case.head, case.metric)
    name = f"{case.name}/trained-minus-{case.classical[0]}"
    record(name, more.value, f"difference of {case.metric}", spread=(more.low, more.high), n=more.n,
           note=f"{case.note}; paired clip by clip")  # fmt: skip
    print(f"{name}: {more.value:+.3f} [{more.low:+.3f}, {more.high:+.3f}]", flush=True)


if __name__ == "__main__":
    np.seterr(all="raise", under="ignore")
    main()
