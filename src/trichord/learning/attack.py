"""Inputs changed a little, so as to mislead a model the most: how much it can bear."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import torch
from torch import Tensor

from trichord.errors import InputError
from trichord.kinds import nearest
from trichord.learning.batch import Batch, Item, collate
from trichord.learning.model import Model
from trichord.learning.recipe import Recipe
from trichord.learning.training.sampling import batches_to_measure
from trichord.learning.training.validate import head_losses, weighted_sum
from trichord.prepare.corruption import scale_of
from trichord.prepare.preparation import Preparation

METHODS = {"fgsm": 1, "pgd": 10}
"""Steps along the gradient."""
LIMITS = {"samples": (-1.0, 1.0), "frames": (0.0, 255.0), "array": (None, None)}


def attack(
    model: Model,
    recipe: Recipe,
    items: Sequence[Item],
    epsilons: Mapping[str, float],
    *,
    method: str = "fgsm",
    seed: int = 0,
) -> list[Item]:
    """Return items whose streams are changed by at most `epsilons`, by name, so that the heads' loss rises.

    An epsilon is in the input's own scale: of full scale for samples, of 255 levels for pictures, of the
    training data's deviations for features. `fgsm`, the fast gradient sign method, takes one step to the
    border (Goodfellow et al., "Explaining and harnessing adversarial examples", 2015); `pgd`, projected
    gradient descent, starts at random and takes ten (Madry et al., "Towards deep learning models resistant to
    adversarial attacks", 2018). Items without a known target stay as they are. Raises InputError for tokens,
    which cannot be changed a little, and for another method.
    """
    if method not in METHODS:
        raise InputError(f"no attack is named {method!r}{nearest(method, METHODS)}")
    radii = {name: epsilon * unit_of(name, recipe) for name, epsilon in epsilons.items()}
    specs = {name: stream.prepare.spec for name, stream in recipe.streams.items()}
    generator = torch.Generator().manual_seed(seed)
    model.eval()
    attacked = list(items)
    for indices in batches_to_measure(items, specs, recipe.clock, recipe.training.batch_seconds):
        batch = collate([items[index] for index in indices], specs)
        moved = mislead(model, recipe, batch, radii, METHODS[method], generator)
        for row, index in enumerate(indices):
            if not recipe.heads.keys().isdisjoint(items[index].targets):  # a random start moves every row
                attacked[index] = changed(items[index], {name: values[row] for name, values in moved.items()})
    return attacked


def unit_of(name: str, recipe: Recipe) -> Tensor:
    """Return how far an epsilon of 1 is in a stream's prepared arrays, `(1,)` or `(dim,)`."""
    if name not in recipe.streams:
        raise InputError(f"an attack on {name!r}: no such stream{nearest(name, recipe.streams)}")
    preparation: Preparation = recipe.streams[name].prepare
    if preparation.spec.kind == "tokens":
        raise InputError(f"an attack on {name!r}: tokens cannot be changed a little")
    return (
        torch.from_numpy(scale_of(preparation)[1]).float()
        if preparation.spec.kind == "array"
        else torch.ones(1)
    )


def mislead(
    model: Model,
    recipe: Recipe,
    batch: Batch,
    radii: Mapping[str, Tensor],
    steps: int,
    generator: torch.Generator,
) -> dict[str, Tensor]:
    """Return a batch's attacked values by stream, `(batch, time, ...)`."""
    limits = {name: LIMITS[recipe.streams[name].prepare.spec.kind] for name in radii}
    clean = {name: batch.inputs[name][0].float() for name in radii}  # bytes carry no gradient

    def by(share: float, moved: Mapping[str, Tensor], directions: Mapping[str, Tensor]) -> dict[str, Tensor]:
        further = {name: moved[name] + share * radii[name] * directions[name] for name in radii}
        return {name: near(further[name], clean[name], radii[name], limits[name]) for name in radii}

    moved = clean
    if steps > 1:
        moved = by(1.0, clean, {name: uniform(values, generator) for name, values in clean.items()})
    for _ in range(steps):
        stride = 1.0 if steps == 1 else 2.5 / steps  # reaches the border from anywhere, and moves along it
        moved = by(stride, moved, uphill(model, recipe, batch, moved))
    whole = {name for name in radii if recipe.streams[name].prepare.spec.kind == "frames"}
    return {
        name: clean[name] + (values - clean[name]).trunc() if name in whole else values
        for name, values in moved.items()
    }


def uphill(model: Model, recipe: Recipe, batch: Batch, moved: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the sign of the slope of the heads' loss along each moved stream; 0 where it has none."""
    leaves = {name: values.detach().requires_grad_() for name, values in moved.items()}
    inputs = dict(batch.inputs) | {name: (leaf, batch.inputs[name][1]) for name, leaf in leaves.items()}
    logits = model(inputs).logits
    loss = weighted_sum(recipe.heads, head_losses(model.judging(recipe.heads), logits, batch))
    found = torch.autograd.grad(loss, list(leaves.values()), allow_unused=True)
    return {
        name: torch.zeros_like(leaf) if slope is None else slope.nan_to_num().sign()
        for (name, leaf), slope in zip(leaves.items(), found, strict=True)
    }


def near(values: Tensor, clean: Tensor, radius: Tensor, limits: tuple[float | None, float | None]) -> Tensor:
    """Return values moved back to within `radius` of the clean ones, and within what the input can hold."""
    low, high = limits
    held = values if low is None else values.clamp(low, high)
    return torch.maximum(torch.minimum(held, clean + radius), clean - radius)


def uniform(values: Tensor, generator: torch.Generator) -> Tensor:
    """Return numbers from -1 to 1, as many as the values."""
    return 2 * torch.rand(values.shape, generator=generator) - 1


def changed(item: Item, moved: Mapping[str, Tensor]) -> Item:
    """Return an item with the streams that it has and that were moved, without their padding."""
    arrays = {
        name: moved[name][: len(array)].numpy().astype(array.dtype) if name in moved else array
        for name, array in item.inputs.items()
    }
    return replace(item, inputs=arrays)
