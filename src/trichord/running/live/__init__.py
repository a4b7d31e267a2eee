"""Clips answered while they arrive."""

from trichord.running.live.pieces import Piece, pieces_of
from trichord.running.live.receiver import Receiver, level_of
from trichord.running.live.session import Live, Turn

__all__ = ["Live", "Piece", "Receiver", "Turn", "level_of", "pieces_of"]
