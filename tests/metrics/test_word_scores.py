from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trichord import metrics
from trichord.errors import InputError
from trichord.metrics import normalise_text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("  Hello,   WORLD! ", "hello world"),
        ("Don't 'quote' it — it’s the dogs'", "don't quote it it's the dogs"),
        ("ﬁne １２ Straße", "fine 12 straße"),
        ("well-known", "well known"),
        ("soft\u00adhyphen zero\u200bwidth", "softhyphen zerowidth"),
        ("हिन्दी नमस्ते", "हिन्दी नमस्ते"),
        ("你好，世界。", "你好 世界"),
        ("", ""),
        ("...", ""),
    ],
)
def test_text_is_normalised_by_rule_one(text, expected):
    assert normalise_text(text) == expected


@settings(max_examples=300, deadline=None)
@given(st.text())
def test_normalising_twice_changes_nothing(text):
    once = normalise_text(text)
    assert normalise_text(once) == once


def test_unknown_rules_are_refused():
    with pytest.raises(InputError, match="version 2"):
        normalise_text("a", version=2)


def test_word_and_character_errors_by_hand():
    assert metrics.word_errors("the cat sat", "The bat, sat down") == (2, 3)
    assert metrics.word_errors("a b c", "") == (3, 3)
    assert metrics.word_errors("", "a") == (1, 0)
    assert metrics.character_errors("abc d", "abd d") == (1, 5)
    assert metrics.wer(["a b c", "d"], ["a c", "d e"]) == 0.5
    assert metrics.cer(["abcd"], ["abd"]) == 0.25
    assert math.isnan(metrics.wer([], []))
    assert math.isnan(metrics.wer([""], ["a"]))
