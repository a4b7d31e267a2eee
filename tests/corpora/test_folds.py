from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trichord.clip import Clip
from trichord.corpora.folds import Fold
from trichord.errors import InputError


def index_of(train=12, valid=3, test=5, speakers=6):
    numbers = iter(range(100))

    def clips(count):
        return [Clip(f"{n:03d}", {}, {}, {"speaker": f"s{n % speakers}"}) for n in islice(numbers, count)]

    return {"train": clips(train), "valid": clips(valid), "test": clips(test)}


def ids(clips):
    return {clip.id for clip in clips}


@given(st.integers(2, 6), st.sampled_from([None, "speaker"]), st.booleans())
def test_every_clip_is_tested_once_and_never_learned_from_then(of, by, validate):
    index = index_of()
    everything = ids(clip for clips in index.values() for clip in clips)
    tested = []
    if of == 2 and validate:
        with pytest.raises(ValueError, match="leave none to train on"):
            Fold(of=of, by=by)
        return
    for number in range(of):
        fold = Fold(of=of, number=number, by=by, validate=validate).divide(index)
        assert ids(fold["train"]) | ids(fold["valid"]) | ids(fold["test"]) == everything
        assert sum(map(len, fold.values())) == len(everything)
        assert bool(fold["valid"]) == validate
        if by is not None:
            seen = [{clip.about["speaker"] for clip in fold[split]} for split in ("train", "valid", "test")]
            assert not (seen[0] & seen[1] or seen[0] & seen[2] or seen[1] & seen[2])
        tested += [clip.id for clip in fold["test"]]
    assert sorted(tested) == sorted(everything)


def test_the_test_split_stays_when_a_part_validates():
    index = index_of()
    parts = [Fold(of=3, number=number, held_out="valid").divide(index) for number in range(3)]
    assert all(ids(part["test"]) == ids(index["test"]) for part in parts)
    assert set().union(*(ids(part["valid"]) for part in parts)) == ids(index["train"]) | ids(index["valid"])


def test_groups_are_divided_in_the_order_of_their_names():
    fold = Fold(of=3, number=1, by="speaker").divide(index_of())
    assert {clip.about["speaker"] for clip in fold["test"]} == {"s2", "s3"}


def test_what_cannot_be_divided_is_refused():
    with pytest.raises(InputError, match="6 of 'speaker' cannot be divided into 7"):
        Fold(of=7, by="speaker").divide(index_of())
    with pytest.raises(InputError, match="no 'speakr'; did you mean 'speaker'"):
        Fold(of=3, by="speakr").divide(index_of())
    with pytest.raises(ValueError, match="no part of 3"):
        Fold(of=3, number=3)
