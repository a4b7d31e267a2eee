"""The fusions by kind."""

from __future__ import annotations

from typing import Annotated

from trichord.kinds import Kinds
from trichord.learning.fusion.concat import Concat
from trichord.learning.fusion.cross_attention import CrossAttention
from trichord.learning.fusion.frame_attention import FrameAttention
from trichord.learning.fusion.fusion import Fusion
from trichord.learning.fusion.gates import Gates
from trichord.learning.fusion.mean import Mean
from trichord.learning.fusion.sum import Sum
from trichord.learning.fusion.weights import Weights

FUSIONS: dict[str, type[Fusion]] = {
    "concat": Concat,
    "sum": Sum,
    "mean": Mean,
    "weights": Weights,
    "gates": Gates,
    "attention": FrameAttention,
    "cross_attention": CrossAttention,
}

AnyFusion = Annotated[Fusion, Kinds(FUSIONS)]
