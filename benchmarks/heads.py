"""What every head of finished runs scores on the test split, by all of its metrics.

    python benchmarks/heads.py RUN [RUN ...]

Rows are RUN/METRIC, or RUN/HEAD-METRIC where a run has several heads, of the very file that the run exported.
Intervals draw speakers with all their clips where the corpus names more than one, else clips.
"""

from __future__ import annotations

import sys
from pathlib import Path

from results import record

from trichord.learning.recipe import load_recipe
from trichord.running.evaluate import evaluate
from trichord.running.runtime import load

BARS = {"aishell/cer": "<= 0.20"}
NOTES = {"aishell/cer": "fixed split of two speakers; a Kaldi triphone system on this sample reported 0.1528"}


def main(folder: Path) -> None:
    recipe = load_recipe(folder / "recipe.yaml")
    report = evaluate(load(folder / "model.onnx"), recipe.clips("test"))
    for head, metrics in report.heads.items():
        for metric, score in metrics.items():
            name = f"{folder.name}/{metric if len(report.heads) == 1 else f'{head}-{metric}'}"
            record(name, score.value, metric, spread=(score.low, score.high), n=score.n,
                   seeds=[recipe.training.seed], bar=BARS.get(name, ""),
                   note=NOTES.get(name, f"recipes/{folder.name}.yaml, one seed"))  # fmt: skip
            print(f"{name}: {score.value:.4f} [{score.low:.4f}, {score.high:.4f}]")


if __name__ == "__main__":
    for run in sys.argv[1:]:
        main(Path(run))
