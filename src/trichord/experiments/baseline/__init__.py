"""Classical recognisers and classifiers, as baselines of any recipe."""

from trichord.experiments.baseline.choose import KINDS
from trichord.experiments.baseline.run import baseline

__all__ = ["KINDS", "baseline"]
