"""Corpora by kind: public ones by name, and readers of the layouts that people already have."""

from trichord.corpora.corpus import SPLITS, About, Corpus, data_root
from trichord.corpora.folder import FolderOfClasses
from trichord.corpora.fsdd import Fsdd
from trichord.corpora.grid import Grid
from trichord.corpora.huggingface import HuggingFace
from trichord.corpora.inspect import Report, inspect
from trichord.corpora.kaldi import Kaldi
from trichord.corpora.lhotse import Lhotse
from trichord.corpora.scenes import Scenes
from trichord.corpora.table import Table

CORPORA: dict[str, type[Corpus]] = {
    "fsdd": Fsdd,
    "folder": FolderOfClasses,
    "grid": Grid,
    "huggingface": HuggingFace,
    "kaldi": Kaldi,
    "lhotse": Lhotse,
    "scenes": Scenes,
    "table": Table,
}
"""Every corpus that a recipe can name."""

__all__ = [
    "About",
    "CORPORA",
    "Corpus",
    "FolderOfClasses",
    "Fsdd",
    "Grid",
    "HuggingFace",
    "Kaldi",
    "Lhotse",
    "Report",
    "SPLITS",
    "Scenes",
    "Table",
    "data_root",
    "inspect",
]
