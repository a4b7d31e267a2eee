"""Grammars: what may be said, and what is meant by it.

Expressions are written as in contexts of Picovoice's Rhino: words; `[one, of, these]`; `(what may be left
out)`; `$KIND:NAME`, a slot NAME that one of the phrases of that KIND fills. A meaning is written as an intent
and what fills its slots, in the order of their names: `order size=small sort=iced tea`.
"""

from __future__ import annotations

import json
import math
import re
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any, TypeAlias

from trichord.decoding.ngram import END, START, Context
from trichord.errors import InputError

TOKEN = re.compile(r"[\[\](),]|\$[^\W\d]\w*:[^\W\d]\w*|[^\s\[\](),$]+")
NAME = re.compile(r"[^\W\d]\w*")
FILLED = re.compile(r"(\S+?)=(.*?)(?= [^\W\d]\w*=|$)")
MAX_DEPTH, MAX_NODES, MAX_WAYS = 20, 200_000, 10_000
MAX_LENGTH = 150
"""Words, and ends of brackets, of the longest sentence."""


@dataclass(frozen=True, slots=True)
class Choice:
    """One of several sequences of elements; an empty one among them may be left out."""

    ways: tuple[Path, ...]


@dataclass(frozen=True, slots=True)
class Slot:
    """One of the phrases of a kind, which fills the slot of this name."""

    kind: str
    name: str


Path: TypeAlias = "tuple[str | Choice | Slot, ...]"
Filled: TypeAlias = tuple[str, str]
"""The name of a slot, and the phrase in it."""
Words: TypeAlias = tuple[str, ...]
Nodes: TypeAlias = frozenset[int]

ROOT = 0
CLOSING = {"[": "]", "(": ")"}


class Network:
    """What words may follow one another: nodes, and words that lead from one to others."""

    def __init__(self) -> None:
        self.words: list[dict[str, list[tuple[int, Filled | None]]]] = [{}]
        self.free: list[list[int]] = [[]]
        self.intents: list[str | None] = [None]
        self.depths: list[int] = [0]
        self.shared: dict[tuple[object, ...], int] = {}

    def node(self, depth: int) -> int:
        if depth > MAX_LENGTH:
            raise InputError(f"a grammar's sentence may have {MAX_LENGTH} words; cut the expression")
        if len(self.words) >= MAX_NODES:
            raise InputError(f"a grammar may take {MAX_NODES} nodes; give fewer expressions or phrases")
        self.words.append({})
        self.free.append([])
        self.intents.append(None)
        self.depths.append(depth)
        return len(self.words) - 1

    def word(self, node: int, word: str, filled: Filled | None = None) -> int:
        """Return where a word leads; expressions that begin alike share their nodes."""
        if (node, word, filled) not in self.shared:
            target = self.shared[node, word, filled] = self.node(self.depths[node] + 1)
            self.words[node].setdefault(word, []).append((target, filled))
        return self.shared[node, word, filled]

    def after(self, node: int, element: str | Choice | Slot, slots: Mapping[str, Sequence[Words]]) -> int:
        """Return the node behind an element."""
        if isinstance(element, str):
            return self.word(node, element)
        if (node, element) not in self.shared:
            lasts = list(self.ends(node, element, slots))
            end = self.shared[node, element] = self.node(1 + max(self.depths[last] for last in lasts))
            for last in lasts:
                self.free[last].append(end)
        return self.shared[node, element]

    def ends(self, node: int, element: Choice | Slot, slots: Mapping[str, Sequence[Words]]) -> Iterator[int]:
        if isinstance(element, Choice):
            for way in element.ways:
                last = node
                for part in way:
                    last = self.after(last, part, slots)
                yield last
            return
        for phrase in slots[element.kind]:
            last = node
            for word in phrase[:-1]:
                last = self.word(last, word)
            yield self.word(last, phrase[-1], (element.name, " ".join(phrase)))

    def reached(self, nodes: Iterable[int]) -> Nodes:
        """Return these nodes, and those that no word lies before."""
        found, left = set[int](), list(nodes)
        while left:
            node = left.pop()
            if node not in found:
                found.add(node)
                left += self.free[node]
        return frozenset(found)


class Grammar:
    """Expressions by intent, and the phrases of each kind of slot.

    It is also a language model of words, in which all that it allows is alike, and nothing else is possible.
    Raises InputError for an expression that cannot be read, or a slot of an unknown kind.
    """

    def __init__(self, intents: Mapping[str, Sequence[str]], slots: Mapping[str, Sequence[str]]) -> None:
        if not any(intents.values()):
            raise InputError("a grammar needs an expression, such as 'turn on the [light, radio]'")
        self.intents = {intent: tuple(expressions) for intent, expressions in intents.items()}
        self.slots = {kind: tuple(phrases) for kind, phrases in slots.items()}
        for name in (*self.intents, *self.slots):
            if not NAME.fullmatch(name):
                raise InputError(
                    f"a grammar's {name!r:.60} is no name: letters, digits and _, not a digit first"
                )
        phrases = {kind: [said(phrase) for phrase in its] for kind, its in self.slots.items()}
        if empty := [kind for kind, its in phrases.items() if not its]:
            raise InputError(f"a grammar's kind of slot {empty[0]!r} has no phrases")
        self.network = Network()
        for intent, expressions in self.intents.items():
            for expression in expressions:
                node = ROOT
                for element in Reader(expression, phrases).path():
                    node = self.network.after(node, element, phrases)
                self.network.intents[node] = intent
        self.states: list[Nodes] = [self.network.reached([ROOT])]
        self.numbers = {self.states[0]: 0}
        self.steps: dict[tuple[int, str], int | None] = {}
        self.growing = threading.Lock()

    def __deepcopy__(self, memo: object) -> Grammar:
        return self  # nothing that may be said ever changes

    @cached_property
    def vocabulary(self) -> frozenset[str]:
        """Return the words that may be said."""
        return frozenset(word for words in self.network.words for word in words)

    def known(self, context: Context) -> Context:
        """Return one token that stands for all that was said: which nodes it leads to."""
        if not context or context == (START,):
            return context
        state = self.step(self.state(context[:-1]), context[-1])
        return (str(state),)

    def score(self, token: str, context: Context) -> float:
        """Return 0 where a word, or the end, may follow, and minus infinity where it may not."""
        if not context:
            return 0.0
        state = self.state(context)
        if token == END:
            allowed = state is not None and self.intent(self.states[state]) is not None
        else:
            allowed = self.step(state, token) is not None
        return 0.0 if allowed else -math.inf

    def scores(self, tokens: Iterable[str], context: Context) -> list[float]:
        return [self.score(token, context) for token in tokens]

    def state(self, context: Context) -> int | None:
        token = context[-1] if context else START
        return 0 if token == START else int(token) if token.isdigit() else None

    def step(self, state: int | None, word: str) -> int | None:
        """Return the number of the set of nodes that a word leads to, None where it may not be said."""
        if state is None:
            return None
        if (state, word) not in self.steps:
            targets = [to for node in self.states[state] for to, _ in self.network.words[node].get(word, ())]
            nodes = self.network.reached(targets)
            with self.growing:  # a model may answer in several threads
                self.steps[state, word] = self.numbered(nodes) if nodes else None
        return self.steps[state, word]

    def numbered(self, nodes: Nodes) -> int:
        if nodes not in self.numbers:
            if len(self.states) >= MAX_NODES:
                raise InputError(
                    "a grammar is too ambiguous to be followed; let its expressions differ earlier"
                )
            self.states.append(nodes)
            self.numbers[nodes] = len(self.states) - 1
        return self.numbers[nodes]

    def intent(self, nodes: Nodes) -> str | None:
        return next(
            (self.network.intents[node] for node in sorted(nodes) if self.network.intents[node]), None
        )

    def meaning(self, words: Sequence[str]) -> str | None:
        """Return what is meant by words, as `order size=small`; None where they may not be said."""
        found: dict[int, tuple[Filled, ...]] = dict.fromkeys(self.states[0], ())
        for word in words:
            reached: dict[int, tuple[Filled, ...]] = {}
            for node, slots in found.items():
                for target, filled in self.network.words[node].get(word, ()):
                    for free in self.network.reached([target]):
                        reached.setdefault(free, slots if filled is None else (*slots, filled))
            found = reached
        for node in sorted(found):
            if (intent := self.network.intents[node]) is not None:
                return told(intent, dict(found[node]))
        return None

    def ways(self, meaning: str) -> list[Words]:
        """Return every sentence that means this, maybe none; InputError where they are too many."""
        intent, slots = untold(meaning)
        tails: dict[tuple[int, frozenset[Filled]], list[Words]] = {}

        def after(node: int, left: frozenset[Filled]) -> list[Words]:
            if (node, left) not in tails:
                found: list[Words] = [()] if not left and self.network.intents[node] == intent else []
                for free in self.network.free[node]:
                    found += after(free, left)
                for word, targets in self.network.words[node].items():
                    for target, filled in targets:
                        if filled is None or filled in left:
                            rest = left if filled is None else left - {filled}
                            found += [(word, *tail) for tail in after(target, rest)]
                if len(found) > MAX_WAYS:
                    raise InputError(
                        f"more than {MAX_WAYS} sentences mean {meaning!r:.80}; make the grammar smaller"
                    )
                tails[node, left] = found
            return tails[node, left]

        wanted = frozenset((name, phrase.lower()) for name, phrase in slots.items())
        return list(dict.fromkeys(after(ROOT, wanted)))

    def to_metadata(self) -> dict[str, Any]:
        return {
            "intents": {intent: list(its) for intent, its in self.intents.items()},
            "slots": {kind: list(its) for kind, its in self.slots.items()},
        }


def grammar_of(described: Mapping[str, Any]) -> Grammar:
    """Return the grammar that metadata describe, built once."""
    return grammar_written(json.dumps(described))


@lru_cache(maxsize=4)
def grammar_written(described: str) -> Grammar:
    return Grammar(**json.loads(described))


def told(intent: str, slots: Mapping[str, str]) -> str:
    """Return a meaning as one text: `order size=small sort=iced tea`."""
    return " ".join([intent, *(f"{name}={slots[name]}" for name in sorted(slots))])


def untold(meaning: str) -> tuple[str, dict[str, str]]:
    """Return the intent and the slots of a meaning that is written as one text."""
    intent, _, rest = meaning.partition(" ")
    return intent, {name: value.strip() for name, value in FILLED.findall(rest)}


def said(phrase: str) -> Words:
    """Return the words of a slot's phrase."""
    words = tuple(phrase.lower().split())
    if not words:
        raise InputError("a grammar's slot has an empty phrase")
    return words


class Reader:
    """Reads one expression."""

    def __init__(self, expression: str, kinds: Mapping[str, object]) -> None:
        self.expression, self.kinds = expression, kinds
        self.left = TOKEN.findall(expression)[::-1]
        if len("".join(self.left)) != len("".join(expression.split())):
            raise self.unreadable("'$' begins a slot, as in $size:size")

    def path(self) -> Path:
        """Return all of the expression."""
        path = self.sequence(0)
        if self.left:
            raise self.unreadable(f"{self.left[-1]!r} closes nothing")
        if not path:
            raise self.unreadable("it is empty")
        return path

    def sequence(self, depth: int) -> Path:
        if depth > MAX_DEPTH:
            raise self.unreadable(f"more than {MAX_DEPTH} brackets within brackets")
        elements: list[str | Choice | Slot] = []
        while self.left and self.left[-1] not in (",", "]", ")"):
            token = self.left.pop()
            if token in CLOSING:
                elements.append(self.choice(CLOSING[token], depth))
            elif token.startswith("$"):
                kind, _, name = token[1:].partition(":")
                if kind not in self.kinds:
                    raise self.unreadable(f"there are no phrases of the kind {kind!r}")
                elements.append(Slot(kind, name))
            else:
                elements.append(token.lower())
        return tuple(elements)

    def choice(self, closing: str, depth: int) -> Choice:
        ways = [self.sequence(depth + 1)]
        while self.left and self.left[-1] == ",":
            self.left.pop()
            ways.append(self.sequence(depth + 1))
        if not self.left or self.left.pop() != closing:
            raise self.unreadable(f"a bracket is not closed by {closing!r}")
        if not all(ways):
            raise self.unreadable("there is nothing between two commas or brackets")
        return Choice((*ways, ()) if closing == ")" else tuple(ways))

    def unreadable(self, why: str) -> InputError:
        return InputError(f"a grammar's expression {self.expression!r:.80} cannot be read: {why}")
