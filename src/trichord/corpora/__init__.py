"""Corpora by kind: public ones by name, and readers of the layouts that people already have."""

from trichord.corpora.avdigits import AvDigits
from trichord.corpora.corpus import SPLITS, About, Corpus
from trichord.corpora.folder import FolderOfClasses
from trichord.corpora.fsdd import Fsdd
from trichord.corpora.grid import Grid
from trichord.corpora.huggingface import HuggingFace
from trichord.corpora.inspect import Report, inspect
from trichord.corpora.kaldi import Kaldi
from trichord.corpora.lhotse import Lhotse
from trichord.corpora.mnist import Mnist
from trichord.corpora.mosi import Mosi
from trichord.corpora.ravdess_features import RavdessFeatures
from trichord.corpora.scenes import Scenes
from trichord.corpora.table import Table
from trichord.files import data_root

CORPORA: dict[str, type[Corpus]] = {
    "avdigits": AvDigits,
    "fsdd": Fsdd,
    "folder": FolderOfClasses,
    "grid": Grid,
    "huggingface": HuggingFace,
    "kaldi": Kaldi,
    "lhotse": Lhotse,
    "mnist": Mnist,
    "mosi": Mosi,
    "ravdess_features": RavdessFeatures,
    "scenes": Scenes,
    "table": Table,
}
"""Every corpus that a recipe can name."""

__all__ = [
    "About",
    "AvDigits",
    "CORPORA",
    "Corpus",
    "FolderOfClasses",
    "Fsdd",
    "Grid",
    "HuggingFace",
    "Kaldi",
    "Lhotse",
    "Mnist",
    "Mosi",
    "RavdessFeatures",
    "Report",
    "SPLITS",
    "Scenes",
    "Table",
    "data_root",
    "inspect",
]
