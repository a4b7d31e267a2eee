"""Which language is spoken, in corpora that were heard in training, and in others?

    python benchmarks/language.py RUN [--dry]

RUN is a finished run of recipes/language.yaml; what its model file said of the test clips is read from there.
Scores are the mean recall of the languages, over clips of the corpora that it has learned from, and over all
clips of corpora of which it has heard nothing; and each corpus's share of right answers, with how many of its
speakers, where they are named, were heard in training. Intervals are 95 %, over clips.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from results import record

from trichord.decoding import Decoded
from trichord.experiments.predictions import read_predictions
from trichord.experiments.train import PREDICTIONS
from trichord.learning.recipe import load_recipe
from trichord.metrics import Interval, evaluate_head

HEAD = "language"
Rows = Sequence[Mapping[str, Any]]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("run", type=Path)
    parser.add_argument("--dry", action="store_true", help="record nothing")
    args = parser.parse_args()
    recipe = load_recipe(args.run / "recipe.yaml")
    heard = {(clip.about["corpus"], clip.about.get("speaker")) for clip in recipe.clips("train")}
    learned_from = {corpus for corpus, _ in heard}
    rows = read_predictions(args.run / PREDICTIONS)
    for name, known in (("heard-corpora", True), ("unheard-corpora", False)):
        some = [row for row in rows if (row["about"]["corpus"] in learned_from) is known]
        score = scored(some)
        corpora = dict.fromkeys(row["about"]["corpus"] for row in some)
        told = "; ".join(told_of(corpus, some, heard) for corpus in corpora)
        print(f"{name}: {score.value:.4f} [{score.low:.4f}, {score.high:.4f}]: {told}")
        if not args.dry:
            record(
                f"language/{name}", score.value, "mean recall of the languages",
                spread=(score.low, score.high), n=len(some), note=told, seeds=[recipe.training.seed],
            )  # fmt: skip


def scored(some: Rows) -> Interval:
    said = [Decoded(row[HEAD]["value"], row[HEAD]["confidence"], 0.0) for row in some]
    targets = [row[HEAD]["target"] for row in some]
    return evaluate_head({"kind": "classify", "labels": sorted(set(targets))}, targets, said)["uar"]


def told_of(corpus: str, some: Rows, heard: set[tuple[str, str | None]]) -> str:
    own = [row for row in some if row["about"]["corpus"] == corpus]
    right = sum(row[HEAD]["value"] == row[HEAD]["target"] for row in own)
    speakers = {row["about"]["speaker"] for row in own if "speaker" in row["about"]}
    known = sum((corpus, speaker) in heard for speaker in speakers)
    of_them = f", {known} of {len(speakers)} speakers heard" if speakers else ""
    return f"{corpus} ({own[0][HEAD]['target']}) {right} of {len(own)}{of_them}"


if __name__ == "__main__":
    main()
