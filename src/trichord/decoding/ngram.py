"""Back-off n-gram models of words or of characters."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from trichord.errors import InputError

START, END, UNKNOWN = "<s>", "</s>", "<unk>"
SPACE, SPACE_MARK = " ", "<space>"
"""The token of a blank, in models of characters, and how ARPA text, which separates by blanks, writes it."""
MAX_ORDER = 10
OUTSIDE = 0.001
"""The share of words that a prior does not hold."""

Context: TypeAlias = tuple[str, ...]
Counts: TypeAlias = dict[Context, Counter[str]]
Smoothing: TypeAlias = Literal["witten_bell", "kneser_ney"]


@dataclass(frozen=True, slots=True, eq=False)
class NgramModel:
    """What follows what: natural log-probabilities by context, with Katz back-off weights.

    `log_probs[context][token]` holds the n-grams that were seen, the shortest context being `()`;
    `back_offs[context]` is the log-weight of the next shorter context for the tokens that were not.
    """

    order: int
    log_probs: Mapping[Context, Mapping[str, float]]
    back_offs: Mapping[Context, float]

    @classmethod
    def train(
        cls,
        sentences: Iterable[Sequence[str]],
        order: int = 3,
        *,
        smoothing: Smoothing = "kneser_ney",
        open_vocabulary: bool = False,
        prior: Mapping[str, float] | None = None,
    ) -> NgramModel:
        """Return an interpolated model of sequences of tokens.

        `kneser_ney` discounts once per order (Kneser and Ney, 1995; Chen and Goodman, 1998) and falls
        back on Witten-Bell (1991) where the counts of an order allow no discount, as a grammar's do.
        Every token's lowest level is the uniform distribution over the vocabulary, `</s>` and `<unk>`; with
        `open_vocabulary` all of it is `<unk>`'s, as Good and Turing estimate what was never seen. A `prior`,
        how frequent words are elsewhere, adds its words and is that lowest level, but for a thousandth of it.
        Raises InputError for an order outside 1 to 10, no sentences, or a token that no file can hold.
        """
        if not 1 <= order <= MAX_ORDER:
            raise InputError(f"an n-gram model's order must be from 1 to {MAX_ORDER}; got {order}")
        raw = count(sentences, order)
        if not raw[0]:
            raise InputError("no sentences to train an n-gram model on; give at least one")
        log_probs: dict[Context, dict[str, float]] = {}
        back_offs: dict[Context, float] = {}
        vocabulary = list(dict.fromkeys([*raw[0][()], END, UNKNOWN, *map(checked_token, prior or ())]))
        lowest = {UNKNOWN: 1.0} if open_vocabulary else dict.fromkeys(vocabulary, 1 / len(vocabulary))
        if prior is not None:
            total = sum(prior.values())
            lowest = {token: OUTSIDE * share + (1 - OUTSIDE) * prior.get(token, 0.0) / total
                      for token, share in lowest.items()}  # fmt: skip
        model = cls(order, log_probs, back_offs)
        for length in range(order):
            counts = raw[length]
            if smoothing == "kneser_ney" and length < order - 1:
                counts = continuations(raw[length], raw[length + 1])
            discount = discount_of(counts) if smoothing == "kneser_ney" else None
            for context, followers in counts.items():
                shares, rest = discounted(followers, discount)
                log_probs[context] = {
                    token: math.log(shares.get(token, 0.0) + rest * model.shorter(token, context, lowest))
                    for token in (followers if context else vocabulary)
                }
                if context:
                    back_offs[context] = math.log(rest)
        return model

    def shorter(self, token: str, context: Context, lowest: Mapping[str, float]) -> float:
        """Return the probability to interpolate with: of one context token less, at last the lowest level."""
        return math.exp(self.score(token, context[1:])) if context else lowest.get(token, 0.0)

    @property
    def vocabulary(self) -> frozenset[str]:
        """Return the tokens that may follow, without the marks of start, end and the unknown."""
        return frozenset(self.log_probs[()]) - {START, END, UNKNOWN}

    @property
    def spells(self) -> bool:
        """Whether the tokens are characters, not words."""
        return all(len(token) == 1 for token in self.vocabulary)

    def score(self, token: str, context: Sequence[str] = ()) -> float:
        """Return ln P(token | context), from as much of the context's end as the model knows."""
        return self.scores((token,), context)[0]

    def scores(self, tokens: Iterable[str], context: Sequence[str] = ()) -> list[float]:
        """Return ln P(token | context) of several tokens, in less time than each alone would take."""
        known = self.known(tuple(context))
        levels = [
            (self.log_probs.get(known[start:], {}), self.back_offs.get(known[start:], 0.0))
            for start in range(len(known) + 1)
        ]
        words, found = self.log_probs[()], []
        for token in tokens:
            token, back_off = token if token in words else UNKNOWN, 0.0
            for log_probs, weight in levels:
                if (log_prob := log_probs.get(token)) is not None:
                    found.append(back_off + log_prob)
                    break
                back_off += weight
            else:
                found.append(-math.inf)
        return found

    def distribution(self, context: Sequence[str] = ()) -> dict[str, float]:
        """Return ln P(token | context) for the whole vocabulary, `</s>` and `<unk>`."""
        known = self.known(tuple(context))
        if not known:
            return {token: p for token, p in self.log_probs[()].items() if token != START}
        back_off = self.back_offs.get(known, 0.0)
        shorter = {token: p + back_off for token, p in self.distribution(known[1:]).items()}
        return shorter | dict(self.log_probs.get(known, {}))

    def known(self, context: Context) -> Context:
        """Return the end of a context that can matter, unknown tokens marked.

        What never preceded anything is left out, so that searches join what differs in it.
        """
        words = self.log_probs[()]
        kept = context[max(0, len(context) - self.order + 1) :]
        marked = tuple(t if t in words or t == START else UNKNOWN for t in kept)
        return next((marked[start:] for start in range(len(marked)) if marked[start:] in self.log_probs), ())

    def sentence_score(self, tokens: Sequence[str]) -> float:
        """Return ln P of a whole sentence, its end included."""
        padded = (START, *tokens, END)
        return sum(self.score(padded[i], padded[:i][-self.order :]) for i in range(1, len(padded)))

    def perplexity(self, sentences: Iterable[Sequence[str]]) -> float:
        """Return exp of minus the mean ln P per token, ends counted, starts not."""
        rows = [(self.sentence_score(sentence), len(sentence) + 1) for sentence in sentences]
        if not rows:
            raise InputError("no sentences to measure perplexity on; give at least one")
        return math.exp(-sum(score for score, _ in rows) / sum(size for _, size in rows))


def count(sentences: Iterable[Sequence[str]], order: int) -> list[Counts]:
    """Return n-gram counts by context, one table for each context length from 0 to order - 1."""
    counts: list[Counts] = [{} for _ in range(order)]
    for sentence in sentences:
        padded = (START, *map(checked_token, sentence), END)
        for end in range(1, len(padded)):
            for length in range(min(order, end + 1)):
                context = padded[end - length : end]
                counts[length].setdefault(context, Counter())[padded[end]] += 1
    return counts


def checked_token(token: str) -> str:
    """Return the token; raise InputError where ARPA text could not hold it."""
    reserved = token in (START, END, UNKNOWN, SPACE_MARK)
    if token != SPACE and (reserved or token.split() != [token]):
        raise InputError(f"{token!r:.60} cannot be a token: it is empty, a reserved mark, or holds a blank")
    return token


def continuations(counts: Counts, longer: Counts) -> Counts:
    """Return in how many contexts one token longer each n-gram was seen; after a start, its own count."""
    result: Counts = {context: Counter(f) for context, f in counts.items() if context[:1] == (START,)}
    for context, followers in longer.items():
        result.setdefault(context[1:], Counter()).update(followers.keys())
    return result


def discount_of(counts: Counts) -> float | None:
    """Return n1 / (n1 + 2 n2), or None where no n-gram was seen once or none twice."""
    seen = Counter(n for followers in counts.values() for n in followers.values())
    return seen[1] / (seen[1] + 2 * seen[2]) if seen[1] and seen[2] else None


def discounted(followers: Counter[str], discount: float | None) -> tuple[dict[str, float], float]:
    """Return each follower's own share of the probability, and the rest for the shorter context."""
    total, kinds = followers.total(), len(followers)
    if discount is None:  # Witten-Bell
        return {token: n / (total + kinds) for token, n in followers.items()}, kinds / (total + kinds)
    return {token: (n - discount) / total for token, n in followers.items()}, discount * kinds / total
