"""Which language is spoken, by voices that were not heard in training, and in recordings of which none was.

    python benchmarks/language.py RUN [--dry]

RUN is of recipes/language.yaml. Scores are the mean recall of the languages, over test clips of the corpora
that it has learned from, whose speakers are others where there are several, and over all clips of corpora
that it has never heard; and each corpus's share of right answers. Intervals are 95 %, over clips.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from results import record

from trichord.clip import Clip
from trichord.decoding import Decoded
from trichord.learning.recipe import load_recipe
from trichord.metrics import Interval, evaluate_head
from trichord.prepare.cache import Cache
from trichord.running.evaluate import answer_all
from trichord.running.runtime import load

HEAD = "language"


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("run", type=Path)
    parser.add_argument("--dry", action="store_true", help="record nothing")
    args = parser.parse_args()
    recipe = load_recipe(args.run / "recipe.yaml")
    heard = {clip.about["corpus"] for clip in recipe.clips("train")}
    model = load(args.run / "model.onnx")
    model.preparations.cache = Cache()
    pairs = [(clip, said[HEAD]) for clip, said in answer_all(model, recipe.clips("test")).pairs]
    for name, known in (("heard-corpora", True), ("unheard-corpora", False)):
        some = [(clip, said) for clip, said in pairs if (clip.about["corpus"] in heard) is known]
        score = scored(model.heads[HEAD], some)
        print(f"{name}: {score.value:.4f} [{score.low:.4f}, {score.high:.4f}]")
        corpora = dict.fromkeys(clip.about["corpus"] for clip, _ in some)
        by_corpus = "; ".join(told(corpus, some) for corpus in corpora)
        print(by_corpus)
        if not args.dry:
            record(
                f"language/{name}", score.value, "mean recall of the languages",
                spread=(score.low, score.high), n=len(some),
                note=f"right answers: {by_corpus}", seeds=[recipe.training.seed],
            )  # fmt: skip


def scored(head: dict, some: Sequence[tuple[Clip, Decoded]]) -> Interval:
    return evaluate_head(head, [clip.targets[HEAD] for clip, _ in some], [said for _, said in some])["uar"]


def told(corpus: str, some: Sequence[tuple[Clip, Decoded]]) -> str:
    right = Counter(clip.targets[HEAD] == said.value for clip, said in some if clip.about["corpus"] == corpus)
    return f"{corpus} {right[True]} of {right.total()}"


if __name__ == "__main__":
    main()
