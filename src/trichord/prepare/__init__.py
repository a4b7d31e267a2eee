"""Clips to model inputs: the same code in training and in use."""

from __future__ import annotations

from trichord.prepare.array import ReadyArray
from trichord.prepare.cache import Cache, prepare_input
from trichord.prepare.descriptors import Descriptors
from trichord.prepare.frames import Crop, Frames
from trichord.prepare.functionals import Functionals
from trichord.prepare.mouth_crop import MouthCrop, MouthStream
from trichord.prepare.preparation import InputSpec, Preparation
from trichord.prepare.samples import Samples
from trichord.prepare.text import Characters, Words

PREPARATIONS: dict[str, type[Preparation]] = {
    "array": ReadyArray,
    "characters": Characters,
    "crop": Crop,
    "descriptors": Descriptors,
    "frames": Frames,
    "functionals": Functionals,
    "mouth_crop": MouthCrop,
    "samples": Samples,
    "words": Words,
}


def default_preparation(source: str) -> Preparation:
    """Return how an input is prepared if a recipe does not say: by name, anything else being features."""
    defaults: dict[str, type[Preparation]] = {"audio": Samples, "video": Frames, "text": Characters}
    return defaults.get(source, ReadyArray)()


__all__ = [
    "Cache",
    "Characters",
    "Crop",
    "Descriptors",
    "Frames",
    "Functionals",
    "InputSpec",
    "MouthCrop",
    "MouthStream",
    "PREPARATIONS",
    "Preparation",
    "ReadyArray",
    "Samples",
    "Words",
    "default_preparation",
    "prepare_input",
]
