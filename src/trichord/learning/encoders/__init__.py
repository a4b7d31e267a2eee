"""Encoders by kind: prepared input in, a stream of vectors out."""

from __future__ import annotations

from typing import Annotated, TypeAlias

from trichord.kinds import Kinds
from trichord.learning.encoders.cnn import Cnn
from trichord.learning.encoders.conformer import Conformer
from trichord.learning.encoders.encoder import Encoder
from trichord.learning.encoders.features import Features
from trichord.learning.encoders.lip_cnn import LipCnn
from trichord.learning.encoders.mlp import Mlp
from trichord.learning.encoders.pretrained import Pretrained
from trichord.learning.encoders.rnn import Rnn
from trichord.learning.encoders.spectral_cnn import SpectralCnn
from trichord.learning.encoders.transformer import Transformer

ENCODERS: dict[str, type[Encoder]] = {
    "cnn": Cnn,
    "conformer": Conformer,
    "features": Features,
    "lip_cnn": LipCnn,
    "mlp": Mlp,
    "pretrained": Pretrained,
    "rnn": Rnn,
    "spectral_cnn": SpectralCnn,
    "transformer": Transformer,
}
AnyEncoder: TypeAlias = Annotated[Encoder, Kinds(ENCODERS)]
