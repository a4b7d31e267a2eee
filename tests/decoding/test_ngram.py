from __future__ import annotations

import gzip
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trichord.decoding import arpa
from trichord.decoding.arpa import (
    MAX_BYTES,
    from_arpa,
    from_metadata,
    load_arpa,
    save_arpa,
    to_arpa,
    to_metadata,
)
from trichord.decoding.ngram import END, START, NgramModel
from trichord.errors import InputError

SENTENCES = st.lists(st.lists(st.sampled_from(["a", "b", "c", "d", " "]), max_size=6), min_size=1, max_size=8)
CONTEXTS = st.lists(st.sampled_from(["a", "b", "c", "unheard", START]), max_size=4)
SMOOTHINGS = st.sampled_from(["kneser_ney", "witten_bell"])


PRIORS = st.none() | st.dictionaries(st.sampled_from(["a", "e", "f"]), st.floats(0.01, 1), min_size=1)


@settings(max_examples=80, deadline=None)
@given(
    sentences=SENTENCES, order=st.integers(1, 4), context=CONTEXTS, smoothing=SMOOTHINGS, prior=PRIORS
)  # fmt: skip
def test_probabilities_sum_to_one_in_every_context(sentences, order, context, smoothing, prior):
    model = NgramModel.train(sentences, order, smoothing=smoothing, prior=prior)
    distribution = model.distribution(context)
    assert sum(map(math.exp, distribution.values())) == pytest.approx(1)
    for token, score in distribution.items():
        assert model.score(token, context) == pytest.approx(score)
    assert model.scores(distribution, context) == pytest.approx(list(distribution.values()))
    assert model.score("never seen", context) == pytest.approx(distribution["<unk>"])


@settings(max_examples=30, deadline=None)
@given(sentences=SENTENCES, order=st.integers(1, 4), context=CONTEXTS, smoothing=SMOOTHINGS)
def test_arpa_round_trip(sentences, order, context, smoothing):
    model = NgramModel.train(sentences, order, smoothing=smoothing)
    again = from_arpa(to_arpa(model))
    assert again.order <= order  # a level without n-grams is not seen again
    assert again.distribution(context) == pytest.approx(model.distribution(context))
    assert from_metadata(to_metadata(model)).vocabulary == model.vocabulary


@settings(max_examples=40, deadline=None)
@given(sentences=SENTENCES, order=st.integers(1, 3), context=CONTEXTS, smoothing=SMOOTHINGS)
def test_an_open_vocabulary_keeps_what_is_left_for_the_unknown(sentences, order, context, smoothing):
    model = NgramModel.train(sentences, order, smoothing=smoothing, open_vocabulary=True)
    distribution = model.distribution(context)
    assert sum(map(math.exp, distribution.values())) == pytest.approx(1)
    closed = NgramModel.train(sentences, order, smoothing=smoothing)
    assert model.score("new", context) > closed.score("new", context)


def test_the_unknown_is_as_likely_as_what_was_seen_once():
    words = [[word] for word in "abcd" for _ in range(ord(word) - 96)] + [["e"], ["f"], ["g", "g"]]
    model = NgramModel.train(words, 1, smoothing="kneser_ney", open_vocabulary=True)
    discount = 3 / (3 + 2 * 2)  # a, e and f are seen once, b and g twice
    assert math.exp(model.score("<unk>")) == pytest.approx(8 * discount / (14 + 13))


def test_witten_bell_by_hand():
    model = NgramModel.train([["a", "b"], ["a"]], order=2, smoothing="witten_bell")
    unigram_b = 1 / 8 + 3 / 8 * 1 / 4  # five tokens a a b . . of three kinds; a vocabulary of a b . and <unk>
    assert math.exp(model.score("b")) == pytest.approx(unigram_b)
    assert math.exp(model.score("b", ["a"])) == pytest.approx(1 / 4 + 2 / 4 * unigram_b)


def test_kneser_ney_counts_contexts_not_occurrences():
    """'francisco' is frequent after one word only; 'glasses' follows many."""
    pairs = [["san", "francisco"]] * 6 + [[w, "glasses"] for w in ("my", "your", "her", "his")] + [["x", "y"]]
    pairs += [["y", "x"], ["x", "z"], ["x", "z"]]
    model = NgramModel.train(pairs, order=2)
    assert model.score("glasses", ["unheard"]) > model.score("francisco", ["unheard"])
    assert model.score("francisco", ["san"]) > model.score("glasses", ["san"])


def test_a_prior_tells_how_frequent_words_are_that_were_not_seen():
    model = NgramModel.train(
        [["a", "b"], ["a", "c"], ["b", "a"]], 2, prior={"seldom": 1.0, "often": 9.0, "a": 5.0}
    )
    assert model.vocabulary == {"a", "b", "c", "seldom", "often"}
    for context in ((), ("a",), (START,)):
        apart = model.score("often", context) - model.score("seldom", context)
        assert apart == pytest.approx(math.log(9), abs=0.01)
    assert model.score("often", ("a",)) < model.score("c", ("a",))
    assert model.score("unheard") < model.score("seldom")


def test_sentences_and_perplexity():
    sentences = [["a", "b", "c"], ["a", "c"], ["b", "c"]]
    model = NgramModel.train(sentences, order=3)
    parts = [("a", [START]), ("c", [START, "a"]), (END, [START, "a", "c"])]
    assert model.sentence_score(["a", "c"]) == pytest.approx(sum(model.score(t, c) for t, c in parts))
    uniform = NgramModel.train([["x"]], order=1, smoothing="witten_bell")
    total = uniform.sentence_score(["x"])
    assert uniform.perplexity([["x"]]) == pytest.approx(math.exp(-total / 2))
    assert model.perplexity(sentences) < model.perplexity([["c", "b", "a"]])


def test_a_file_written_by_srilm(tmp_path):
    path = tmp_path / "small.arpa"
    path.write_text(
        "\\data\\\nngram 1=4\nngram 2=2\n\n\\1-grams:\n-99\t<s>\t-0.30103\n-0.60206\t</s>\n"
        "-0.30103\ta\t-0.1\n-0.60206\tb\n\n\\2-grams:\n-0.1\t<s> a\n-0.2\ta b\n\n\\end\\\n"
    )
    model = load_arpa(path)
    assert model.order == 2
    assert model.score("a", [START]) == pytest.approx(-0.1 * math.log(10))
    assert model.score("b", [START]) == pytest.approx((-0.30103 - 0.60206) * math.log(10))
    assert model.score("a", ["b"]) == pytest.approx(-0.30103 * math.log(10))
    save_arpa(model, tmp_path / "again.arpa")
    assert load_arpa(tmp_path / "again.arpa").distribution(["a"]) == pytest.approx(model.distribution(["a"]))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "cut short"),
        ("\\data\\\n\\1-grams:\n-1 </s>\n", "cut short"),
        ("\\1-grams:\n-1 a\n\\end\\", "no 1-gram </s>"),
        ("\\2-grams:\n-1 a b\n\\end\\", "out of order"),
        ("\\1-grams:\n-1 </s>\n\\1-grams:\n\\end\\", "out of order"),
        ("\\1-grams:\n-1 </s> 0 0 0\n\\end\\", "is not a 1-gram"),
        ("\\1-grams:\nx </s>\n\\end\\", "not hold a number"),
        ("\\1-grams:\n0.5 </s>\n\\end\\", "from -100 to 0"),
        ("\\1-grams:\nnan </s>\n\\end\\", "from -100 to 0"),
        ("\\1-grams:\n-1 </s> inf\n\\end\\", "from -100 to 0"),
    ],
)
def test_broken_files_are_refused(text, message, tmp_path):
    with pytest.raises(InputError, match=message):
        from_arpa(text)
    path = tmp_path / "broken.arpa"
    path.write_text(text)
    with pytest.raises(InputError, match=r"broken\.arpa"):
        load_arpa(path)


def test_absent_binary_and_huge_files_are_refused(tmp_path):
    with pytest.raises(InputError, match="cannot be read"):
        load_arpa(tmp_path / "absent.arpa")
    (tmp_path / "binary.arpa").write_bytes(b"\\1-grams:\n\xff\xfe\x00")
    with pytest.raises(InputError, match="cannot be read"):
        load_arpa(tmp_path / "binary.arpa")
    with (tmp_path / "huge.arpa").open("wb") as file:
        file.truncate(MAX_BYTES + 1)
    with pytest.raises(InputError, match="Prune"):
        load_arpa(tmp_path / "huge.arpa")


def test_unfit_training_is_refused():
    for order in (0, 11):
        with pytest.raises(InputError, match="order"):
            NgramModel.train([["a"]], order)
    with pytest.raises(InputError, match="no sentences"):
        NgramModel.train([])
    for token in ("", "a b", "<s>", "<space>", "\n", " a"):
        with pytest.raises(InputError, match="cannot be a token"):
            NgramModel.train([[token]])
    with pytest.raises(InputError, match="no sentences"):
        NgramModel.train([["a"]]).perplexity([])


def test_a_packed_file_is_unpacked_within_limits(tmp_path, monkeypatch):
    model = NgramModel.train([["a", "b"]], 2)
    path = tmp_path / "small.arpa.gz"
    path.write_bytes(gzip.compress(to_arpa(model).encode()))
    assert load_arpa(path).distribution(["a"]) == pytest.approx(model.distribution(["a"]))
    path.write_bytes(gzip.compress(to_arpa(model).encode())[:-30])
    with pytest.raises(InputError, match="cannot be read"):
        load_arpa(path)
    monkeypatch.setattr(arpa, "MAX_BYTES", 10_000)
    path.write_bytes(gzip.compress(b"\n" * 1_000_000))
    with pytest.raises(InputError, match="unpacked, more than"):
        load_arpa(path)


def test_words_and_characters_are_told_apart():
    assert NgramModel.train([list("a b")], 2).spells
    assert not NgramModel.train([["a", "bc"]], 2).spells


def test_more_text_of_its_kind_lowers_perplexity():
    random = np.random.default_rng(0)
    words = ["bin", "lay", "place", "set"], ["blue", "green", "red"], ["at", "by", "in"]
    text = [[str(random.choice(column)) for column in words] for _ in range(300)]
    perplexities = [NgramModel.train(text[:n], 3).perplexity(text[200:]) for n in (5, 50, 200)]
    assert perplexities == sorted(perplexities, reverse=True)
    assert perplexities[-1] == pytest.approx((4 * 3 * 3) ** 0.25, rel=0.06)
