"""Logits -> answers, without torch: what validation and every runtime share."""

from trichord.decoding.answer import UNSURE, Decoded, Value
from trichord.decoding.ctc_paths import ctc_log_probability
from trichord.decoding.decode import decode, log_probability
from trichord.decoding.ngram import NgramModel
from trichord.decoding.options import BeamChanges, BeamOptions

__all__ = [
    "BeamChanges",
    "BeamOptions",
    "Decoded",
    "NgramModel",
    "UNSURE",
    "Value",
    "ctc_log_probability",
    "decode",
    "log_probability",
]
