"""The run folder: everything that one training leaves behind, and reading it back."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import yaml
from pydantic import TypeAdapter, ValidationError
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file

from trichord.artifact import InputDescription, StreamDescription
from trichord.corpora.corpus import About
from trichord.errors import ArtifactError, RecipeError
from trichord.files import atomic, write_text
from trichord.kinds import Kinds, nearest
from trichord.learning.model import Model
from trichord.learning.recipe import Recipe, load_recipe
from trichord.prepare import PREPARATIONS
from trichord.prepare.preparation import InputSpec

ORIGIN = "learned_from"
ABOUT = TypeAdapter(About)


@dataclass(frozen=True, slots=True)
class RunFolder:
    """A folder with the resolved recipe, what was fitted on the data, weights, state and history.

    `recipe.yaml`, `parts.json` (vocabularies, labels, statistics), `weights.safetensors` (the best
    validated), `state.pt` (to resume from), `history.jsonl` (a line an epoch).
    """

    path: Path

    @property
    def state_file(self) -> Path:
        return self.path / "state.pt"

    @property
    def weights_file(self) -> Path:
        return self.path / "weights.safetensors"

    def write_recipe(self, recipe: Recipe) -> None:
        """Write the resolved recipe; raises RecipeError where the folder holds another one's run."""
        text = yaml.safe_dump(recipe.resolved(), sort_keys=False, allow_unicode=True)
        file = self.path / "recipe.yaml"
        if file.exists() and load_recipe(file).resolved() != recipe.resolved():
            raise RecipeError(
                f"{self.path} holds a run of a different recipe; choose another folder with --run, "
                "or delete it"
            )
        write_text(file, text)

    def write_parts(self, recipe: Recipe) -> None:
        parts = {
            "streams": {name: part.model_dump() for name, part in streams_of(recipe).items()},
            "heads": {name: head.metadata() for name, head in recipe.heads.items()},
        }
        write_text(self.path / "parts.json", json.dumps(parts, ensure_ascii=False, indent=1))

    def write_weights(self, model: Model, learned_from: About | None = None) -> None:
        """Write a model's weights, and from which data they and those that they began with were learned."""
        weights = {key: value.contiguous().cpu() for key, value in model.state_dict().items()}
        with atomic(self.weights_file) as temporary:
            save_file(weights, temporary, said_of(learned_from))

    def learned_from(self, recipe: Recipe) -> About:
        """Return from which data the weights were learned, and under what licences."""
        known = read_origin(self.weights_file) if self.weights_file.exists() else None
        return known or recipe.corpus.about

    def write_state(self, state: Mapping[str, Any]) -> None:
        with atomic(self.state_file) as temporary:
            torch.save(dict(state), temporary)

    def read_state(self) -> dict[str, Any] | None:
        """Return what `write_state` wrote, or None where nothing was."""
        if not self.state_file.exists():
            return None
        try:
            state: dict[str, Any] = torch.load(self.state_file, map_location="cpu", weights_only=True)
        except Exception as error:  # torch raises whatever the bytes lead it to
            raise ArtifactError(
                f"{self.state_file}: cannot be resumed from ({first_line(error)}); delete it to begin again"
            ) from None
        return state

    def append_history(self, row: Mapping[str, Any]) -> None:
        rows = [*self.read_history(), row]
        write_text(self.path / "history.jsonl", "".join(json.dumps(each) + "\n" for each in rows))

    def read_history(self) -> list[dict[str, Any]]:
        file = self.path / "history.jsonl"
        return [json.loads(line) for line in file.read_text("utf-8").splitlines()] if file.exists() else []

    def cut_history(self, rows: int) -> None:
        """Forget epochs that were written after the state that a run resumes from."""
        kept = self.read_history()[:rows]
        write_text(self.path / "history.jsonl", "".join(json.dumps(row) + "\n" for row in kept))

    def load(self, heads: Collection[str] = ()) -> tuple[Recipe, Model]:
        """Return the fitted recipe and the model with its best weights, in evaluation mode.

        heads: those to keep, by default all. Raises RecipeError where there is none of that name, or one of
        them reads what another says.
        """
        for name in ("recipe.yaml", "parts.json", "weights.safetensors"):
            if not (self.path / name).exists():
                raise ArtifactError(f"{self.path} is not a finished run: it has no {name}; train it first")
        recipe = load_recipe(self.path / "recipe.yaml")
        if heads:
            recipe = with_heads(recipe, heads)
        specs = self.restore(recipe)
        model = Model(recipe, specs)
        try:
            weights = load_file(self.weights_file)
            if heads:
                weights = {name: weights[name] for name in model.state_dict() if name in weights}
            model.load_state_dict(weights)
        except (SafetensorError, RuntimeError) as error:
            raise ArtifactError(f"{self.weights_file}: does not fit the recipe beside it ({error})") from None
        return recipe, model.eval()

    def restore(self, recipe: Recipe) -> dict[str, InputSpec]:
        """Give a recipe's preparations and heads what they had learned; return the streams' specs."""
        specs: dict[str, InputSpec] = {}
        file = self.path / "parts.json"
        try:
            parts = json.loads(file.read_text("utf-8"))
            for name, stream in recipe.streams.items():
                description = StreamDescription.model_validate(parts["streams"][name])
                stream.prepare.restore(description.state)
                specs[name] = description.input.spec
            for name, head in recipe.heads.items():
                head.restore(parts["heads"][name])
        except (ValueError, KeyError, TypeError) as error:
            raise ArtifactError(f"{file}: does not fit the recipe beside it ({error!r:.120})") from None
        return specs


def said_of(origin: About | None) -> dict[str, str] | None:
    """Return from what data weights were learned as their file holds it."""
    return None if origin is None else {ORIGIN: ABOUT.dump_json(origin).decode()}


def read_origin(file: Path) -> About | None:
    """Return from what data the weights in a file were learned, where it says so."""
    try:
        with safe_open(file, "pt") as opened:
            told = (opened.metadata() or {}).get(ORIGIN)
        return None if told is None else ABOUT.validate_json(told)
    except (SafetensorError, OSError, ValidationError) as error:
        raise ArtifactError(f"{file}: cannot be read ({first_line(error)})") from None


def first_line(error: Exception) -> str:
    return str(error).partition("\n")[0][:120]


def streams_of(recipe: Recipe) -> dict[str, StreamDescription]:
    """Describe a fitted recipe's streams as run folders and model files hold them."""
    descriptions = {}
    for name, stream in recipe.streams.items():
        spec = stream.prepare.spec
        descriptions[name] = StreamDescription(
            source=stream.source,
            prepare=Kinds(PREPARATIONS).describe(stream.prepare),
            state=stream.prepare.state(),
            input=InputDescription(
                kind=spec.kind, rate=spec.rate, shape=spec.shape, vocabulary=spec.vocabulary
            ),
        )
    return descriptions


def with_heads(recipe: Recipe, heads: Collection[str]) -> Recipe:
    """Return a recipe with these heads alone; RecipeError where it lacks one, or one needs another."""
    if unknown := sorted(set(heads) - set(recipe.heads)):
        raise RecipeError(f"there is no head {unknown[0]!r}{nearest(unknown[0], recipe.heads)}")
    values = recipe.resolved()
    kept = {name: values["heads"][name] for name in recipe.heads if name in heads}
    after = {name: below for name, below in values["after"].items() if name in heads}
    return load_recipe({**values, "heads": kept, "after": after})
