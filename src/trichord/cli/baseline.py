"""The command that measures classical methods on a recipe."""

from __future__ import annotations

import json
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from rich.table import Table

from trichord.cli.learn import Changes, DataFolder, RecipePath, needs_training, read_changes
from trichord.cli.use import AsJson, written
from trichord.errors import MissingError
from trichord.progress import console, output


def baseline(
    recipe: RecipePath,
    kind: Annotated[
        Literal["hmm", "svm", "knn", "forest", "naive_bayes", "logistic"],
        typer.Option(
            help="A Markov model of Gaussian mixtures for each class, a support vector machine, "
            "nearest neighbours, a random forest, naive Bayes or logistic regression."
        ),
    ],
    head: Annotated[
        str | None, typer.Option(help="What to answer, where there are several classifiers.")
    ] = None,
    stream: Annotated[
        str | None, typer.Option(help="What to answer it from, where there are several.")
    ] = None,
    speeds: Annotated[
        list[float] | None,
        typer.Option(
            "--speed", min=0.25, max=4, help="Learn from the sound played so much faster too. Repeatable."
        ),
    ] = None,
    data: DataFolder = None,
    changes: Changes = None,
    run: Annotated[
        Path | None, typer.Option(help="The run's folder; by default runs/baseline-RECIPE-KIND.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Measure a classical method on a recipe's own clips and split, to stand beside what the recipe learns.

    It hears mel cepstra, reads TF-IDF, sees oriented gradients. Settings are chosen on validation clips.
    The run's folder holds scores and answers for comparisons; the method itself is not saved.
    """
    needs_training()
    needs_classical()
    from trichord.experiments.baseline import baseline as measure

    folder = run or Path("runs") / f"baseline-{recipe.stem}-{kind}"
    results = measure(
        recipe,
        kind,
        folder,
        head=head,
        stream=stream,
        changes=read_changes(changes, data),
        speeds=speeds or (),
    )
    if as_json:
        typer.echo(json.dumps({"run": str(folder), **results}))
        return
    show(results)
    console.print(f"done: {folder}/baseline.json tells what was tried")


def needs_classical() -> None:
    """Raise MissingError where scikit-learn is not installed."""
    if find_spec("sklearn") is None:
        raise MissingError("baselines need scikit-learn: pip install scikit-learn")


def show(results: dict[str, Any]) -> None:
    """Print each split's scores with their intervals."""
    table = Table("split", "head", "metric", "value", "95 % interval", "clips")
    for split, of_split in results.items():
        for head, metrics in of_split["all"]["heads"].items():
            for metric, row in metrics.items():
                value, low, high = (written(row[key]) for key in ("value", "low", "high"))
                table.add_row(split, head, metric, value, f"{low} to {high}", str(row["n"]))
    output.print(table)
