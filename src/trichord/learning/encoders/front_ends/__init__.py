"""Front ends by kind: the first, shallow step of an encoder, from raw input to feature frames."""

from __future__ import annotations

from typing import Annotated, TypeAlias

from trichord.kinds import Kinds
from trichord.learning.encoders.front_ends.embedding import Embedding
from trichord.learning.encoders.front_ends.front_end import FrontEnd
from trichord.learning.encoders.front_ends.image_cnn import ImageCnn
from trichord.learning.encoders.front_ends.lip_stem import LipStem
from trichord.learning.encoders.front_ends.logmel import LogMel
from trichord.learning.encoders.front_ends.mfcc import Mfcc
from trichord.learning.encoders.front_ends.ready import Ready
from trichord.learning.encoders.front_ends.waveform import Waveform
from trichord.prepare.preparation import InputSpec

FRONT_ENDS: dict[str, type[FrontEnd]] = {
    "array": Ready,
    "embedding": Embedding,
    "image_cnn": ImageCnn,
    "lip_stem": LipStem,
    "logmel": LogMel,
    "mfcc": Mfcc,
    "waveform": Waveform,
}
AnyFrontEnd: TypeAlias = Annotated[FrontEnd, Kinds(FRONT_ENDS)]

DEFAULTS: dict[str, type[FrontEnd]] = {
    "samples": LogMel,
    "frames": ImageCnn,
    "tokens": Embedding,
    "array": Ready,
}


def default_front_end(spec: InputSpec) -> FrontEnd:
    """Return an unbuilt front end of the usual kind for inputs of this `spec`."""
    return DEFAULTS[spec.kind]()
