"""Why a model answered what it did: from which streams, from which moments, from which parts of them."""

from trichord.running.explain.occlusion import Curve, occlude
from trichord.running.explain.parts import Parts, parts_of
from trichord.running.explain.picture import save_picture
from trichord.running.explain.shapley import Attribution, coalitions, shapley
from trichord.running.explain.streams import explain_streams

__all__ = [
    "Attribution",
    "Curve",
    "Parts",
    "coalitions",
    "explain_streams",
    "occlude",
    "parts_of",
    "save_picture",
    "shapley",
]
