"""The weights that a training begins with: another run's, a file's, or some that ship with the package."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

import trichord
from trichord.corpora.corpus import About, together
from trichord.errors import ArtifactError
from trichord.files import atomic
from trichord.kinds import nearest
from trichord.learning.model import Model
from trichord.learning.recipe import Recipe, load_recipe
from trichord.learning.training.run import RunFolder, read_origin, said_of

SUFFIX = ".safetensors"


def lend_weights(source: str, model: Model, heads: Mapping[str, str] | None = None) -> None:
    """Copy weights into a model wherever name and shape agree.

    `source` is a run folder, a .safetensors file or the name of one that ships; `heads` says, by head of the
    model, which head of theirs it takes its layers from, if not its namesake. Raises ArtifactError where
    there are no weights, or none that fits.
    """
    weights = read_weights(weights_file(source))
    for head, lender in (heads or {}).items():
        weights |= {key.replace(f"heads.{lender}.", f"heads.{head}.", 1): value
                    for key, value in weights.items() if key.startswith(f"heads.{lender}.")}  # fmt: skip
    own = model.state_dict()
    fitting = {key: value.to(own[key].dtype) for key, value in weights.items()
               if key in own and own[key].shape == value.shape}  # fmt: skip
    if not fitting:
        raise ArtifactError(f"training.start_from: nothing in {source} fits this model by name and shape")
    model.load_state_dict(fitting, strict=False)


def weights_file(source: str) -> Path:
    """Return the file that a run folder, a path or a shipped name means."""
    path = Path(source)
    file = path if path.suffix == SUFFIX else RunFolder(path).weights_file
    if file.is_file():
        return file
    folders = [Path("zoo-research"), Path(trichord.__file__).parent / "zoo"]
    shipped = {file.stem: file for folder in folders for file in sorted(folder.glob(f"*{SUFFIX}"))}
    if source in shipped:
        return shipped[source]
    raise ArtifactError(
        f"training.start_from: {source} holds no weights; train that run first{nearest(source, shipped)}"
    )


def origin_of(recipe: Recipe) -> About:
    """Return from what data a recipe's weights are learned, those too that it begins with."""
    lent = [read_origin(weights_file(source)) for source in recipe.training.start_from]
    return together([recipe.corpus.about, *(origin for origin in lent if origin is not None)])


def read_weights(file: Path) -> dict[str, Tensor]:
    try:
        return load_file(file)
    except (SafetensorError, OSError) as error:
        raise ArtifactError(f"{file}: cannot be read ({error})") from None


def write_half(run: RunFolder, target: Path) -> None:
    """Write a run's best weights in half precision, for other trainings to start from."""
    weights = read_weights(run.weights_file)
    half = {key: value.half() if value.is_floating_point() else value for key, value in weights.items()}
    if not all(torch.isfinite(value).all() for value in half.values()):
        raise ArtifactError(f"{run.weights_file}: a weight is beyond what half precision can hold")
    with atomic(target) as temporary:
        save_file(half, temporary, said_of(run.learned_from(load_recipe(run.path / "recipe.yaml"))))
