"""Objectives by kind: what changes the batch or adds to the loss while learning."""

from __future__ import annotations

from typing import Annotated

from trichord.kinds import Kinds
from trichord.learning.objectives.frame_labels import FrameLabels
from trichord.learning.objectives.mix_noise import MixNoise
from trichord.learning.objectives.objective import Objective, Outputs, Surroundings
from trichord.learning.objectives.pictures import Mirror, Shift
from trichord.learning.objectives.reverb import Reverb
from trichord.learning.objectives.spec_augment import SpecAugment
from trichord.learning.objectives.speed import Speed
from trichord.learning.objectives.stream_dropout import StreamDropout
from trichord.learning.objectives.time_masking import TimeMasking

OBJECTIVES: dict[str, type[Objective]] = {
    "frame_labels": FrameLabels,
    "mirror": Mirror,
    "mix_noise": MixNoise,
    "reverb": Reverb,
    "shift": Shift,
    "spec_augment": SpecAugment,
    "speed": Speed,
    "stream_dropout": StreamDropout,
    "time_masking": TimeMasking,
}

AnyObjective = Annotated[Objective, Kinds(OBJECTIVES)]

__all__ = ["OBJECTIVES", "AnyObjective", "Objective", "Outputs", "Surroundings"]
