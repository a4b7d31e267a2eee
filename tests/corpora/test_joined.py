"""Tests of corpora joined into one."""

import pytest

from trichord.clip import Clip
from trichord.corpora import CORPORA, Aishell, Esc10, Fsdd, Grid, Joined, NemoEmotion, Table
from trichord.corpora.joined import tagged
from trichord.errors import InputError, RecipeError
from trichord.kinds import Kinds, json_schema
from trichord.learning.recipe import load_recipe

SPLITS = ("train", "valid", "test")
RECIPE = {
    "streams": {"words": {"from": "text", "encoder": "cnn"}},
    "heads": {"transcript": {"kind": "ctc", "units": "character"}},
}


@pytest.fixture
def two(tmp_path):
    """Two tables of three clips a split, whose ids and speakers are the same and whose targets are not."""
    for name, target in (("a", "transcript"), ("b", "sentence")):
        rows = [f"{split}{n},{split},hello,yes,no,ann" for split in SPLITS for n in range(3)]
        (tmp_path / f"{name}.csv").write_text(f"id,split,text,{target},mood,speaker\n" + "\n".join(rows))
    shared = {"kind": "table", "text": "text", "id": "id"}
    return [
        shared | {"path": str(tmp_path / "a.csv"), "targets": ["transcript", "mood"]},
        shared | {"path": str(tmp_path / "b.csv"), "targets": ["sentence", "mood"]},
    ]


def joined(corpora, **arguments):
    return Kinds(CORPORA).make({"kind": "joined", "of": corpora, **arguments})


def sizes(corpus):
    return [len(corpus.clips(split)) for split in corpus.splits()]


def test_the_others_lend_their_training_clips(two):
    corpus = joined(two)
    assert sizes(corpus) == [6, 3, 3]
    own, lent = corpus.clips("train")[0], corpus.clips("train")[3]
    assert (own.id, lent.id) == ("train0", "table-2/train0")
    assert own.about == {"speaker": "ann", "corpus": "table"}
    assert lent.about == {"speaker": "table-2/ann", "corpus": "table"}
    assert own.targets == {"transcript": "yes", "mood": "no"}
    assert lent.targets == {"sentence": "yes", "mood": "no"}
    assert lent.inputs == {"text": "hello"}
    assert {clip.id for clip in corpus.clips("test")} == {"test0", "test1", "test2"}


def test_whole_corpora_train(two):
    assert sizes(joined([*two, two[1]], whole=True)) == [21, 3, 3]


def test_clips_of_all_validate_and_test_where_they_are_pooled(two):
    assert sizes(joined(two, pooled=True)) == [6, 6, 6]
    corpus = joined([*two, two[1]], pooled=True, unheard=("table-3",))
    assert sizes(corpus) == [6, 6, 15]
    assert {clip.id.split("/")[0] for clip in corpus.clips("test")[6:]} == {"table-3"}
    with pytest.raises(ValueError, match="no other corpus 'table'; did you mean 'table-2'"):
        joined(two, unheard=("table",))
    with pytest.raises(ValueError, match="all clips of 'table-2' are tests"):
        joined(two, unheard=("table-2",), shares={"table-2": 0.5})
    with pytest.raises(ValueError, match="cannot train where they are pooled"):
        joined(two, pooled=True, whole=True)


def test_what_is_spoken_in_a_corpus_is_known_of_its_clips(two):
    clip = Clip("a", {"text": "hello"}, {}, {"speaker": "ann"})
    assert tagged(clip, Aishell()).about == {"speaker": "ann", "language": "mandarin", "corpus": "aishell"}
    assert "language" not in joined(two).clips("train")[0].about
    assert Joined([Fsdd(), Grid()]).about.language == "english"
    assert Joined([Fsdd(), Aishell()]).about.language is None


def test_targets_are_renamed_and_chosen(two):
    corpus = joined(two, rename={"sentence": "transcript"}, targets=("transcript",))
    assert all(clip.targets == {"transcript": "yes"} for split in SPLITS for clip in corpus.clips(split))
    with pytest.raises(InputError, match="no clip has a target 'transcrip'; did you mean 'transcript'"):
        joined(two, targets=("transcrip",)).splits()
    with pytest.raises(InputError, match="rename: no clip has a target 'sentences'; did you mean 'sentence'"):
        joined(two, rename={"sentences": "transcript"}).splits()


def test_a_corpus_without_clips_or_training_clips_says_so(two, tmp_path):
    (tmp_path / "b.csv").write_text("id,split,text,sentence,mood\nx,test,hello,yes,no\n")
    with pytest.raises(InputError, match="no split 'train'"):
        joined(two).splits()
    assert sizes(joined(two, whole=True)) == [4, 3, 3]
    (tmp_path / "b.csv").write_text("id,split,text,sentence,mood\n")
    with pytest.raises(InputError, match="holds no clips"):
        joined(two, whole=True).splits()


def test_a_recipe_may_join(two):
    recipe = load_recipe(RECIPE | {"corpus": {"kind": "joined", "of": two, "targets": ["transcript"]}})
    assert [len(recipe.clips(split)) for split in SPLITS] == [6, 3, 3]
    again = load_recipe(recipe.resolved())
    assert again.resolved() == recipe.resolved()
    assert isinstance(again.corpus, Joined)
    assert [type(corpus) for corpus in again.corpus.of] == [Table, Table]


@pytest.mark.parametrize(
    ("of", "said"),
    [([], "at least 1 item"), (["gird"], "did you mean 'grid'"), (["joined"], "unknown kind 'joined'"),
     ([{"kind": "grid", "speaker": "s1"}], "did you mean 'speakers'"), ("grid", "valid list")],
)  # fmt: skip
def test_what_cannot_be_joined_is_refused(of, said):
    with pytest.raises(RecipeError, match=said):
        load_recipe(RECIPE | {"corpus": {"kind": "joined", "of": of}})


def test_editors_are_told_of_every_kind_within():
    [first, *_] = json_schema("joined", Joined)["properties"]["of"]["items"]["anyOf"]
    assert set(first["enum"]) == set(CORPORA) - {"joined"}


@pytest.mark.parametrize(
    ("corpora", "commercial"),
    [([Fsdd(), Esc10()], True), ([Fsdd(), Aishell()], None), ([Aishell(), NemoEmotion(), Grid()], False)],
)
def test_commercial_use_is_allowed_where_all_allow_it(corpora, commercial):
    about = Joined(corpora).about
    assert about.commercial is commercial
    assert all(corpus.about.licence in about.licence for corpus in corpora)
    assert about.hours == pytest.approx(sum(corpus.about.hours for corpus in corpora))
    assert Joined.about.commercial is None  # of the class, whatever it joins


def test_what_is_known_of_a_clip_can_be_a_target_and_what_is_not_there_said(two):
    corpus = joined(two, about_as_targets=["corpus"], absent={"keyword": ""}, targets=["corpus", "keyword"])
    clips = {clip.id.startswith("table-2/"): clip for clip in corpus.clips("train")}
    assert clips[True].targets == {"corpus": "table", "keyword": ""}
    assert clips[False].targets == {"corpus": "table"}


def test_another_corpus_can_lend_a_part_of_its_clips(two, tmp_path):
    rows = ["v,valid,hello,yes,no,ann"] + [f"{n},train,hello,yes,no,ann" for n in range(400)]
    (tmp_path / "b.csv").write_text("id,split,text,sentence,mood,speaker\n" + "\n".join(rows))
    lent = [joined(two, shares={"table-2": part}).clips("train") for part in (0.2, 0.5, 1)]
    parts = [{clip.id for clip in clips} for clips in lent]
    assert [len(part) for part in parts] == [pytest.approx(n, abs=25) for n in (83, 203, 403)]
    assert parts[0] < parts[1] < parts[2]
    with pytest.raises(RecipeError, match="no other corpus 'table'; did you mean 'table-2'"):
        load_recipe(RECIPE | {"corpus": {"kind": "joined", "of": two, "shares": {"table": 0.5}}})
