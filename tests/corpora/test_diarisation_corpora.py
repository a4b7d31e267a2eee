"""Tests of the reader of AMI's excerpts, on look-alikes and, where they are, on the excerpts."""

import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trichord.clip import Audio, Event
from trichord.corpora import Ami
from trichord.corpora.ami import counted, within
from trichord.errors import InputError, MissingError
from trichord.media import write_audio

DATA = Path(os.environ.get("TRICHORD_DATA") or Path(__file__).parents[2] / ".." / "shared" / "data")
TIMES = st.floats(0, 100)
RTTM = """SPEAKER one 1 1.5 2.0 <NA> <NA> ann <NA> <NA>
SPEAKER one 1 0.5 1.5 <NA> <NA> bob <NA> <NA>
SPEAKER one 1 3.0 9.0 <NA> <NA> bob <NA> <NA>
LEXEME one 1 3.0 9.0 hello lex bob 1
"""


def make(root, split="train", uris=("one",), rttm=RTTM, uem="one NA 0.0 4.0\n", suffix=".wav"):
    root.mkdir(exist_ok=True)
    for uri in uris:
        write_audio(root / f"{uri}{suffix}", Audio(np.zeros(64_000, np.float32), 16_000))
    (root / f"debug.{split}.lst").write_text("".join(f"{uri}\n" for uri in uris), "utf-8")
    for kind, text in (("rttm", rttm), ("uem", uem)):
        if text is not None:
            (root / f"debug.{split}.{kind}").write_text(text, "utf-8")
    return root


def said(clip):
    return [(turn.what, turn.start, turn.end) for turn in clip.targets["speakers"]]


@pytest.mark.parametrize("suffix", [".wav", ".opus"])
def test_turns_are_cut_to_the_scored_region(suffix, tmp_path):
    corpus = Ami(make(tmp_path, "development", suffix=suffix))
    [clip] = corpus.clips("valid")
    assert corpus.splits() == ("valid",)
    assert (clip.id, clip.about) == ("one", {"uri": "one", "group": "one"})
    assert said(clip) == [("bob", 0.5, 2.0), ("ann", 1.5, 3.5), ("bob", 3.0, 4.0)]
    assert clip.targets["voices"] == (Event("1", 0.5, 1.5), Event("2", 1.5, 2.0), Event("1", 2.0, 3.0),
                                      Event("2", 3.0, 3.5), Event("1", 3.5, 4.0))  # fmt: skip
    assert clip.load("audio").seconds == pytest.approx(4.0, abs=0.01)


def test_who_is_named_twice_at_once_is_one_person():
    turns = [Event("a", 0, 2), Event("a", 1, 3), Event("b", 2.5, 4), Event("a", 3.0000001, 4)]
    found = [(event.what, event.start, event.end) for event in counted(turns)]
    assert found == [("1", 0, 2.5), ("2", 2.5, 4)]


def test_each_scored_region_is_a_clip(tmp_path):
    first, second = Ami(make(tmp_path, uem="one 1 0.0 1.0\none 1 2.0 4.0\n")).clips("train")
    assert (first.id, second.id, second.about["group"]) == ("one-1", "one-2", "one")
    assert said(first) == [("bob", 0.5, 1.0)]
    assert said(second) == [("ann", 0.0, 1.5), ("bob", 1.0, 2.0)]
    assert second.load("audio").seconds == pytest.approx(2.0, abs=0.01)


def test_without_regions_whole_recordings_count_and_without_turns_nobody_speaks(tmp_path):
    [whole] = Ami(make(tmp_path / "a", uem=None)).clips("train")
    assert said(whole)[-1] == ("bob", 3.0, 12.0)
    [silent] = Ami(make(tmp_path / "b", rttm=None)).clips("train")
    assert silent.targets == {"speakers": (), "voices": ()}
    [unlabelled] = Ami(make(tmp_path / "c", uem=None, rttm=None)).clips("train")
    assert unlabelled.targets == {}


def test_accents_may_be_left_out(tmp_path):
    [clip] = Ami(make(tmp_path, uris=("öne",))).clips("train")
    assert clip.id == "öne"
    assert len(said(clip)) == 3


@pytest.mark.parametrize(
    ("change", "message"),
    [({"rttm": "SPEAKER one 1 x 1 <NA> <NA> ann\n"}, "'x' is no time"),
     ({"rttm": "SPEAKER one 1\n"}, "fields"),
     ({"rttm": "SPEAKER one 1 -1 1 <NA> <NA> ann\n"}, "no time"), ({"uem": "one 1 0 inf\n"}, "no time"),
     ({"uem": "one 1 2.0 2.0\n"}, "ends before it starts"), ({"uem": "one\n"}, "fields")],
)  # fmt: skip
def test_broken_labels_are_refused(change, message, tmp_path):
    with pytest.raises(InputError, match=message):
        Ami(make(tmp_path, **change)).splits()


def test_other_folders_are_refused(tmp_path):
    with pytest.raises(MissingError, match="ami"):
        Ami(tmp_path / "absent").splits()
    with pytest.raises(InputError, match="expected lists"):
        Ami(tmp_path).splits()
    (tmp_path / "debug.train.lst").write_text("../one\n")
    with pytest.raises(InputError, match="leads out"):
        Ami(tmp_path).splits()
    (tmp_path / "debug.train.lst").write_text("two\n")
    with pytest.raises(InputError, match="not there"):
        Ami(tmp_path).splits()


@given(turns=st.lists(st.tuples(TIMES, TIMES), max_size=9), start=TIMES, lasting=st.floats(0.01, 50))
def test_what_lies_within_a_region_lies_in_it(turns, start, lasting):
    events = [Event("a", begin, begin + more) for begin, more in turns]
    for turn in within(events, start, start + lasting):
        assert 0 <= turn.start <= turn.end <= lasting + 1e-9
    assert list(within(events, 0.0, None)) == [event for event in events if event.start < event.end]


@pytest.mark.skipif(not (DATA / "ami-excerpts").is_dir(), reason="the excerpts of AMI are not here")
def test_the_ami_excerpts():
    corpus = Ami(DATA / "ami-excerpts")
    clips = {split: corpus.clips(split) for split in corpus.splits()}
    turns = {split: [turn for clip in of for turn in clip.targets["speakers"]] for split, of in clips.items()}
    assert {split: len(of) for split, of in clips.items()} == {"train": 10, "valid": 2, "test": 2}
    assert {split: len(of) for split, of in turns.items()} == {"train": 77, "valid": 17, "test": 27}
    spoken = {split: sum(turn.end - turn.start for turn in of) for split, of in turns.items()}
    assert spoken == pytest.approx({"train": 224.3, "valid": 45.4, "test": 67.4}, abs=0.1)
    assert clips["test"][0].load("audio").seconds == pytest.approx(30, abs=0.1)
