"""Training: from a recipe to a run folder."""

from trichord.learning.training.calibrate import calibrate
from trichord.learning.training.data import Data, Track, load_data, silent
from trichord.learning.training.lending import write_half
from trichord.learning.training.loop import Learner, Watcher
from trichord.learning.training.run import RunFolder

__all__ = [
    "Data",
    "Learner",
    "RunFolder",
    "Track",
    "Watcher",
    "calibrate",
    "load_data",
    "silent",
    "write_half",
]
