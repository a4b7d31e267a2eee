"""The commands that learn: train, compare, export, recipes, demo."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
import yaml

from trichord.errors import MissingError, RecipeError
from trichord.progress import console, output

RecipePath = Annotated[Path, typer.Argument(help="A recipe: a YAML file, see `trichord recipes`.")]
DataFolder = Annotated[
    Path | None, typer.Option("--data", help="Where the recipe's corpus lies, instead of TRICHORD_DATA/NAME.")
]
Changes = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Change the recipe, e.g. training.epochs=5. Repeatable."),
]


def needs_training() -> None:
    """Raise MissingError, with what to do, where the training extra is not installed."""
    try:
        import lightning_fabric  # noqa: F401
        import torch  # noqa: F401
    except ImportError as error:
        raise MissingError(
            f"this command needs the extra 'train' ({error.name} is missing): pip install 'trichord[train]'"
        ) from None


def train(
    recipe: RecipePath,
    data: DataFolder = None,
    run: Annotated[Path | None, typer.Option(help="The run's folder; by default runs/RECIPE.")] = None,
    changes: Changes = None,
    accelerator: Annotated[str, typer.Option(help="cpu, cuda, mps or auto.")] = "auto",
) -> None:
    """Train a recipe to a finished run: weights, one ONNX file, scores with intervals, pictures, card.

    Interrupt it with Ctrl-C and give the same command to go on.
    """
    needs_training()
    from trichord.experiments.train import run_folder_for
    from trichord.experiments.train import train as learn

    folder = run or run_folder_for(recipe)
    with resumable():
        learn(recipe, folder, changes=read_changes(changes, data), accelerator=accelerator)
    if (folder / "model.onnx").exists():
        console.print(f"done: {folder}/card.md tells how good it is; {folder}/model.onnx is the whole system")
    else:
        console.print(
            f"done: 'start_from: [{folder}]' under 'training' lets another recipe begin with its weights"
        )


def compare(
    recipe: RecipePath,
    over: Annotated[
        list[str],
        typer.Option(
            metavar="KEY=A,B,...", help="What to vary, e.g. fusion=concat,gates. Repeatable: all pairs."
        ),
    ],
    seeds: Annotated[int, typer.Option(min=1, help="How often to train each, with seeds 0, 1, ...")] = 1,
    folds: Annotated[
        int | None,
        typer.Option(min=2, help="Cross-validate: divide the clips into so many parts, test on each."),
    ] = None,
    by: Annotated[
        str | None, typer.Option(help="What a fold keeps together, e.g. speaker; by default single clips.")
    ] = None,
    data: DataFolder = None,
    out: Annotated[Path | None, typer.Option(help="The folder; by default runs/compare-RECIPE.")] = None,
    changes: Changes = None,
) -> None:
    """Train a recipe in several variants and tell them apart: mean, deviation, paired intervals, a picture.

    The best is chosen on validation clips; test scores stand beside it. Finished variants are not repeated.
    """
    needs_training()
    from trichord.experiments.compare import compare as run_comparison

    variants = {key: as_yaml(f"[{values}]") for key, values in split_pairs(over)}
    folder = out or Path("runs") / f"compare-{recipe.stem}"
    with resumable():
        changed = read_changes(changes, data) | ({"fold.by": by} if by else {})
        run_comparison(recipe, folder, over=variants, seeds=seeds, folds=folds, changes=changed)
    typer.echo((folder / "comparison.md").read_text(encoding="utf-8"))


def export(
    run: Annotated[Path, typer.Argument(help="A finished run's folder.")],
    target: Annotated[Path, typer.Argument(help="The ONNX file to write; or a .safetensors file.")],
    int8: Annotated[
        bool, typer.Option("--int8", help="Weights in eight bits: about a third of the size.")
    ] = False,
    streaming: Annotated[
        bool,
        typer.Option(
            "--streaming", help="For sound that is heard as it comes; needs encoders with causal: true."
        ),
    ] = False,
    heads: Annotated[
        list[str] | None,
        typer.Option("--head", help="Only what this head answers, where there are several. Repeatable."),
    ] = None,
    card: Annotated[
        bool, typer.Option("--card", help="Measure the very file, and write its card beside it.")
    ] = False,
) -> None:
    """Write a run's best model as one self-describing ONNX file.

    A .safetensors file holds its weights alone, in half precision, for other trainings to start from.
    """
    needs_training()
    if target.suffix == ".safetensors":
        from trichord.learning.training import RunFolder, write_half

        write_half(RunFolder(run), target)
        console.print(f"wrote {target}, {target.stat().st_size / 1e6:.2f} MB")
        return
    from trichord.experiments.train import publish_with_card, read_headline
    from trichord.learning.export import export_run
    from trichord.learning.training import RunFolder

    if card:
        publish_with_card(run, target, int8=int8, streaming=streaming, heads=heads or ())
    else:
        scores = (
            {} if int8 or streaming or heads else read_headline(run)
        )  # of all heads, in fp32, of whole clips
        export_run(RunFolder(run), target, int8=int8, streaming=streaming, scores=scores, heads=heads or ())
    beside = f", and {target.with_suffix('.md')}" if card else ""
    console.print(f"wrote {target}, {target.stat().st_size / 1e6:.2f} MB{beside}")


def recipes(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    schema: Annotated[
        bool,
        typer.Option("--schema", help="Print the recipe language as JSON Schema: every part, for editors."),
    ] = False,
) -> None:
    """List every recipe: what it is about, its corpus and licence, its measured scores."""
    from trichord.recipes import list_recipes

    if schema:
        needs_training()
        from trichord.learning.recipe import Recipe

        typer.echo(json.dumps(Recipe.model_json_schema(), indent=1))
        return

    rows = list_recipes()
    if as_json:
        typer.echo(json.dumps(rows, indent=1))
        return
    for row in rows:
        path = Path(row["recipe"])
        output.print(f"[bold]{path.stem}[/]: {row['about']}")
        output.print(
            f"  corpus {row['corpus']}, licence {row['licence']}, commercial use {row['commercial']}"
        )
        if row["ships"]:
            output.print(f"  trained model: trichord.load({path.stem!r})")
        output.print(f"  measured: {row['measured']}\n")
    output.print(f"They lie in {Path(rows[0]['recipe']).parent}", soft_wrap=True)


def demo(
    folder: Annotated[Path, typer.Option(help="Where the demo's run goes.")] = Path("runs/demo"),
    keep: Annotated[
        bool, typer.Option("--keep", help="Go on from an earlier demo instead of starting anew.")
    ] = False,
) -> None:
    """Learn, export, run and explain in a few minutes, on scenes that Trichord draws itself."""
    needs_training()
    from trichord.experiments.demo import demo as show

    show(folder, keep=keep)


@contextmanager
def resumable() -> Iterator[None]:
    """Say, when Ctrl-C ends a training, how to go on with it."""
    try:
        yield
    except KeyboardInterrupt:
        console.print("interrupted; the same command goes on from here")
        raise typer.Exit(130) from None


def read_changes(changes: list[str] | None, data: Path | None) -> dict[str, Any]:
    """Return --set and --data as changes by dotted key."""
    read = {key: as_yaml(value) for key, value in split_pairs(changes or [])}
    return read | ({"corpus.folder": str(data)} if data else {})


def as_yaml(text: str) -> Any:
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError:
        raise RecipeError(f"{text!r:.60} is not valid YAML") from None


def split_pairs(pairs: list[str]) -> list[tuple[str, str]]:
    for pair in pairs:
        if "=" not in pair:
            raise RecipeError(f"expected KEY=VALUE, got {pair!r}")
    return [(pair.split("=", 1)[0], pair.split("=", 1)[1]) for pair in pairs]
