"""Logits -> answers, without torch: what validation and every runtime share."""

from trichord.decoding.answer import UNSURE, Decoded, Value
from trichord.decoding.ctc_paths import ctc_log_probability
from trichord.decoding.decode import decode, log_probability
from trichord.decoding.ngram import NgramModel
from trichord.decoding.options import BeamOptions

__all__ = [
    "BeamOptions",
    "Decoded",
    "NgramModel",
    "UNSURE",
    "Value",
    "ctc_log_probability",
    "decode",
    "log_probability",
]
