"""The fusions by kind."""

from __future__ import annotations

from typing import Annotated

from trichord.kinds import Kinds
from trichord.learning.fusion.ask import Ask
from trichord.learning.fusion.bottleneck import Bottleneck
from trichord.learning.fusion.co_attention import CoAttention
from trichord.learning.fusion.concat import Concat
from trichord.learning.fusion.cross_attention import CrossAttention
from trichord.learning.fusion.frame_attention import FrameAttention
from trichord.learning.fusion.fusion import Fusion
from trichord.learning.fusion.gates import Gates
from trichord.learning.fusion.graph import Graph
from trichord.learning.fusion.low_rank_tensor import LowRankTensor
from trichord.learning.fusion.mean import Mean
from trichord.learning.fusion.memory import Memory
from trichord.learning.fusion.multiplicative import Multiplicative
from trichord.learning.fusion.self_attention import SelfAttention
from trichord.learning.fusion.sum import Sum
from trichord.learning.fusion.tensor import TensorFusion
from trichord.learning.fusion.voting import Voting
from trichord.learning.fusion.weights import Weights

FUSIONS: dict[str, type[Fusion]] = {
    "concat": Concat,
    "sum": Sum,
    "mean": Mean,
    "weights": Weights,
    "voting": Voting,
    "gates": Gates,
    "multiplicative": Multiplicative,
    "tensor": TensorFusion,
    "low_rank_tensor": LowRankTensor,
    "memory": Memory,
    "graph": Graph,
    "attention": FrameAttention,
    "self_attention": SelfAttention,
    "co_attention": CoAttention,
    "cross_attention": CrossAttention,
    "bottleneck": Bottleneck,
    "ask": Ask,
}

AnyFusion = Annotated[Fusion, Kinds(FUSIONS)]
