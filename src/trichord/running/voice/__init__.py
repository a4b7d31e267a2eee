"""Voices: when somebody speaks, who, and whether two are the same."""

from trichord.running.voice.activity import ActivitySettings, ActivityStream, find_speech
from trichord.running.voice.crowd import how_many_speak
from trichord.running.voice.diarise import DiariseSettings, diarise
from trichord.running.voice.embeddings import MfccVoice, ModelVoice
from trichord.running.voice.verify import Identity, KnownVoices, Verdict, verify

__all__ = [
    "ActivitySettings",
    "ActivityStream",
    "DiariseSettings",
    "Identity",
    "KnownVoices",
    "MfccVoice",
    "ModelVoice",
    "Verdict",
    "diarise",
    "find_speech",
    "how_many_speak",
    "verify",
]
