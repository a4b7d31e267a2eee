"""What is said when something is meant: a grammar's sentences as phones, and learning from all of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import chain, pairwise
from pathlib import Path
from typing import Any, TypeAlias

import torch
import torch.nn.functional as F
from pydantic import ValidationError
from torch import Tensor

from trichord.decoding.grammar import Grammar, grammar_of
from trichord.decoding.options import BeamOptions, GrammarMetadata, Pronounced
from trichord.errors import InputError, MissingError
from trichord.files import data_root
from trichord.learning.pronouncing import Dictionary
from trichord.learning.stream import Stream
from trichord.recipes import read_yaml

Units: TypeAlias = tuple[int, ...]
Written: TypeAlias = str | dict[str, dict[str, list[str]]]
"""The name of a file, or what stands in it: expressions by intent, and phrases by kind of slot."""
BEAM = 100


def read_grammar(written: Written) -> Grammar:
    """Read expressions and slots, or a YAML file of them, here or among the corpora; else InputError."""
    if isinstance(written, str):
        places = [Path(written), data_root() / written]
        path = next((place for place in places if place.is_file()), None)
        if path is None:
            raise MissingError(f"the grammar {written} is neither here nor in {data_root()}")
        where, values = f"{path}: ", read_yaml(path)
    else:
        where, values = "", dict(written)
    values = values.get("context", values)
    try:
        known = GrammarMetadata(intents=values["expressions"], slots=values.get("slots", {}))
    except (KeyError, TypeError, AttributeError, ValidationError):
        raise InputError(
            f"{where}a grammar has 'expressions', a list by intent, and 'slots', a list by kind"
        ) from None
    return grammar_of(known.model_dump())


def search_for(grammar: Grammar, spoken: Dictionary) -> BeamOptions:
    """Return how to search for a grammar's sentences; InputError where the dictionary lacks a word of it."""
    ways = {word: tuple(spoken.ways(word)) for word in sorted(grammar.vocabulary)}
    if unknown := [word for word, said in ways.items() if not said]:
        raise InputError(f"the pronouncing dictionary lacks words of the grammar: {', '.join(unknown[:5])}")
    return BeamOptions(width=BEAM, grammar=grammar, pronounced=Pronounced(ways, spoken.joiner))


class Sayings:
    """By meaning, the unit numbers of all sentences that have it, each word by its first pronunciation.

    `search` is a head's, as metadata hold it.
    """

    def __init__(self, search: Mapping[str, Any], labels: Sequence[str]) -> None:
        numbers = {label: number for number, label in enumerate(labels)}
        self.grammar = grammar_of(search["grammar"])
        self.words = {
            word: [numbers[phone] for phone in ways[0].split()]
            for word, ways in search["pronounced"]["words"].items()
        }
        self.found: dict[str, list[Units]] = {}

    def __call__(self, meaning: str) -> list[Units]:
        """Return them; InputError where nothing that may be said means this."""
        if meaning not in self.found:
            sentences = self.grammar.ways(meaning)
            if not sentences:
                raise InputError(f"no sentence of the grammar means {meaning!r:.80}")
            self.found[meaning] = [
                tuple(chain.from_iterable(self.words[word] for word in sentence)) for sentence in sentences
            ]
        return self.found[meaning]


def loss_of_sayings(logits: Stream, sayings: Mapping[int, Sequence[Units]]) -> Tensor | None:
    """Return minus the log-probability that CTC writes any of an item's `sayings`, per unit, the items' mean.

    `logits (batch, time, units)`; `sayings` by row. Items that are too short for all of theirs are left out;
    None where all are.
    """
    lengths = logits.lengths.tolist()
    said = [(row, way) for row, ways in sayings.items() for way in ways if steps_for(way) <= lengths[row]]
    if not said:
        return None
    rows, ways = [list(part) for part in zip(*said, strict=True)]
    device = logits.values.device
    sizes = torch.tensor([len(way) for way in ways])
    log_probs = logits.cleared().values.float().log_softmax(2)[rows]  # (ways, time, units)
    losses = F.ctc_loss(
        log_probs.transpose(0, 1), torch.tensor([*chain.from_iterable(ways)]).to(device),
        logits.lengths[rows], sizes.to(device), reduction="none",
    )  # fmt: skip
    each = []
    for row in dict.fromkeys(rows):
        its = torch.tensor([number for number, of in enumerate(rows) if of == row])
        each.append(-(-losses[its]).logsumexp(0) / sizes[its].float().mean().to(device))
    return torch.stack(each).mean()


def steps_for(units: Sequence[int]) -> int:
    """Return how many steps units take at the least: CTC writes a blank between two that are alike."""
    return len(units) + sum(one == other for one, other in pairwise(units))
