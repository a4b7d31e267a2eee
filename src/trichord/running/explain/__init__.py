"""Why a model answered what it did: from which streams, and from which moments."""

from trichord.running.explain.occlusion import Curve, occlude
from trichord.running.explain.picture import save_picture
from trichord.running.explain.shapley import Attribution, coalitions, shapley
from trichord.running.explain.streams import explain_streams

__all__ = ["Attribution", "Curve", "coalitions", "explain_streams", "occlude", "save_picture", "shapley"]
