"""What each stream contributed to an answer: exact Shapley values.

Shapley, L. S.: A value for n-person games. Contributions to the Theory of Games II, 1953.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import combinations
from math import factorial


@dataclass(frozen=True, slots=True)
class Attribution:
    """What the streams contributed to an answer.

    `nats`, by stream: Shapley values of the answer's log-probability; their sum is `full - empty`.
    `full` is that log-probability with every present stream, `empty` with none.
    `learned`: whether the model was trained without streams now and then; if not, coalitions are unlike
    anything it has seen, and these numbers mean little.
    """

    nats: Mapping[str, float]
    full: float
    empty: float
    learned: bool = True

    @property
    def shares(self) -> dict[str, float]:
        """Signed shares: nats over the sum of their magnitudes, so 0.6 is 60 % of all that was said.

        Where no stream spoke against the answer they sum to 1. All are 0 where no stream changed anything.
        """
        total = sum(abs(value) for value in self.nats.values())
        return {name: value / total if total else 0.0 for name, value in self.nats.items()}


def coalitions(streams: Iterable[str]) -> list[frozenset[str]]:
    """Return every subset, the empty one first and the whole last."""
    names = list(streams)
    return [frozenset(group) for size in range(len(names) + 1) for group in combinations(names, size)]


def shapley(values: Mapping[frozenset[str], float]) -> dict[str, float]:
    """Return each player's Shapley value, given the value of every coalition.

    The mean, over all orders of arrival, of what a player adds by arriving. Raises ValueError where a
    coalition is missing.
    """
    players = sorted(frozenset().union(*values))
    if missing := [group for group in coalitions(players) if group not in values]:
        raise ValueError(f"no value for the coalition {sorted(missing[0])}")
    return {player: mean_addition(player, players, values) for player in players}


def mean_addition(player: str, players: list[str], values: Mapping[frozenset[str], float]) -> float:
    n = len(players)
    others = [name for name in players if name != player]
    return sum(
        factorial(len(group)) * factorial(n - len(group) - 1) / factorial(n)
        * (values[group | {player}] - values[group])
        for group in coalitions(others)
    )  # fmt: skip
