"""The command line's frame: its commands, and its errors in one line."""

from __future__ import annotations

import sys

import typer

from trichord import __version__
from trichord.cli import (
    baseline,
    data,
    diarize,
    explain,
    features,
    language,
    learn,
    listen,
    robustness,
    spot,
    use,
    who,
)
from trichord.errors import TrichordError
from trichord.progress import console

app = typer.Typer(
    help="From raw clips to a model that hears, sees and reads, in one file that runs anywhere.",
    epilog="Begin with: trichord demo. Then: trichord recipes, and trichord train recipes/NAME.yaml.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command()(learn.train)
app.command()(use.evaluate)
app.command()(learn.compare)
app.command()(baseline.baseline)
app.command()(learn.export)
app.command()(use.run)
app.command()(explain.explain)
app.command()(listen.listen)
app.command()(spot.spot)
app.command()(diarize.diarize)
app.command()(who.who)
app.command()(robustness.robustness)
app.command()(learn.recipes)
app.command()(data.corpora)
app.command()(data.doctor)
app.command()(features.features)
app.add_typer(language.app, name="language")
app.command()(learn.demo)


@app.callback(invoke_without_command=True)
def version(
    version: bool = typer.Option(False, "--version", help="Show the version and exit.", is_eager=True),
) -> None:
    if version:
        typer.echo(f"trichord {__version__}")
        raise typer.Exit


def main() -> None:
    """Run the command line; an error that the user can mend is one line and exit code 1."""
    try:
        app()
    except (
        TrichordError,
        OSError,
    ) as error:  # OSError: a full disk, no permission ...
        console.print(f"[bold red]error:[/] {escape(str(error))}", soft_wrap=True)
        sys.exit(1)


def escape(text: str) -> str:
    """Keep brackets in a message from being read as markup, and a message on one line."""
    return " ".join(text.split()).replace("[", r"\[")
