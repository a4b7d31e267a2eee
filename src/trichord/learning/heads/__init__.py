"""The heads by kind."""

from __future__ import annotations

from typing import Annotated

from trichord.kinds import Kinds
from trichord.learning.heads.classify import Classify
from trichord.learning.heads.contrastive import Contrastive
from trichord.learning.heads.ctc import Ctc
from trichord.learning.heads.generate import Generate
from trichord.learning.heads.head import Head
from trichord.learning.heads.regress import Regress
from trichord.learning.heads.tag import Tag

HEADS: dict[str, type[Head]] = {
    "classify": Classify,
    "contrastive": Contrastive,
    "ctc": Ctc,
    "generate": Generate,
    "regress": Regress,
    "tag": Tag,
}

AnyHead = Annotated[Head, Kinds(HEADS)]
