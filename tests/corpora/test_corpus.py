"""Tests of what every corpus shares: splits, ids, where it is looked for."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trichord.clip import Clip
from trichord.corpora import CORPORA, Corpus, Fsdd, Grid, Scenes, Table
from trichord.corpora.corpus import (
    SPLITS,
    About,
    by_hash,
    check_ids,
    group_of,
    hash_split,
    split_called,
    together,
    with_valid,
)
from trichord.errors import InputError, MissingError
from trichord.kinds import Kinds, signature_schema

FRACTIONS = st.tuples(*[st.floats(0.01, 10)] * 3)
NEEDED = {"of": ["fsdd", "grid"]}
"""Arguments that a corpus needs and that are no places."""
IDS = st.lists(st.text(min_size=1), unique=True, max_size=60)


def ids(clips):
    return {clip.id for clip in clips}


@given(ids=IDS, groups=st.integers(1, 8), fractions=FRACTIONS, seed=st.integers(0, 99))
def test_hash_splits_cover_all_and_share_no_clip_and_no_group(ids, groups, fractions, seed):
    clips = [Clip(name, {}, {}, {"group": f"g{i % groups}"}) for i, name in enumerate(ids)]
    index = by_hash(clips, fractions, seed)
    check_ids("test", index)
    assert sorted(clip.id for split in SPLITS for clip in index[split]) == sorted(ids)
    of = [{group_of(clip) for clip in index[split]} for split in SPLITS]
    assert not (of[0] & of[1] or of[0] & of[2] or of[1] & of[2])


@given(names=IDS, more=IDS, seed=st.integers(0, 99))
def test_adding_clips_moves_none(names, more, seed):
    alone = by_hash([Clip(name, {}) for name in names], seed=seed)
    together = by_hash([Clip(name, {}) for name in dict.fromkeys([*names, *more])], seed=seed)
    assert all(ids(alone[split]) <= ids(together[split]) for split in SPLITS)


@given(st.text(), st.sampled_from([(1, 0, 0), (0, 1, 0), (0, 0, 1)]))
def test_a_share_of_nothing_gets_nothing(key, fractions):
    assert hash_split(key, fractions) == SPLITS[fractions.index(1)]


def test_shares_are_met_on_average():
    found = [hash_split(str(i)) for i in range(4000)]
    assert abs(found.count("train") / 4000 - 0.8) < 0.02
    assert abs(found.count("valid") / 4000 - 0.1) < 0.02


@pytest.mark.parametrize("fractions", [(0, 0, 0), (-1, 1, 1), (float("inf"), 1, 1)])
def test_impossible_fractions(fractions):
    with pytest.raises(InputError, match="fractions"):
        by_hash([], fractions)


def test_valid_is_taken_from_train_alone():
    clips = [Clip(str(i), {}) for i in range(200)]
    index = with_valid({"train": clips, "test": [Clip("t", {})]})
    assert 5 < len(index["valid"]) < 40
    assert ids(index["train"]) | ids(index["valid"]) == ids(clips)
    assert not ids(index["train"]) & ids(index["valid"])
    assert ids(index["test"]) == {"t"}


def test_names_of_splits():
    assert [split_called(name) for name in ("train", "Dev", "validation", "eval", "other")] == [
        "train",
        "valid",
        "valid",
        "test",
        None,
    ]


def test_an_id_in_two_splits_is_refused():
    with pytest.raises(InputError, match="'a' occurs twice, in train and test"):
        check_ids("x", {"train": [Clip("a", {})], "test": [Clip("a", {})]})


def test_unknown_split_names_the_nearest():
    with pytest.raises(InputError, match="did you mean 'valid'"):
        Scenes(size=8).clips("vald")


def test_an_empty_corpus_says_so(tmp_path):
    (tmp_path / "t.csv").write_text("split,text\n")
    with pytest.raises(InputError, match="table: holds no clips"):
        Table(tmp_path / "t.csv").clips("train")


@pytest.mark.parametrize("cls", [Grid, Fsdd])
def test_an_absent_corpus_says_where_to_get_it(cls, tmp_path, monkeypatch):
    monkeypatch.setenv("TRICHORD_DATA", str(tmp_path))
    assert not cls.present()
    with pytest.raises(MissingError, match=r"get it from .*TRICHORD_DATA") as caught:
        cls().clips("train")
    assert "\n" not in str(caught.value)
    (tmp_path / cls.name).mkdir()
    assert cls.present()


def test_the_default_root_is_beside_the_repository(tmp_path, monkeypatch):
    (tmp_path / "shared" / "data" / "grid").mkdir(parents=True)
    (tmp_path / "repository").mkdir()
    monkeypatch.chdir(tmp_path / "repository")
    monkeypatch.delenv("TRICHORD_DATA", raising=False)
    assert Grid.present()
    assert not Fsdd.present()


@pytest.mark.parametrize("kind", CORPORA)
def test_every_corpus_is_named_described_and_written_back(kind):
    cls = CORPORA[kind]
    assert cls.name == kind
    assert cls.about.title
    assert cls.about.licence
    assert cls.about.source
    assert cls.about.tasks
    assert cls.__doc__
    required = [name for name, field in signature_schema(cls).model_fields.items() if field.is_required()]
    kinds = Kinds(CORPORA)
    corpus = kinds.make({"kind": kind, **{name: NEEDED.get(name, "somewhere") for name in required}})
    assert isinstance(corpus, Corpus)
    written = kinds.describe(corpus)
    assert kinds.describe(kinds.make(written)) == written


def test_paths_arrive_as_paths():
    assert Kinds(CORPORA).make({"kind": "grid", "folder": "x"}).folder == Path("x")


def test_corpora_that_were_joined_before_are_named_once() -> None:
    english, mandarin = (
        About(title, licence, True, "here")
        for title, licence in (("English", "CC0"), ("Mandarin", "Apache-2.0"))
    )
    before = together([english, mandarin])
    assert together([before, mandarin, english]) == before
    assert (before.title, before.licence) == ("English + Mandarin", "CC0; Apache-2.0")
