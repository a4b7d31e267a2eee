"""A finished run's scores on its test split, with all streams, without each, and each alone.

    python benchmarks/scores.py RUN [RUN ...]

A run with several classifiers, such as the slots of a command, is scored by the share of clips in which all
of them are right, as RUN/slots/STREAMS; one with several heads otherwise, by each, as RUN/HEAD/STREAMS.
Intervals are 95 %, over clips.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from results import record

from trichord.metrics import Interval, bootstrap, headline_of, ratio, with_count
from trichord.prepare.cache import Cache
from trichord.running.conditions import Conditions
from trichord.running.evaluate import Answers, answer_all, report_on
from trichord.running.robustness import subset_name, subsets, withheld
from trichord.running.runtime import Model, load


def main(folder: Path) -> None:
    from trichord.learning.recipe import load_recipe

    recipe = load_recipe(folder / "recipe.yaml")
    model = load(folder / "model.onnx")
    model.preparations.cache = Cache()
    clips = recipe.clips("test")
    for kept in subsets(list(model.streams)):
        answers = answer_all(model, clips, Conditions(withheld(kept, model)))
        for part, (metric, score) in scores(model, answers).items():
            name = "/".join([folder.name, *part, subset_name(kept, model.streams)])
            spread = (score.low, score.high)
            note = f"recipes/{folder.name}.yaml, one seed"
            record(name, score.value, metric, spread=spread, n=score.n, note=note,
                   seeds=[recipe.training.seed])  # fmt: skip
            print(f"{name}: {metric} {score.value:.4f} [{score.low:.4f}, {score.high:.4f}]")


def scores(model: Model, answers: Answers) -> dict[tuple[str, ...], tuple[str, Interval]]:
    """Return the run's scores by part: all classifiers right, or each head's headline metric."""
    classifiers = [name for name, head in model.heads.items() if head["kind"] == "classify"]
    if len(classifiers) > 1:
        right = [all(said[name].value == clip.targets[name] for name in classifiers)
                 for clip, said in answers.pairs]  # fmt: skip
        score = bootstrap(with_count(np.array(right, np.float64)), ratio)
        return {("slots",): (f"all {len(classifiers)} right", score)}
    found = {}
    for name, metrics in report_on(model, answers).heads.items():
        if metric := headline_of(metrics):
            part = (name,) if len(model.heads) > 1 else ()
            found[part] = (f"{name} {metric}", metrics[metric])
    return found


if __name__ == "__main__":
    for run in sys.argv[1:]:
        main(Path(run))
