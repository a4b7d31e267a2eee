"""Corpora by kind: public ones by name, and readers of the layouts that people already have."""

from trichord.corpora.aishell import Aishell
from trichord.corpora.ami import Ami
from trichord.corpora.audio_cmn import AudioCmn
from trichord.corpora.avdigits import AvDigits
from trichord.corpora.corpus import SPLITS, About, Corpus
from trichord.corpora.esc10 import Esc10
from trichord.corpora.folder import FolderOfClasses
from trichord.corpora.fsdd import Fsdd
from trichord.corpora.grid import Grid
from trichord.corpora.huggingface import HuggingFace
from trichord.corpora.inspect import Report, inspect
from trichord.corpora.joined import Joined
from trichord.corpora.kaldi import Kaldi
from trichord.corpora.lhotse import Lhotse
from trichord.corpora.librispeech import LibriSpeech
from trichord.corpora.mnist import Mnist
from trichord.corpora.mosi import Mosi
from trichord.corpora.nemo_emotion import NemoEmotion
from trichord.corpora.ravdess_features import RavdessFeatures
from trichord.corpora.scenes import Scenes
from trichord.corpora.speech_to_intent import SpeechToIntent
from trichord.corpora.speechocean import Speechocean
from trichord.corpora.table import Table
from trichord.corpora.wake_words import WakeWords
from trichord.files import data_root

CORPORA: dict[str, type[Corpus]] = {
    "aishell": Aishell,
    "ami": Ami,
    "audio_cmn": AudioCmn,
    "avdigits": AvDigits,
    "esc10": Esc10,
    "folder": FolderOfClasses,
    "fsdd": Fsdd,
    "grid": Grid,
    "huggingface": HuggingFace,
    "joined": Joined,
    "kaldi": Kaldi,
    "lhotse": Lhotse,
    "librispeech": LibriSpeech,
    "mnist": Mnist,
    "mosi": Mosi,
    "nemo_emotion": NemoEmotion,
    "ravdess_features": RavdessFeatures,
    "scenes": Scenes,
    "speech_to_intent": SpeechToIntent,
    "speechocean": Speechocean,
    "table": Table,
    "wake_words": WakeWords,
}
"""Every corpus that a recipe can name."""

__all__ = [
    "About",
    "Aishell",
    "Ami",
    "AudioCmn",
    "AvDigits",
    "CORPORA",
    "Corpus",
    "Esc10",
    "FolderOfClasses",
    "Fsdd",
    "Grid",
    "HuggingFace",
    "Joined",
    "Kaldi",
    "Lhotse",
    "LibriSpeech",
    "Mnist",
    "Mosi",
    "NemoEmotion",
    "RavdessFeatures",
    "Report",
    "SPLITS",
    "Scenes",
    "SpeechToIntent",
    "Speechocean",
    "Table",
    "WakeWords",
    "data_root",
    "inspect",
]
