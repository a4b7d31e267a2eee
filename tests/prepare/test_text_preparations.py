from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trichord.clip import Audio
from trichord.errors import ArtifactError, InputError
from trichord.prepare import Characters, Words
from trichord.prepare.text import normalized


def test_characters() -> None:
    characters = Characters()
    characters.fit(["Abc", "cab  d"])
    assert characters.state() == {"vocabulary": [" ", "a", "b", "c", "d"]}
    assert characters.spec.vocabulary == 6
    np.testing.assert_array_equal(characters(" A\tbx "), [2, 1, 3, 0])
    assert characters("").shape == (0,)
    assert characters("").dtype == np.int64


def test_words_and_marks() -> None:
    words = Words(min_count=2)
    words.fit(["Bin blue, bin red!", "blue green"])
    assert words.state() == {"vocabulary": ["bin", "blue"]}
    np.testing.assert_array_equal(words("blue, BIN sky"), [2, 0, 1, 0])


def test_scripts_without_spaces_are_read_by_character() -> None:
    assert Words().split("我爱 music2024 です。naïve") == ["我", "爱", "music2024", "で", "す", "。", "naïve"]


def test_case_may_matter() -> None:
    characters = Characters(lower=False)
    characters.fit(["aA"])
    assert characters("Aa").tolist() == [1, 2]


def test_long_text_is_cut() -> None:
    for preparation in (Characters(max_tokens=3), Words(max_tokens=3)):
        preparation.fit(["a b c d e"])
        assert len(preparation("a b c d e f g")) == 3


@settings(max_examples=50, deadline=None)
@given(st.text())
def test_normalizing_twice_changes_nothing(text: str) -> None:
    once = normalized(text, lower=False)
    assert normalized(once, lower=False) == once
    assert "  " not in once


@settings(max_examples=50, deadline=None)
@given(st.lists(st.text()), st.text(), st.sampled_from([Characters, Words]))
def test_a_restored_preparation_says_the_same(
    training: list[str], text: str, kind: type[Characters | Words]
) -> None:
    fitted, restored = kind(), kind()
    fitted.fit(training)
    restored.restore(fitted.state())
    assert restored.spec == fitted.spec
    ids = fitted(text)
    np.testing.assert_array_equal(restored(text), ids)
    assert ((ids >= 0) & (ids < fitted.spec.vocabulary)).all()


@pytest.mark.parametrize(
    "state", [{}, {"vocabulary": "abc"}, {"vocabulary": [1]}, {"vocabulary": ["a", "a"]}]
)
def test_hostile_states(state: dict[str, object]) -> None:
    with pytest.raises(ArtifactError):
        Characters().restore(state)


def test_what_is_unfit_says_so() -> None:
    with pytest.raises(InputError, match="not known yet"):
        _ = Characters().spec
    with pytest.raises(InputError, match="expected text here, got Audio"):
        Characters().fit([Audio(np.zeros(1), 1)])
