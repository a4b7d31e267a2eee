"""Scenes: a generated corpus in which no sense suffices alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np
from pydantic import Field

from trichord.clip import Audio, Clip, Video
from trichord.corpora.corpus import SPLITS, About, Corpus, Index
from trichord.corpora.scenes import drawing, sound
from trichord.corpora.scenes.plan import FRAME, Plan, plan_scene

VERSION = 1
"""Raised when the same seed gives other scenes than before."""


class Scenes(Corpus):
    """Cartoon scenes made by numpy alone: someone says three words, an object stands beside, a bell rings.

    Inputs: `audio` 16 kHz, `video` 48 x 64 at 25 frames per second, `text` a short typed note. 1.2 to 1.6 s.

    Targets, and what they need:
    `transcript`, three of eight words: the voice tells vowel and manner, and in noise only the lips tell
    place (b/m from d/n), so that each alone leaves every word between two.
    `intent`, eight classes such as `take red now`: `take` if the first word begins with b (voice and lips),
    the object's colour (scene), now or later (note).
    `place`, 0 to 1: the mean of where the object is seen and of what the bell's pitch says.
    `words`, timed.

    The face fills the left half of the frame and never moves. As fractions of the frame (top, left, bottom,
    right), the mouth is in (0.6, 0.14, 0.88, 0.41) and the object in (0.5, 0.5, 1, 1): streams `lips` and
    `scene` that crop these learn several times quicker than one that looks at whole frames.
    Valid and test hold a quarter of `size` each, with people of their own. The same seed, split and index
    give the same scene.

    size: how many clips to train on.
    noise_db: the noise's level relative to the voice's; -60 makes the voice enough for `transcript`.
    """

    name: ClassVar[str] = "scenes"
    about = About(
        title="Generated scenes",
        licence="CC0-1.0",
        commercial=True,
        source="Trichord itself, which generates it",
        size_mb=0.0,
        tasks=("speech recognition", "lip reading", "intent", "localisation"),
    )

    def __init__(
        self,
        size: Annotated[int, Field(ge=4, le=1_000_000)] = 600,
        seed: Annotated[int, Field(ge=0)] = 0,
        noise_db: Annotated[float, Field(ge=-100, le=40)] = 0.0,
    ) -> None:
        self.size = size
        self.seed = seed
        self.noise_db = noise_db

    @classmethod
    def present(cls) -> bool:
        return True

    def read(self) -> Index:
        return {split: [self.scene(split, i) for i in range(self.count(split))] for split in SPLITS}

    def count(self, split: str) -> int:
        return self.size if split == "train" else self.size // 4

    def scene(self, split: str, number: int) -> Clip:
        seeds = (self.seed, SPLITS.index(split), number)
        plan = plan_scene(split, np.random.default_rng(seeds))
        return Clip(
            f"{split}/{number:05d}",
            {
                "audio": SceneAudio(plan, seeds, self.noise_db),
                "video": SceneVideo(plan, seeds),
                "text": plan.note,
            },
            {"transcript": plan.transcript, "intent": plan.intent, "place": plan.place, "words": plan.words},
            {"speaker": f"person {plan.person}", "shape": plan.shape},
        )


@dataclass(frozen=True, slots=True)
class SceneAudio:
    """A scene's sound, synthesised when it is used."""

    plan: Plan
    seeds: tuple[int, int, int]
    noise_db: float

    @property
    def key(self) -> str:
        return f"scene audio {VERSION} {self.seeds} {self.noise_db}"

    def load(self) -> Audio:
        return Audio(
            sound.render(self.plan, self.noise_db, np.random.default_rng((*self.seeds, 1))), sound.RATE
        )


@dataclass(frozen=True, slots=True)
class SceneVideo:
    """A scene's frames, drawn when they are used."""

    plan: Plan
    seeds: tuple[int, int, int]

    @property
    def key(self) -> str:
        return f"scene video {VERSION} {self.seeds}"

    def load(self) -> Video:
        return Video(drawing.render(self.plan, np.random.default_rng((*self.seeds, 2))), 1 / FRAME)
