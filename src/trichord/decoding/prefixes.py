"""The tree of prefixes that a search holds: each label knows the one before it, and no list holds them all,
so what no prefix needs is freed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple


class Written(NamedTuple):
    """A label of an answer and the frame in which the search first wrote it."""

    label: int
    frame: int


@dataclass(slots=True, eq=False)
class Node:
    """The last label of a prefix, the frame that wrote it, and the prefix before; a root has none."""

    before: Node | None
    label: int
    frame: int


def spell(node: Node) -> list[Written]:
    """Return the labels on the way from the root to a node."""
    written = []
    while node.before is not None:
        written.append(Written(node.label, node.frame))
        node = node.before
    return written[::-1]


def fork(nodes: Sequence[Node]) -> Node:
    """Return the last node that lies on the way to all of `nodes`, in time linear in the tree."""
    way = [nodes[0]]
    while (before := way[-1].before) is not None:
        way.append(before)
    places = {id(node): place for place, node in enumerate(way)}
    highest = 0
    for node in nodes[1:]:
        walked = []
        while id(node) not in places and node.before is not None:
            walked.append(node)
            node = node.before
        highest = max(highest, places[id(node)])
        places |= dict.fromkeys(map(id, walked), highest)
    return way[highest]
