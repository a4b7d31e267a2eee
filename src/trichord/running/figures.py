"""Pictures, where matplotlib is there to draw them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from trichord.errors import MissingError
from trichord.files import atomic


def new_figure(width: float, height: float) -> Any:
    """Return an empty figure, in inches. Raises MissingError without matplotlib."""
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise MissingError("pictures need the extra 'train': pip install 'trichord[train]'") from None
    return Figure(figsize=(width, height), layout="constrained")


def save_figure(figure: Any, path: str | Path) -> None:
    """Write a figure as .png, .svg or .pdf."""
    with atomic(Path(path)) as temporary:
        figure.savefig(temporary, dpi=150)
