"""Clips answered while they arrive."""

from trichord.running.live.hearing import Endpoint, Hearing, Utterance
from trichord.running.live.pieces import Piece, pieces_of
from trichord.running.live.receiver import Receiver, level_of
from trichord.running.live.session import Live, Turn
from trichord.running.live.spotter import Spotter

__all__ = [
    "Endpoint",
    "Hearing",
    "Live",
    "Piece",
    "Receiver",
    "Spotter",
    "Turn",
    "Utterance",
    "level_of",
    "pieces_of",
]
