"""Cross-validation: a corpus divided again, each part held out once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, model_validator

from trichord.clip import Clip
from trichord.corpora.corpus import SPLITS, Index
from trichord.errors import InputError
from trichord.kinds import nearest


class Fold(BaseModel):
    """Which part of a corpus is held out.

    of: into how many parts the clips are divided; each is as even in groups as can be.
    number: the part held out, counted from 0.
    by: what keeps clips together, a key of their `about` such as speaker; groups are divided in the order of
        their names. None divides clips, shuffled once and for all.
    held_out: `test` divides all clips, and the part replaces the test split; `valid` divides training and
        validation clips alone, and the part validates while the test split stays untouched.
    validate: whether, where the part is the test split, the part after it validates. Without, all other
        parts train, and the last epoch's weights are kept.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    of: Annotated[int, Field(ge=2, le=1000)]
    number: Annotated[int, Field(ge=0)] = 0
    by: str | None = None
    held_out: Literal["test", "valid"] = "test"
    with_valid: bool = Field(True, alias="validate")  # pydantic's models have a method of that name

    @model_validator(mode="after")
    def _numbered(self) -> Fold:
        if self.number >= self.of:
            raise ValueError(f"number {self.number} is no part of {self.of}; they count from 0")
        if self.of == 2 and self.held_out == "test" and self.with_valid:
            raise ValueError("2 parts leave none to train on; take 3 or more, or validate: false")
        return self

    def divide(self, index: Index) -> Index:
        """Return the clips divided anew; raises InputError where there are too few, or `by` is unknown."""
        pooled = SPLITS if self.held_out == "test" else ("train", "valid")
        parts = self.parts([clip for split in pooled for clip in index.get(split, ())])
        held, after = parts[self.number], parts[(self.number + 1) % self.of]
        if self.held_out == "valid":
            return {"train": without(parts, held), "valid": held, "test": index.get("test", ())}
        if not self.with_valid:
            return {"train": without(parts, held), "valid": [], "test": held}
        return {"train": without(parts, held, after), "valid": after, "test": held}

    def parts(self, clips: Sequence[Clip]) -> list[list[Clip]]:
        groups: dict[str, list[Clip]] = {}
        for clip in clips:
            groups.setdefault(self.group_of(clip), []).append(clip)
        names = sorted(groups)
        if self.by is None:
            names = [names[place] for place in np.random.default_rng(0).permutation(len(names))]
        if len(names) < self.of:
            what = self.by or "clip"
            raise InputError(f"fold: {len(names)} of {what!r} cannot be divided into {self.of} parts")
        shares = np.array_split(np.array(names, dtype=object), self.of)
        return [[clip for name in share for clip in groups[name]] for share in shares]

    def group_of(self, clip: Clip) -> str:
        if self.by is None:
            return clip.id
        if self.by not in clip.about:
            raise InputError(f"fold.by: {clip.id} has no {self.by!r}{nearest(self.by, clip.about)}")
        return clip.about[self.by]


def without(parts: Sequence[Sequence[Clip]], *held: Sequence[Clip]) -> list[Clip]:
    return [clip for part in parts if not any(part is out for out in held) for clip in part]
