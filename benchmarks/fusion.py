"""Every way to join senses, in one table a corpus: CMU-MOSI, RAVDESS, digits heard and seen.

    python benchmarks/fusion.py mosi|ravdess|avdigits [--seeds 5]

Trains what runs/compare-* does not hold yet, so that an interrupted run goes on: one recipe, every fusion,
five seeds. "best" is the variant with the best mean score on validation clips, in a cross-validation fold by
fold; test scores choose nothing. Rows are means over seeds, their spread one standard deviation to either
side; differences and ratios are paired, clip by clip, with 95 % intervals that draw together what belongs
together: an actor's clips, a recording's pairs, a video's utterances.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from report import ROOT
from results import record

from trichord.experiments.compare import compare, over_seeds, run_variant
from trichord.experiments.paired import PerClip, Runs, chosen_by_fold, per_clip, score_on_test
from trichord.experiments.unexported import answers, only
from trichord.learning.fusion import FUSIONS
from trichord.learning.training import RunFolder
from trichord.learning.training.data import prepare_clips
from trichord.metrics import Floats, Interval, bootstrap, groups_of, paired_bootstrap, ratio
from trichord.prepare.cache import Cache
from trichord.recipes import read_yaml

LATE = ("sum", "mean", "weights", "voting", "concat")
MIDDLE = tuple(kind for kind in FUSIONS if kind != "voting")
RAVDESS = {"late": ("sum", "weights", "voting", "concat"), "middle": ("concat", "gates")}
FOLDS = 6
ALONE = {"picture": {"training.batch_seconds": 2}}  # as many pictures in a batch as clips elsewhere
DOUBT = "shares of swapped steps from accuracies that were published for this split"
BARS = {
    "mosi/best/accuracy": ">= 0.803",
    "ravdess/best/accuracy": ">= 0.65",
    "ravdess/adapted/accuracy": ">= 0.80",
    "avdigits/best/error-ratio": "<= 0.5",
}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("corpus", choices=["mosi", "ravdess", "avdigits"])
    parser.add_argument("--seeds", type=int, default=5)
    options = parser.parse_args()
    {"mosi": mosi, "ravdess": ravdess, "avdigits": avdigits}[options.corpus](options.seeds)


def mosi(seeds: int) -> None:
    rows, runs = every_fusion("mosi", "sentiment", seeds)
    best = chosen(rows)
    note = f"{best}, chosen on validation videos; {DOUBT}"
    down("mosi/best/accuracy", rows[best]["test"], "accuracy", seeds, note)
    interval_of("mosi/best-interval/accuracy", runs[best], "sentiment", seeds, f"{best}; 95 % over videos")
    subsets_of("mosi", runs[best], "sentiment", seeds)


def avdigits(seeds: int) -> None:
    rows, runs = every_fusion("avdigits", "digit", seeds)
    best = chosen(rows)
    down("avdigits/best/accuracy", rows[best]["test"], "accuracy", seeds, f"{best}, chosen on validation")
    alone = {name: alone_model("avdigits", name, "digit", seeds) for name in ("voice", "picture")}
    better = max(alone, key=lambda name: alone[name][0])  # by validation
    fused, single = (per_clip(of, "digit", "accuracy") for of in (runs[best], alone[better][1]))
    both = np.stack([errors(fused), errors(single)], 1)
    note = f"errors of {best} over those of a model of {better} alone, the better of the two"
    ratio_of = bootstrap(both, ratio, groups=fused.groups)
    noted("avdigits/best/error-ratio", ratio_of, "ratio of error rates", seeds, note)
    _, joint = table("avdigits-any", ROOT / "runs" / "compare-avdigits-any", ("mean",), seeds, {})
    for name in alone:
        _, of_one = alone_model("avdigits-any", name, "digit", seeds)
        missing("avdigits", joint["mean"], of_one, name, "digit", seeds)


def ravdess(seeds: int) -> None:
    for key, adapt in (("best", None), ("adapted", "actor")):
        corpus = {"kind": "ravdess_features"} | ({"adapt": adapt} if adapt else {})
        changes: dict[str, Any] = {"corpus": corpus, "fold.of": FOLDS, "fold.by": "actor"}
        if adapt:
            changes["objectives"] = [part for part in read_recipe("ravdess")["objectives"]
                                     if part["kind"] != "swap_means"]  # fmt: skip
        told = "features of each actor normalised by that actor's own unlabelled clips; " if adapt else ""
        folder = ROOT / "runs" / f"compare-ravdess-{key}"
        runs: Runs = {}
        for stage, kinds in RAVDESS.items():
            rows, found = table("ravdess", folder / stage, kinds, 1, {**changes, "stage": stage}, folds=FOLDS)
            runs |= {f"{stage}-{kind}": found[kind] for kind in kinds}
            for kind in kinds:
                note = f"{told}one seed, of whose five parts of actors one validates; {FOLDS} folds"
                down(f"ravdess/{key}-{stage}-{kind}/accuracy", rows[kind]["test"], "accuracy", 1, note)
        names, _ = chosen_by_fold(runs, "emotion", "accuracy")
        final = [[finally_trained(folder / "final", names[0][fold], seed, fold, changes)
                  for fold in range(FOLDS)] for seed in range(seeds)]  # fmt: skip
        row = over_seeds([score_on_test(folds, "emotion", "accuracy") for folds in final])
        note = (f"{told}{FOLDS} folds of unseen actors; fusion chosen in each by actors it is not tested "
                f"on ({', '.join(names[0])}), then trained on all other 20")  # fmt: skip
        down(f"ravdess/{key}/accuracy", row, "accuracy", seeds, note)
        interval_of(f"ravdess/{key}-interval/accuracy", final, "emotion", seeds, "95 % over actors")
        subsets_of(f"ravdess/{key}", final, "emotion", seeds)


def finally_trained(folder: Path, name: str, seed: int, fold: int, changes: Mapping[str, Any]) -> Path:
    """Train what was chosen for a fold on all actors that it is not tested on."""
    stage, _, kind = name.partition("-")
    variant = {"fusion": kind, "stage": stage}
    return run_variant(ROOT / "recipes" / "ravdess.yaml", folder, variant, seed,
                       {**changes, "fold.number": fold, "fold.validate": False})  # fmt: skip


def every_fusion(corpus: str, head: str, seeds: int) -> tuple[dict[str, Any], Runs]:
    """Train and write down every fusion in the middle and late; return rows and runs by what they are."""
    rows: dict[str, Any] = {}
    runs: Runs = {}
    for stage, kinds in (("middle", MIDDLE), ("late", LATE)):
        changes = {} if stage == "middle" else {"stage": "late"}
        folder = ROOT / "runs" / (f"compare-{corpus}" + ("" if stage == "middle" else "-late"))
        found, of_kind = table(corpus, folder, kinds, seeds, changes)
        for kind in kinds:
            name = kind if stage == "middle" else f"late-{kind}"
            rows[name], runs[name] = found[kind], of_kind[kind]
            down(
                f"{corpus}/{name}/accuracy", found[kind]["test"], f"{head} accuracy", seeds, f"{stage} fusion"
            )
    return rows, runs


def table(
    corpus: str, folder: Path, kinds: Sequence[str], seeds: int, changes: Mapping[str, Any],
    folds: int | None = None,
) -> tuple[dict[str, Any], Runs]:  # fmt: skip
    """Return a comparison's rows by fusion, and the runs behind them."""
    recipe = ROOT / "recipes" / f"{corpus}.yaml"
    compare(recipe, folder, over={"fusion": list(kinds)}, seeds=seeds, folds=folds, changes=dict(changes))
    rows = json.loads((folder / "comparison.json").read_text("utf-8"))
    runs = {
        kind: [
            [run / f"fold-{n}" for n in range(folds)] if folds else [run]
            for run in (folder / f"fusion={kind}" / f"seed-{seed}" for seed in range(seeds))
        ]
        for kind in kinds
    }
    return {row["variant"].partition("=")[2]: row for row in rows}, runs


def alone_model(corpus: str, stream: str, head: str, seeds: int) -> tuple[float, list[list[Path]]]:
    """Train models of one stream alone, write down how they do; return their validation score, and them."""
    streams = {stream: read_recipe(corpus)["streams"][stream]}
    changes = {"streams": streams, "objectives": [], **ALONE.get(stream, {})}
    folder = ROOT / "runs" / f"compare-{corpus}-{stream}"
    rows, runs = table(corpus, folder, ("mean",), seeds, changes)
    down(f"{corpus}/{stream}-alone/accuracy", rows["mean"]["test"], f"{head} accuracy", seeds,
         f"a model of {stream} alone")  # fmt: skip
    return rows["mean"]["valid"]["mean"], runs["mean"]


def missing(
    corpus: str, joint: list[list[Path]], single: list[list[Path]], stream: str, head: str, seeds: int
) -> None:
    """Write down how far the joint model, given one stream, is from the model of that stream alone."""
    with_one = np.sum([right(run, (stream,), head) for (run,) in joint], axis=0)
    own = np.sum([right(run, (stream,), head) for (run,) in single], axis=0)
    count = np.full(len(own), float(seeds))
    groups = groups_of([clip.about for clip in RunFolder(joint[0][0]).load()[0].clips("test")])
    less = paired_bootstrap(np.stack([with_one, count], 1), np.stack([own, count], 1), ratio, groups=groups)
    note = f"the joint model given {stream} alone, less a model of {stream} alone; 95 % over clips"
    noted(
        f"missing/{corpus}-{stream}", less, "difference of accuracies", seeds, note, bar="interval reaches 0"
    )


def subsets_of(name: str, runs: list[list[Path]], head: str, seeds: int) -> None:
    """Write down what each stream alone, and all but one, give the chosen models."""
    scores: dict[str, list[float]] = {}
    for folds in runs:
        found = [json.loads((run / "evaluation.json").read_text("utf-8"))["test"] for run in folds]
        for subset in found[0]:
            parts = [one[subset]["heads"][head]["accuracy"] for one in found]
            total = sum(part["value"] * part["n"] for part in parts) / sum(part["n"] for part in parts)
            scores.setdefault(subset, []).append(total)
    for subset, values in scores.items():
        down(
            f"{name}-given-{subset}/accuracy",
            over_seeds(values),
            f"{head} accuracy",
            seeds,
            "the chosen model",
        )


def right(run: Path, kept: tuple[str, ...], head: str) -> Floats:
    """Return whether a run is right about each test clip, given these streams."""
    recipe, model = RunFolder(run).load()
    clips = recipe.clips("test")
    items = [only(item, kept) for item in prepare_clips(clips, recipe.streams, Cache())]
    pairs = answers(recipe, model, clips, items)
    return np.array([said[head].value == clip.targets[head] for clip, said in pairs], np.float64)


def errors(found: PerClip) -> Floats:
    """Return how many seeds err about each test clip."""
    return np.asarray(found.rows[:, 1] - found.rows[:, 0])


def chosen(rows: Mapping[str, Any]) -> str:
    return max(rows, key=lambda name: rows[name]["valid"]["mean"])


def read_recipe(corpus: str) -> dict[str, Any]:
    return dict(read_yaml(ROOT / "recipes" / f"{corpus}.yaml"))


def interval_of(name: str, runs: list[list[Path]], head: str, seeds: int, note: str) -> None:
    found = per_clip(runs, head, "accuracy")
    noted(name, bootstrap(found.rows, found.statistic, groups=found.groups), "accuracy", seeds, note)


def down(name: str, row: Mapping[str, float], metric: str, seeds: int, note: str) -> None:
    spread = (row["mean"] - row["std"], row["mean"] + row["std"])
    told = f"{note}; mean ± standard deviation over seeds" if seeds > 1 else note
    record(name, row["mean"], metric, spread=spread if seeds > 1 else None, seeds=list(range(seeds)),
           bar=BARS.get(name, ""), note=told)  # fmt: skip
    print(f"{name}: {row['mean']:.4f} ± {row['std']:.4f}", flush=True)


def noted(name: str, score: Interval, metric: str, seeds: int, note: str, bar: str = "") -> None:
    record(name, score.value, metric, spread=(score.low, score.high), n=score.n, seeds=list(range(seeds)),
           bar=bar or BARS.get(name, ""), note=note)  # fmt: skip
    print(f"{name}: {score.value:.4f} [{score.low:.4f}, {score.high:.4f}]", flush=True)


if __name__ == "__main__":
    main()
