"""What a head says about itself in a model file, as decoding reads it; all of it may be hostile."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from trichord.decoding.subword import MARK
from trichord.errors import ArtifactError
from trichord.kinds import summary

MAX_UNITS = 2000
"""Units that an answer may have which is written one after the other: a page."""
LONGEST_WINDOW = 10.0
"""Seconds."""
Label = Annotated[str, Field(max_length=200)]
Labels = Annotated[tuple[Label, ...], Field(min_length=1, max_length=1_000_000)]
Finite = Annotated[float, Field(allow_inf_nan=False)]
Probability = Annotated[float, Field(gt=0, lt=1)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class HeadMetadata(BaseModel):
    """What every head's metadata has; keys that decoding does not read are left alone."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Noticed(BaseModel):
    """The phrases that a head is there to notice, the probability from which on each one is, and the seconds
    within which a whole phrase is said."""

    model_config = ConfigDict(frozen=True, extra="ignore")
    phrases: Annotated[dict[Label, Probability], Field(min_length=1, max_length=1000)]
    window_seconds: Annotated[float, Field(gt=0, le=LONGEST_WINDOW)] = 1.0


class CtcMetadata(HeadMetadata):
    """`labels[0]` is the blank; the others are single characters, words without blanks in them, or subwords
    in the order in which they were learned, those that begin a word marked by "▁". Phones are words here,
    which a pronouncing dictionary makes others of. `noticed`: as `trichord spot --keep` wrote them down."""

    units: Literal["character", "word", "subword", "phone"] = "character"
    labels: Labels
    noticed: Noticed | None = None

    @model_validator(mode="after")
    def _units_match(self) -> Self:
        blank, *symbols = self.labels
        if len(set(self.labels)) != len(self.labels):
            raise ValueError("labels repeat; each must be there once")
        if blank == " ":
            raise ValueError("labels[0] is CTC's blank and cannot be the space between words; use ''")
        for label in symbols:
            if self.units == "character" and len(label) != 1:
                raise ValueError(f"label {label!r} is not one character, as units 'character' need")
            if self.units != "character" and label.split() != [label]:
                whole = f"units {self.units!r} need whole {self.units}s"
                raise ValueError(f"label {label!r} is empty or holds a blank; {whole}")
            if self.units == "subword" and MARK in label[1:]:
                raise ValueError(f"label {label!r} holds {MARK!r}, which can only begin a subword")
        return self


class GenerateMetadata(CtcMetadata):
    """`labels[0]` is the end of a text, and what stands before its first unit; the others are as of CTC.

    `max_units`: how many units an answer may have. `with_ctc`: the head that has a say in it, if any, and
    `ctc_weight` its share.
    """

    units: Literal["character", "word", "subword"] = "character"
    max_units: Annotated[int, Field(ge=1, le=MAX_UNITS)]
    with_ctc: Label | None = None
    ctc_weight: Annotated[float, Field(ge=0, le=1)] = 0.0


class ClassifyMetadata(HeadMetadata):
    """Class names, the temperature that calibrates them, and the confidence below which to say so."""

    labels: Labels
    temperature: Positive = 1.0
    uncertain_below: Annotated[float, Field(ge=0, le=1)] | None = None

    @model_validator(mode="after")
    def _unique(self) -> Self:
        if len(set(self.labels)) != len(self.labels):
            raise ValueError("labels repeat; each must be there once")
        return self


class RegressMetadata(HeadMetadata):
    """Names of the numbers, and the training mean and standard deviation that restore their units.

    `each`: whether they are a clip's, or there is one number for every step.
    """

    names: Labels
    mean: tuple[Finite, ...]
    std: tuple[Positive, ...]
    each: Literal["clip", "step"] = "clip"

    @model_validator(mode="after")
    def _same_length(self) -> Self:
        if not len(self.names) == len(self.mean) == len(self.std):
            sizes = f"{len(self.names)}, {len(self.mean)} and {len(self.std)}"
            raise ValueError(f"names, mean and std have {sizes} values; they must have as many")
        if self.each == "step" and len(self.names) > 1:
            raise ValueError(f"a step has one number, not {len(self.names)}")
        return self


class TagMetadata(HeadMetadata):
    """Labels of steps, and the one, if any, that means no event."""

    labels: Labels
    outside: Label | None = None

    @model_validator(mode="after")
    def _unique(self) -> Self:
        if len(set(self.labels)) != len(self.labels):
            raise ValueError("labels repeat; each must be there once")
        return self


class ContrastiveMetadata(HeadMetadata):
    """How many numbers an embedding has, and the cosine from which two clips are of the same label.

    `scale` is the inverse temperature of cosines; `labels`, if any, those of training.
    """

    size: Annotated[int, Field(ge=1, le=100_000)]
    scale: Positive = 1.0
    threshold: Annotated[float, Field(ge=-1, le=1)] | None = None
    labels: Annotated[tuple[Label, ...], Field(max_length=1_000_000)] = ()


HeadType = TypeVar("HeadType", bound=HeadMetadata)


def read_head(schema: type[HeadType], head: Mapping[str, Any]) -> HeadType:
    """Return a head's checked metadata; raise ArtifactError saying what is wrong with it."""
    try:
        return schema.model_validate(dict(head))
    except ValidationError as error:
        kind = f"{head.get('kind')!r:.60}"
        raise ArtifactError(f"head of kind {kind}: {summary(error, schema.model_fields)}") from None
