"""Pictures, where matplotlib is there to draw them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from trichord.errors import InputError, MissingError
from trichord.files import atomic

SUFFIXES = (".png", ".svg", ".pdf")


def new_figure(width: float, height: float) -> Any:
    """Return an empty figure, in inches. Raises MissingError without matplotlib."""
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise MissingError("pictures need the extra 'train': pip install 'trichord[train]'") from None
    return Figure(figsize=(width, height), layout="constrained")


def check_picture(path: str | Path) -> None:
    """Raise what writing a picture there would, before the work that it shows: InputError, MissingError."""
    check_suffix(path)
    new_figure(1, 1)


def check_suffix(path: str | Path) -> None:
    if Path(path).suffix.lower() not in SUFFIXES:
        raise InputError(f"{path}: a picture is written as {', '.join(SUFFIXES)}")


def save_figure(figure: Any, path: str | Path) -> None:
    """Write a figure as .png, .svg or .pdf; raises InputError for another suffix."""
    check_suffix(path)
    with atomic(Path(path)) as temporary:
        figure.savefig(temporary, dpi=150)
