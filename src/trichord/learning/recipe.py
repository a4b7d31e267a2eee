"""The recipe: a YAML file that names the parts of a system, read into those parts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from trichord.clip import Clip, with_targets
from trichord.corpora import CORPORA
from trichord.corpora.corpus import SPLITS, Corpus, Index
from trichord.corpora.folds import Fold
from trichord.errors import RecipeError
from trichord.kinds import Kinds, nearest, summary
from trichord.learning.encoders import AnyEncoder
from trichord.learning.fusion import AnyFusion
from trichord.learning.fusion.mean import Mean
from trichord.learning.heads import AnyHead
from trichord.learning.heads.ctc import Ctc
from trichord.learning.heads.generate import Generate
from trichord.learning.hierarchy import in_order
from trichord.learning.objectives import AnyObjective, Objective
from trichord.prepare import PREPARATIONS, default_preparation
from trichord.prepare.preparation import Preparation
from trichord.recipes import read_yaml

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$", max_length=40)]


class Part(BaseModel):
    model_config = ConfigDict(
        extra="forbid", arbitrary_types_allowed=True, populate_by_name=True, allow_inf_nan=False
    )


class StreamRecipe(Part):
    """One thing sensed: which input of a clip it is made from, how it is prepared, what reads it."""

    model_config = ConfigDict(json_schema_extra=lambda schema: schema["required"].remove("prepare"))

    source: str = Field(alias="from")
    prepare: Annotated[Preparation, Kinds(PREPARATIONS)]
    encoder: AnyEncoder

    @model_validator(mode="before")
    @classmethod
    def prepared_by_default(cls, values: Any) -> Any:
        if isinstance(values, Mapping) and "from" in values and "prepare" not in values:
            return {**values, "prepare": default_preparation(str(values["from"]))}
        return values


class Training(Part):
    """How to learn.

    batch_seconds: how much of the longest stream a batch holds.
    warmup: the share of all steps in which the learning rate rises; after it, it falls by `decay`.
    plain: the share of all steps, at first, that learn from clips as they are, before objectives change any:
        CTC finds what is said sooner in whole, clean clips.
    clip_norm: the gradient's norm is held below this.
    average: decay of the moving average of weights that is validated and kept; 0 keeps the last weights.
    monitor: `loss`, or HEAD.METRIC such as `transcript.wer`, whose best validation value chooses the epoch.
    patience: epochs without a better value before learning stops early; none for never.
    share: the share of the training clips to learn from, for curves of error against data; smaller shares lie
        within larger ones.
    start_from: run folders, .safetensors files or names of weights that ship, with which this training begins
        wherever name and shape agree.
    start_heads: by head, the head of theirs whose layers it begins with, where that has another name.
    save_seconds: how often, within an epoch, the state is saved that a killed run resumes from.
    """

    epochs: int = Field(30, ge=1)
    batch_seconds: float = Field(60, gt=0)
    optimizer: Literal["adamw", "adam", "sgd"] = "adamw"
    learning_rate: float = Field(1e-3, gt=0)
    weight_decay: float = Field(0.01, ge=0)
    warmup: float = Field(0.1, ge=0, lt=1)
    decay: Literal["cosine", "linear", "none"] = "cosine"
    plain: float = Field(0.0, ge=0, le=1)
    clip_norm: float = Field(5.0, gt=0)
    average: float = Field(0.0, ge=0, lt=1)
    monitor: str = "loss"
    patience: int | None = Field(None, ge=1)
    precision: Literal["32-true", "bf16-mixed"] = "32-true"
    share: float = Field(1.0, gt=0, le=1)
    start_from: tuple[str, ...] = ()
    start_heads: dict[Name, Name] = {}
    save_seconds: float = Field(120, ge=0)
    seed: int = Field(0, ge=0)


class Recipe(Part):
    """A system.

    dim: width that every part has which doesn't set its own.
    clock: the rate, in Hz, on which clocked streams meet.
    stage: `early` fuses what the front ends give, `middle` what the encoders give, `late` what heads say of
        each stream alone; `trunk` is an encoder that reads the fused stream, which early fusion needs.
    heads: what is answered; `{}` where an objective such as masked_prediction teaches alone, for weights that
        other trainings start from.
    after: by head, the other heads whose answers it reads beside the fused stream: `{sentiment: [emotion]}`.
    fold: how the corpus is divided anew, for cross-validation.
    max_seconds: the longest clip that the exported file accepts.
    """

    format: Literal[1] = 1
    about: str = ""
    corpus: Annotated[Corpus, Kinds(CORPORA)]
    fold: Fold | None = None
    dim: int = Field(144, ge=1, le=8192)
    clock: float = Field(25.0, gt=0)
    streams: dict[Name, StreamRecipe] = Field(min_length=1)
    fusion: AnyFusion = Field(default_factory=Mean)
    stage: Literal["early", "middle", "late"] = "middle"
    trunk: AnyEncoder | None = None
    heads: dict[Name, AnyHead]
    after: dict[Name, tuple[Name, ...]] = {}
    objectives: list[AnyObjective] = []
    training: Training = Field(default_factory=lambda: Training.model_validate({}))
    max_seconds: float = Field(30, gt=0)

    @model_validator(mode="after")
    def consistent(self) -> Recipe:
        if self.stage == "early" and self.trunk is None:
            raise ValueError("early fusion needs a 'trunk', the encoder that reads the fused stream")
        if self.stage == "late" and self.trunk is not None:
            raise ValueError(
                "late fusion joins what the heads say, so there is nothing for a 'trunk' to read"
            )
        if not self.heads:
            check_headless(self.stage, self.objectives)
        if clash := set(self.streams) & set(self.heads):
            raise ValueError(f"{sorted(clash)[0]!r} names both a stream and a head")
        if self.after and self.stage == "late":
            raise ValueError(
                "'after' needs a fused stream, which late fusion, joining answers, does not have"
            )
        if unknown := set(self.after) - set(self.heads):
            name = min(unknown)
            raise ValueError(f"after.{name}: there is no head {name!r}{nearest(name, self.heads)}")
        in_order({name: self.after.get(name, ()) for name in self.heads})
        for name, head in self.heads.items():
            if isinstance(head, Generate):
                self.check_writing(name, head)
        return self

    def check_writing(self, name: str, head: Generate) -> None:
        """Raise ValueError where a head that writes unit by unit lacks what it needs."""
        if self.stage == "late":
            raise ValueError(f"heads.{name}: writes from a fused stream, which late fusion does not have")
        if reader := next((reader for reader, below in self.after.items() if name in below), None):
            raise ValueError(f"after.{reader}: {name!r} writes, and says nothing that could be read before")
        known = [other for other, part in self.heads.items() if isinstance(part, Ctc) and not part.dictionary]
        if (ctc := head.with_ctc) is not None and ctc not in known:
            raise ValueError(
                f"heads.{name}: with_ctc: {ctc!r} is no ctc head that spells{nearest(ctc, known)}"
            )

    @cached_property
    def index(self) -> Index:
        """The corpus's clips by split, divided anew where there is a fold; targets are under heads' names."""
        index = {split: self.corpus.clips(split) for split in self.corpus.splits()}
        if names := {name: head.target for name, head in self.heads.items() if head.target is not None}:
            index = {split: [with_targets(clip, names) for clip in clips] for split, clips in index.items()}
        return index if self.fold is None else self.fold.divide(index)

    def splits(self) -> tuple[str, ...]:
        """Return the names of the splits that hold clips."""
        return tuple(split for split in SPLITS if self.index.get(split))

    def clips(self, split: str) -> Sequence[Clip]:
        """Return a split's clips; none where there is no such split."""
        return self.index.get(split, ())

    def resolved(self) -> dict[str, Any]:
        """Return the recipe with every default written out, as plain values that `load_recipe` reads."""
        return self.model_dump(mode="json", by_alias=True)


def check_headless(stage: str, objectives: Iterable[Objective]) -> None:
    """Raise ValueError where a recipe without heads has nothing to learn, or what needs heads."""
    if not any(objective.teaches_alone for objective in objectives):
        raise ValueError(
            "heads: there is none, and no objective that teaches alone; add a head, or masked_prediction"
        )
    if stage != "middle":
        raise ValueError(f"stage {stage!r} needs heads; without any, an encoder learns at stage 'middle'")
    for objective in objectives:
        if type(objective).weigh is not Objective.weigh:
            raise ValueError(f"{type(objective).__name__} weighs the losses of heads, and there are none")


def load_recipe(source: str | Path | Mapping[str, Any], changes: Mapping[str, Any] | None = None) -> Recipe:
    """Read a recipe from a YAML file or a mapping, with changes by dotted key (`training.epochs`).

    Raises RecipeError, one line naming the file, the key, and the nearest valid one.
    """
    where = "recipe" if isinstance(source, Mapping) else str(source)
    values = dict(source) if isinstance(source, Mapping) else read_yaml(Path(source))
    for key, value in (changes or {}).items():
        values = with_change(values, key.split("."), value)
    try:
        return Recipe.model_validate(values)
    except ValidationError as error:
        raise RecipeError(f"{where}: {summary(error, valid_keys(error))}") from None


def valid_keys(error: ValidationError) -> list[str]:
    """Return the keys that are valid where the first error stands."""
    place = error.errors()[0]["loc"][:-1]
    parts: dict[tuple[Any, ...], type[BaseModel]] = {(): Recipe, ("training",): Training, ("fold",): Fold}
    part = parts.get(place, StreamRecipe)
    return [field.alias or name for name, field in part.model_fields.items()]


def with_change(values: Mapping[str, Any], keys: list[str], value: Any) -> dict[str, Any]:
    """Return a copy of nested mappings with the value at `keys` replaced or added."""
    if len(keys) == 1:
        return {**values, keys[0]: value}
    inner = values.get(keys[0], {})
    inner = {"kind": inner} if isinstance(inner, str) else inner
    if not isinstance(inner, Mapping):
        raise RecipeError(f"cannot set {'.'.join(keys)}: {keys[0]} is {inner!r}, not a mapping")
    return {**values, keys[0]: with_change(inner, keys[1:], value)}
