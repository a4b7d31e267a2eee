"""Scores of text: word and character errors, after one rule of normalising."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from rapidfuzz.distance import Levenshtein

from trichord.clip import Target
from trichord.decoding.answer import Decoded
from trichord.errors import InputError
from trichord.metrics.sums import Scores, ratio, with_count

APOSTROPHES = dict.fromkeys(map(ord, "\u2018\u2019\u02bc\uff07\u00b4`"), "'")


def normalise_text(text: str, version: int = 1) -> str:
    """Return text as it is compared, by one rule that never changes within a version.

    Version 1: NFKC, lower case; punctuation and symbols become blanks, but for an apostrophe between
    letters or digits; invisible format characters go; white space is collapsed.
    """
    if version != 1:
        raise InputError(f"text normalisation version {version!r} is unknown; this version knows 1")
    shown = "".join(c for c in text if unicodedata.category(c) != "Cf").translate(APOSTROPHES)
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", shown).lower())
    padded = f" {folded.translate(APOSTROPHES)} "
    kept = (
        c if is_word(c) or (c == "'" and is_word(before) and is_word(after)) else " "
        for before, c, after in zip(padded, padded[1:], padded[2:], strict=False)
    )
    return " ".join("".join(kept).split())


def is_word(character: str) -> bool:
    """Whether a character is a letter, a mark on one, or a digit."""
    return unicodedata.category(character)[0] in "LMN"


def word_errors(reference: str, hypothesis: str) -> tuple[int, int]:
    """Return (substitutions + insertions + deletions, reference words), both texts normalised."""
    words = normalise_text(reference).split()
    return Levenshtein.distance(words, normalise_text(hypothesis).split()), len(words)


def character_errors(reference: str, hypothesis: str) -> tuple[int, int]:
    """Return (edits, reference characters), both texts normalised, blanks between words counted."""
    characters = normalise_text(reference)
    return Levenshtein.distance(characters, normalise_text(hypothesis)), len(characters)


def wer(references: Sequence[str], hypotheses: Sequence[str]) -> float:
    """Return the word error rate: all errors over all reference words; NaN where there are none."""
    return ratio_of([word_errors(r, h) for r, h in zip(references, hypotheses, strict=True)])


def cer(references: Sequence[str], hypotheses: Sequence[str]) -> float:
    """Return the character error rate: all edits over all reference characters; NaN where there are none."""
    return ratio_of([character_errors(r, h) for r, h in zip(references, hypotheses, strict=True)])


def ratio_of(rows: Sequence[tuple[int, int]]) -> float:
    return float(ratio(np.array(rows, np.float64).reshape(-1, 2).sum(axis=0)))


def ctc_scores(head: Mapping[str, Any], targets: Sequence[Target], decoded: Sequence[Decoded]) -> Scores:
    pairs = [(str(t), str(d.value)) for t, d in zip(targets, decoded, strict=True)]
    words = np.array([word_errors(*pair) for pair in pairs], np.float64).reshape(-1, 2)
    characters = np.array([character_errors(*pair) for pair in pairs], np.float64).reshape(-1, 2)
    right = with_count((words[:, 0] == 0).astype(np.float64))
    rates: Scores = {"wer": (words, ratio), "cer": (characters, ratio), "sentence_accuracy": (right, ratio)}
    if not parts_words(head):
        del rates["wer"]
    return rates


def parts_words(head: Mapping[str, Any]) -> bool:
    """Whether a head's transcripts have blanks between words; those of Chinese characters have none."""
    pronounced = (head.get("beam") or {}).get("pronounced")
    if head.get("units") == "phone":
        return not pronounced or bool(pronounced.get("joiner", " "))
    return head.get("units") != "character" or " " in head.get("labels", (" ",))
