"""Model files, opened safely and asked about clips."""

from trichord.running.runtime.answer import Answer
from trichord.running.runtime.inputs import Source
from trichord.running.runtime.model import Model
from trichord.running.runtime.zoo import load, zoo_names

__all__ = ["Answer", "Model", "Source", "load", "zoo_names"]
