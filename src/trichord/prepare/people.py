"""Preparations that are accustomed to each person, or other group, whose clips they prepare."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from trichord.clip import Clip, Input, Lazy
from trichord.prepare.cache import Cache, measure
from trichord.prepare.preparation import Preparation


class People:
    """A preparation, and by group of `clips` the one that is accustomed to these; see `Preparation.by`.

    Clips whose group is not known are prepared as those of nobody in particular.
    """

    def __init__(
        self, preparation: Preparation, source: str, clips: Iterable[Clip], cache: Cache | None = None
    ) -> None:
        self.preparation = preparation
        self.own: Mapping[str, Preparation] = {}
        if preparation.by is not None:
            groups: dict[str, list[Input | Lazy]] = {}
            for clip in clips:
                if preparation.by in clip.about and source in clip.inputs:
                    value = measure(preparation, clip.inputs[source], cache)
                    groups.setdefault(clip.about[preparation.by], []).append(value)
            self.own = {group: preparation.accustomed(inputs) for group, inputs in groups.items()}

    def of(self, clip: Clip) -> Preparation:
        """Return the preparation for a clip."""
        group = clip.about.get(self.preparation.by or "")
        return self.own.get(group, self.preparation) if group is not None else self.preparation
