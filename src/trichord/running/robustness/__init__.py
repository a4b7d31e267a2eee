"""How a model holds when its streams are disturbed, lost or at odds, and which of them it then listens to."""

from trichord.running.robustness.measure import (
    MISSING,
    OUTLIERS,
    Plan,
    noise_of,
    robustness,
    usual_noise,
)
from trichord.running.robustness.picture import save_picture
from trichord.running.robustness.report import Level, Robustness, Sweep
from trichord.running.robustness.subsets import subset_name, subsets, withheld
from trichord.running.robustness.table import headlines, markdown, rows_of, trust_rows
from trichord.running.robustness.trust import Trust

__all__ = [
    "Level",
    "MISSING",
    "OUTLIERS",
    "Plan",
    "Robustness",
    "Sweep",
    "Trust",
    "headlines",
    "markdown",
    "noise_of",
    "robustness",
    "rows_of",
    "save_picture",
    "subset_name",
    "subsets",
    "trust_rows",
    "usual_noise",
    "withheld",
]
