"""Finding model files: by path, or by the name of one that ships."""

from __future__ import annotations

import re
from pathlib import Path

import trichord
from trichord.errors import ArtifactError, MissingError
from trichord.kinds import nearest
from trichord.running.runtime.model import Model

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


def load(model: str | Path, *, threads: int = 0) -> Model:
    """Return the model of a file, or of that name in the zoo; `threads` within an operator, 0 for all cores.

    Raises MissingError where there is none, ArtifactError where the file is not a sound model.
    """
    return Model(find(model), threads=threads)


def find(model: str | Path) -> Path:
    """Return the model file that a path or a zoo name means."""
    if str(model).startswith("hf:"):
        raise MissingError(
            f"{model}: models are not fetched; download the .onnx file from huggingface.co/{str(model)[3:]} "
            "and give its path"
        )
    path = Path(model)
    if path.is_file():
        return path
    if path.is_dir():
        raise ArtifactError(
            f"{model}: a folder; give the path of an .onnx file ('trichord export' makes one)"
        )
    known = zoo()
    if str(model) in known:
        return known[str(model)]
    if path.suffix == ".onnx" or not NAME.fullmatch(str(model)):
        raise MissingError(f"{model}: no such file")
    raise MissingError(f"{model!r} is neither a file nor a model of the zoo{nearest(str(model), known)}")


def zoo() -> dict[str, Path]:
    """Return the model files that ship with the package, and those of ./zoo-research, by name."""
    folders = [Path("zoo-research"), Path(trichord.__file__).parent / "zoo"]
    return {path.stem: path for folder in folders for path in sorted(folder.glob("*.onnx"))}


def zoo_names() -> list[str]:
    """Return the names that `load` knows."""
    return sorted(zoo())
