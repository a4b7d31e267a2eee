"""Clips answered while they arrive."""

from trichord.running.live.hearing import Endpoint, Hearing, Utterance
from trichord.running.live.pieces import Piece, pieces_of
from trichord.running.live.receiver import Receiver, level_of
from trichord.running.live.session import Live, Turn

__all__ = [
    "Endpoint",
    "Hearing",
    "Live",
    "Piece",
    "Receiver",
    "Turn",
    "Utterance",
    "level_of",
    "pieces_of",
]
