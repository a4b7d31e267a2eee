"""Objectives by kind: what changes the batch or adds to the loss while learning."""

from __future__ import annotations

from typing import Annotated

from trichord.kinds import Kinds
from trichord.learning.objectives.adversarial import Adversarial
from trichord.learning.objectives.align import Align
from trichord.learning.objectives.blend import Blend
from trichord.learning.objectives.crop import Crop
from trichord.learning.objectives.crowd import Crowd
from trichord.learning.objectives.filter_augment import FilterAugment
from trichord.learning.objectives.flat_start import FlatStart
from trichord.learning.objectives.frame_labels import FrameLabels
from trichord.learning.objectives.gain import Gain
from trichord.learning.objectives.gradient_norm import GradientNorm
from trichord.learning.objectives.masked_prediction import MaskedPrediction
from trichord.learning.objectives.mix_noise import MixNoise
from trichord.learning.objectives.mixup import Mixup
from trichord.learning.objectives.objective import Objective, Outputs, Surroundings
from trichord.learning.objectives.pictures import Mirror, Shift
from trichord.learning.objectives.reverb import Reverb
from trichord.learning.objectives.spec_augment import SpecAugment
from trichord.learning.objectives.speed import Speed
from trichord.learning.objectives.stream_dropout import StreamDropout
from trichord.learning.objectives.swap_means import SwapMeans
from trichord.learning.objectives.swap_steps import SwapSteps
from trichord.learning.objectives.time_masking import TimeMasking
from trichord.learning.objectives.uncertainty import Uncertainty

OBJECTIVES: dict[str, type[Objective]] = {
    "adversarial": Adversarial,
    "align": Align,
    "blend": Blend,
    "crop": Crop,
    "crowd": Crowd,
    "filter_augment": FilterAugment,
    "flat_start": FlatStart,
    "frame_labels": FrameLabels,
    "gain": Gain,
    "gradient_norm": GradientNorm,
    "masked_prediction": MaskedPrediction,
    "mirror": Mirror,
    "mix_noise": MixNoise,
    "mixup": Mixup,
    "reverb": Reverb,
    "shift": Shift,
    "spec_augment": SpecAugment,
    "speed": Speed,
    "stream_dropout": StreamDropout,
    "swap_means": SwapMeans,
    "swap_steps": SwapSteps,
    "time_masking": TimeMasking,
    "uncertainty": Uncertainty,
}

AnyObjective = Annotated[Objective, Kinds(OBJECTIVES)]

__all__ = ["OBJECTIVES", "AnyObjective", "Objective", "Outputs", "Surroundings"]
