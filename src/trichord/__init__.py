"""Trichord: from raw clips to a model that hears, sees and reads, in one file that runs anywhere."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from trichord.clip import Audio, Clip, Event, Features, Video
    from trichord.errors import ArtifactError, InputError, MissingError, RecipeError, TrichordError
    from trichord.running.runtime.answer import Answer
    from trichord.running.runtime.model import Model
    from trichord.running.runtime.zoo import load, zoo_names

__version__ = "0.1.0"

__all__ = [
    "Answer",
    "ArtifactError",
    "Audio",
    "Clip",
    "Event",
    "Features",
    "InputError",
    "MissingError",
    "Model",
    "RecipeError",
    "TrichordError",
    "Video",
    "__version__",
    "load",
    "zoo_names",
]

_HOMES = {
    "Answer": "trichord.running.runtime.answer",
    "ArtifactError": "trichord.errors",
    "Audio": "trichord.clip",
    "Clip": "trichord.clip",
    "Event": "trichord.clip",
    "Features": "trichord.clip",
    "InputError": "trichord.errors",
    "MissingError": "trichord.errors",
    "Model": "trichord.running.runtime.model",
    "RecipeError": "trichord.errors",
    "TrichordError": "trichord.errors",
    "Video": "trichord.clip",
    "load": "trichord.running.runtime.zoo",
    "zoo_names": "trichord.running.runtime.zoo",
}


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used, so that importing the package costs nothing."""
    if name not in _HOMES:
        raise AttributeError(f"module 'trichord' has no attribute {name!r}")
    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
