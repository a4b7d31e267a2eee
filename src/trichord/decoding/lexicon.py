"""Words found in a CTC output over phones: a pronouncing dictionary as a tree, a language model above it.

A time-synchronous search (Ney and Ortmanns, Dynamic programming search for continuous speech recognition,
1999; over CTC labels as in Collobert et al., Wav2Letter, 2016). A hypothesis is a place in the tree, the
words before it, and the last label written; those that agree in all three are one.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from heapq import nlargest
from itertools import takewhile
from typing import NamedTuple, Protocol, TypeAlias

import numpy as np

from trichord.decoding.ctc_paths import BLANK
from trichord.decoding.logits import Floats
from trichord.decoding.ngram import END, START, UNKNOWN, Context
from trichord.decoding.options import BeamOptions
from trichord.errors import InputError

Pronunciation: TypeAlias = tuple[int, ...]
"""The labels of a word."""

ROOT = 0
BEAM_LOG = 16.0
"""How far below the best a hypothesis, and below the likeliest a label, may lie and still be followed."""
MAX_NODES = 4_000_000
MAX_KNOWN = 100_000


class Language(Protocol):
    """What words may follow others: an n-gram model, or a grammar."""

    @property
    def vocabulary(self) -> frozenset[str]: ...

    def known(self, context: Context) -> Context:
        """Return as much of what was said as matters for what comes."""
        ...

    def score(self, token: str, context: Context) -> float:
        """Return ln P(token | context), without a context that of the token alone."""
        ...

    def scores(self, tokens: Iterable[str], context: Context) -> list[float]:
        """Return ln P(token | context) of several tokens."""
        ...


class Lexicon:
    """Words by how they are pronounced, as a tree over labels; words that sound alike share a node.

    `outside` is the share of the unknown word's probability that each word gets which the language model
    does not know, as a natural logarithm. Raises InputError for a word without labels, or too large a tree.
    """

    def __init__(self, words: Mapping[str, Sequence[Pronunciation]], language: Language | None) -> None:
        self.language = language
        self.known = frozenset() if language is None else language.vocabulary
        self.outside = -math.log(max(1, sum(word not in self.known for word in words)))
        self.children: list[dict[int, int]] = [{}]
        self.ends: list[list[tuple[str, Pronunciation]]] = [[]]
        self.ahead: list[float] = [-math.inf]
        for word, pronunciations in words.items():
            (expected,) = self.scores([word], ())
            for labels in pronunciations:
                self._add(word, labels, expected)

    def _add(self, word: str, labels: Pronunciation, expected: float) -> None:
        if not labels or BLANK in labels:
            raise InputError(
                f"a lexicon's word {word!r:.60} must be spelled by one label or more, none blank"
            )
        node = ROOT
        for label in labels:
            if label not in self.children[node]:
                if len(self.children) >= MAX_NODES:
                    raise InputError(f"a lexicon may take {MAX_NODES} nodes; give fewer words")
                self.children[node][label] = len(self.children)
                self.children.append({})
                self.ends.append([])
                self.ahead.append(-math.inf)
            node = self.children[node][label]
            self.ahead[node] = max(self.ahead[node], expected)
        self.ends[node].append((word, labels))

    def scores(self, words: Sequence[str], context: Context) -> list[float]:
        """Return ln P(word | context) of several words."""
        if self.language is None:
            return [0.0] * len(words)
        tokens = [word if word in self.known else UNKNOWN for word in words]
        found = self.language.scores(tokens, context)
        return [one + self.outside if token == UNKNOWN else one
                for token, one in zip(tokens, found, strict=True)]  # fmt: skip

    def after(self, context: Context, word: str) -> Context:
        return () if self.language is None else self.language.known((*context, word))


class Spoken(NamedTuple):
    """A word that was found, the labels that spelled it, and what was found before it.

    `mark` tells sequences of words apart without walking through them.
    """

    word: str
    labels: Pronunciation
    before: Spoken | None
    mark: int


class Ending(NamedTuple):
    """A word that may be said next, its labels, and ln P of it."""

    word: str
    labels: Pronunciation
    expected: float


def said(word: str, labels: Pronunciation, before: Spoken | None) -> Spoken:
    return Spoken(word, labels, before, hash((word, before.mark if before else 0)))


Key: TypeAlias = tuple[Context, int, int]
"""The words that the language model sees, the node of the tree, and the last label."""


@dataclass(slots=True)
class Hypothesis:
    """How likely the paths to a place are, that end in a blank or in a label; `language` is in neither."""

    ends_blank: float
    ends_label: float
    language: float
    spoken: Spoken | None

    @property
    def total(self) -> float:
        return added(self.ends_blank, self.ends_label)

    @property
    def score(self) -> float:
        return self.total + self.language


class LexiconSearch:
    """A search that is fed as frames come: any pieces give what the whole gives."""

    def __init__(self, lexicon: Lexicon, options: BeamOptions) -> None:
        self.lexicon, self.options = lexicon, options
        self.frames = 0
        self.known: dict[tuple[int, Context], list[Ending]] = {}
        self.contexts: dict[tuple[Context, str], Context] = {}
        start: Context = () if lexicon.language is None else (START,)
        self.beam: dict[Key, Hypothesis] = {(start, ROOT, BLANK): Hypothesis(0.0, -math.inf, 0.0, None)}

    def feed(self, log_probs: Floats) -> None:
        """Search on through `log_probs (time, classes)`."""
        for frame in log_probs:
            likely = np.flatnonzero(frame > frame.max() - BEAM_LOG)
            likely = likely[np.argsort(frame[likely])[::-1][: self.options.symbols + 1]]
            self.beam = self._step(frame.tolist(), [label for label in likely.tolist() if label != BLANK])
            self.frames += 1

    def best(self, *, final: bool = True) -> list[Spoken]:
        """Return the likeliest words, in order; `final` where the speech ends here.

        A begun word is never part of the answer.
        """
        scores = {key: one.score for key, one in self.beam.items()}
        if final:
            ended = {key: score + self._end(key[0]) for key, score in scores.items() if key[1] == ROOT}
            scores = ended or scores
        return chain(self.beam[max(scores, key=scores.__getitem__)].spoken)

    def settled(self) -> list[Spoken]:
        """Return the first words of the answer that no further frame can change."""
        chains = [chain(one.spoken) for one in self.beam.values()]
        agreed = takewhile(lambda words: len({word.mark for word in words}) == 1, zip(*chains, strict=False))
        return [words[0] for words in agreed]

    def _end(self, context: Context) -> float:
        language = self.lexicon.language
        expected = 0.0 if language is None else language.score(END, context)
        return expected if expected == -math.inf else self.options.alpha * expected

    def _step(self, frame: list[float], likely: list[int]) -> dict[Key, Hypothesis]:
        """Return the hypotheses after one frame, the best `width` of them.

        What lies too far below the best of those that only wait is not even made.
        """
        new: dict[Key, Hypothesis] = {}
        floor = max(one.score for one in self.beam.values()) + frame[BLANK] - BEAM_LOG
        for (context, node, last), one in self.beam.items():
            total = one.total
            repeated = one.ends_label + frame[last] if last != BLANK else -math.inf
            join(new, (context, node, last), total + frame[BLANK], repeated, one.language, one.spoken)
            reach = one.language + self._most(node)
            children = self.lexicon.children[node]
            for label in likely:
                child = children.get(label)
                if child is not None:
                    before = one.ends_blank if label == last else total
                    if before + frame[label] + reach >= floor:
                        self._enter(new, context, node, child, label, before + frame[label], one, floor)
        best = nlargest(self.options.width, new.items(), key=lambda pair: pair[1].score)
        least = best[0][1].score - BEAM_LOG
        return {key: one for key, one in best if one.score >= least}

    def _most(self, node: int) -> float:
        """Return the most that the language can add to a hypothesis by its next step."""
        looked = 0.0 if node == ROOT else self.lexicon.ahead[node]
        alpha, beta = self.options.alpha, self.options.beta
        return max(beta, 0.0) - alpha * looked if alpha >= 0 else math.inf

    def _enter(
        self,
        new: dict[Key, Hypothesis],
        context: Context,
        node: int,
        child: int,
        label: int,
        path: float,
        one: Hypothesis,
        floor: float,
    ) -> None:
        """Add what a label leads to: the tree's next node, and the words that end there."""
        lexicon, alpha = self.lexicon, self.options.alpha
        looked = 0.0 if node == ROOT else lexicon.ahead[node]
        if lexicon.children[child]:
            language = one.language + alpha * (lexicon.ahead[child] - looked)
            if path + language >= floor:
                join(new, (context, child, label), -math.inf, path, language, one.spoken)
        if lexicon.ends[child]:
            language = one.language - alpha * looked + self.options.beta
            for word, labels, expected in self._endings(child, context):
                if path + language + alpha * expected >= floor:
                    key = (self._after(context, word), ROOT, label)
                    spoken = said(word, labels, one.spoken)
                    join(new, key, -math.inf, path, language + alpha * expected, spoken)

    def _endings(self, node: int, context: Context) -> list[Ending]:
        """Return the words that may end in a node, each with its probability."""
        if (found := self.known.get((node, context))) is None:
            if len(self.known) > MAX_KNOWN:
                self.known.clear()
            ends = self.lexicon.ends[node]
            scores = self.lexicon.scores([word for word, _ in ends], context)
            found = self.known[node, context] = [
                Ending(word, labels, expected)
                for (word, labels), expected in zip(ends, scores, strict=True)
                if expected > -math.inf  # a grammar does not allow every word
            ]
        return found

    def _after(self, context: Context, word: str) -> Context:
        if (found := self.contexts.get((context, word))) is None:
            if len(self.contexts) > MAX_KNOWN:
                self.contexts.clear()
            found = self.contexts[context, word] = self.lexicon.after(context, word)
        return found


def chain(last: Spoken | None) -> list[Spoken]:
    """Return a word and all before it, in the order in which they were said."""
    words = []
    while last is not None:
        words.append(last)
        last = last.before
    return words[::-1]


def mark_of(spoken: Spoken | None) -> int:
    return 0 if spoken is None else spoken.mark


def join(
    new: dict[Key, Hypothesis], key: Key, blank: float, label: float, language: float, spoken: Spoken | None
) -> None:
    """Add paths to a hypothesis; of two ways to it, the likelier one's words are kept."""
    there = new.get(key)
    if there is None:
        new[key] = Hypothesis(blank, label, language, spoken)
        return
    if mark_of(spoken) != mark_of(there.spoken):  # other words before: their paths are not summed
        if added(blank, label) + language > there.score:
            new[key] = Hypothesis(blank, label, language, spoken)
        return
    if added(blank, label) > there.total:
        there.spoken = spoken
    there.ends_blank = added(there.ends_blank, blank)
    there.ends_label = added(there.ends_label, label)


def added(a: float, b: float) -> float:
    """Return ln(e^a + e^b)."""
    if a < b:
        a, b = b, a
    return a if b == -math.inf else a + math.log1p(math.exp(b - a))


def pronunciations_of(
    written: Mapping[str, Iterable[str]], labels: Sequence[str]
) -> dict[str, list[Pronunciation]]:
    """Return the labels of each word's pronunciations, `"k ae t"`, but for those with an unknown phone."""
    numbers = {label: number for number, label in enumerate(labels) if number != BLANK}
    words = {}
    for word, ways in written.items():
        spelled = [tuple(numbers.get(phone, BLANK) for phone in way.split()) for way in ways]
        if sound := [one for one in spelled if one and BLANK not in one]:
            words[word] = sound
    return words
