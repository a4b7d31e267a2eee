from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import replace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from trichord.decoding import decode
from trichord.decoding.options import beam_from_metadata
from trichord.learning.batch import Item
from trichord.learning.heads.ctc import Ctc
from trichord.learning.pronouncing import RAREST, dictionary, in_parts, segmented
from trichord.learning.stream import Stream
from trichord.learning.training.validate import score


def test_english_words_in_phones_without_stress() -> None:
    english = dictionary("english")
    assert english.ways("cat") == ["k ae t"]
    assert english.ways("the")[0] == "dh ah"
    assert english.ways("dora's") == ["d ao r ah z"]
    assert english.ways("qqxz") == []
    assert english.ways("jones's") == ["jh ow n z ih z"] and english.ways("layla's")[0].endswith(" z")
    assert (
        english.ways("snowboy") == ["s n ow b oy"] and english.ways("abboy") == []
    )  # of parts of three letters
    assert english.spoken(["a", "cat"]) == ["ah", "k ae t"]
    assert english.spoken(["a", "qqxz"]) is None


@pytest.mark.parametrize(("name", "texts"), [("english", ["a cat", "the cat"]), ("mandarin", ["你好", "好"])])
def test_validation_counts_phones_whatever_the_writing(name: str, texts: list[str]) -> None:
    head = Ctc(units="phone", dictionary=name, language_order=2)
    head.fit(texts)
    items = [Item("a", {}, {"said": texts[0]}), Item("b", {}, {"said": texts[1]})]
    numbers, sizes = head.spell([texts[0]])
    logits = torch.nn.functional.one_hot(numbers[0], head.outputs).float().repeat_interleave(2, 0) * 9
    logits[1::2] = 0
    logits[1::2, 0] = 9
    scores = score({"said": head}, items, {"said": [logits.numpy()] * 2}, 25.0)
    first, second = (len(head.writes(text).split()) for text in texts)
    assert list(scores) == ["said.per"] and int(sizes) == first
    assert scores["said.per"] == pytest.approx(abs(first - second) / (first + second))  # one holds the other


def test_mandarin_characters_in_initials_and_toned_finals() -> None:
    mandarin = dictionary("mandarin")
    words = mandarin.words("银行 dj8")
    assert words == ["银", "行", "d", "j", "8"]
    assert mandarin.spoken(words) == ["y in2", "h ang2", "d", "j", "8"]  # as the phrase is read
    assert set(mandarin.ways("行")) >= {"x ing2", "h ang2"}
    assert mandarin.ways("嗯")[0][:1] == "n" and " " not in mandarin.ways("嗯")[0]
    assert [in_parts(one) for one in ("zhong1", "er2", "a5", "d", "8")] == ["zh ong1", "er2", "a5", "d", "8"]


def test_frequent_words_are_the_language_s_own_and_can_be_said() -> None:
    for name, first in (("english", "the"), ("mandarin", "的")):
        spoken = dictionary(name)
        frequent = spoken.frequent(500)
        assert len(frequent) == 500 and next(iter(frequent)) == first
        assert list(frequent.values()) == sorted(frequent.values(), reverse=True)
        assert all(spoken.ways(word) for word in frequent)


def test_mandarin_is_parted_into_frequent_words_and_read_as_in_its_phrases() -> None:
    mandarin = dictionary("mandarin")
    frequent = mandarin.frequent(20_000)
    words = mandarin.words("中国银行在北京", frequent)
    assert words == ["中国银行", "在", "北京"] or words == ["中国", "银行", "在", "北京"]
    assert mandarin.ways("银行") == ["y in2 h ang2"]
    assert mandarin.spoken(["银行", "在"]) == ["y in2 h ang2", "z ai4"]
    assert mandarin.words("a龘b", frequent) == ["a", "龘", "b"]


@given(text=st.text("甲乙丙丁", max_size=12), known=st.dictionaries(
    st.text("甲乙丙", min_size=1, max_size=4), st.floats(1e-8, 1), min_size=1, max_size=8))  # fmt: skip
def test_words_of_a_text_make_it_up_and_no_others_are_likelier(text: str, known: dict[str, float]) -> None:
    def score(words: Iterable[str]) -> float:
        return sum(math.log(known.get(word, RAREST)) for word in words)

    def ways(left: str) -> Iterator[list[str]]:
        if not left:
            yield []
        for size in range(1, len(left) + 1):
            if size == 1 or left[:size] in known:
                yield from ([left[:size], *rest] for rest in ways(left[size:]))

    words = segmented(text, known)
    assert "".join(words) == text
    assert score(words) == pytest.approx(max(map(score, ways(text))))


def test_a_vocabulary_lets_words_be_said_that_no_transcript_holds() -> None:
    plain = Ctc(units="phone", dictionary="mandarin", language_order=2)
    large = Ctc(units="phone", dictionary="mandarin", language_order=2, vocabulary=5000)
    for head, answer in ((plain, "十燕"), (large, "实验")):
        head.fit(["他们说有十个人", "我们看见海燕飞走了"])
        numbers, _ = head.spell(["实验"])  # which sounds as 十燕 does
        logits = torch.nn.functional.one_hot(numbers[0], head.outputs).float().repeat_interleave(2, 0) * 20
        logits[1::2] = 0
        logits[1::2, 0] = 20
        described = head.metadata()
        beam = beam_from_metadata(described)
        assert beam is not None and beam.language is not None
        beam = replace(beam, alpha=1.0, beta=-2.0)  # fewer, likelier words
        assert decode(described, logits.numpy(), beam=beam).value == answer
        assert ("实验" in beam.language.vocabulary) == (answer == "实验")
    assert plain.labels == large.labels  # what is learned does not depend on what may be said


def test_a_vocabulary_needs_a_dictionary() -> None:
    with pytest.raises(ValueError, match="dictionary's words"):
        Ctc(vocabulary=10)


@pytest.fixture
def head() -> Ctc:
    head = Ctc(units="phone", dictionary="english", language_order=2)
    head.fit(["the cat", "the cat sat", "a zqx"])
    head.build(8)
    return head


def test_a_head_of_phones_learns_its_words_from_training_text(head: Ctc) -> None:
    assert head.labels == [
        "",
        *dictionary("english").phones,
    ]  # the same, whatever the words, for others to start from
    beam = beam_from_metadata(head.metadata())
    assert beam is not None and beam.pronounced is not None
    assert set(beam.pronounced.words) == {"the", "cat", "sat", "a"}
    again = Ctc(units="phone", dictionary="english", language_order=2)
    again.restore(head.metadata())
    assert again.labels == head.labels


def test_a_transcript_with_a_word_unknown_teaches_nothing(head: Ctc) -> None:
    logits = Stream(torch.randn(2, 12, head.outputs), torch.tensor([12, 12]), 25.0)
    alone = head.loss(Stream(logits.values[:1], logits.lengths[:1], 25.0), ["the cat"])
    torch.testing.assert_close(head.loss(logits, ["the cat", "zqx"]), alone)
    assert head.writes("the cat") == "dh ah k ae t"
    assert head.writes("the zqx") is None
    assert head.writes("") == ""
    numbers = {label: number for number, label in enumerate(head.labels)}
    spelled, lengths = head.spell(["the cat"])
    assert lengths.tolist() == [5]
    assert spelled[0].tolist() == [numbers[phone] for phone in ("dh", "ah", "k", "ae", "t")]


def test_a_character_may_sound_in_a_phrase_as_it_never_does_alone() -> None:
    assert "g e5" not in dictionary("mandarin").ways("个")
    head = Ctc(units="phone", dictionary="mandarin", language_order=2)
    head.fit(["那个", "三个"])
    beam = beam_from_metadata(head.metadata())
    assert beam is not None and beam.pronounced is not None and beam.pronounced.joiner == ""
    spoken = head.split("那个")
    assert " ".join(spoken[-2:]) in beam.pronounced.words["个"]


def test_its_answers_are_words(head: Ctc) -> None:
    numbers = {label: number for number, label in enumerate(head.labels)}
    logits = torch.full((15, head.outputs), -4.0)
    for step, phone in enumerate(["dh", "ah", "k", "ae", "t"]):
        logits[3 * step, numbers[phone]] = 4.0
        logits[3 * step + 1 : 3 * step + 3, 0] = 4.0
    said = decode(head.metadata(), logits.numpy(), rate=25.0, beam=beam_from_metadata(head.metadata()))
    assert said.value == "the cat"


@pytest.mark.parametrize(
    "wrong",
    [
        {"units": "phone"},
        {"dictionary": "english"},
        {"units": "phone", "dictionary": "english"},
        {"units": "phone", "dictionary": "english", "language_order": 2, "open_vocabulary": True},
    ],
)
def test_phones_need_a_dictionary_and_a_language(wrong: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=r"dictionary|language_order|open_vocabulary"):
        Ctc(**wrong)  # type: ignore[arg-type]
