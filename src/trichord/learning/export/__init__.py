"""From a trained model to one file."""

from trichord.learning.export.graph import export_graph
from trichord.learning.export.quantise import Report, quantise
from trichord.learning.export.run import export_run, set_metadata

__all__ = ["Report", "export_graph", "export_run", "quantise", "set_metadata"]
