"""Tests of the readers of GRID and FSDD, on look-alikes and, where they are, on the corpora."""

import os
import time
from pathlib import Path

import numpy as np
import pytest

from trichord.clip import Audio, Video
from trichord.corpora import Fsdd, Grid
from trichord.corpora.grid import SLOTS, spelled
from trichord.errors import InputError, MissingError
from trichord.media import write_audio, write_video

DATA = Path(os.environ.get("TRICHORD_DATA") or Path(__file__).parents[2] / ".." / "shared" / "data")
STEMS = ("bbaf2n", "swiz9a", "lgbxzp")
ALIGN = """0 5000 sil
5000 10000 bin
10000 15000 blue
15000 16000 at
16000 20000 f
20000 25000 two
25000 30000 now
30000 40000 sil
"""


def make_grid(root, films="s1", suffix=".mpg", stems=STEMS):
    (root / films).mkdir(parents=True)
    for stem in stems:
        (root / films / f"{stem}{suffix}").touch()
    return root


def write_splits(folder, **splits):
    folder.mkdir(parents=True)
    for split, stems in splits.items():
        (folder / f"{split}.txt").write_text("".join(f"{stem}\n" for stem in stems))


@pytest.mark.parametrize("films", ["s1", "s1/video", "s1/video/mpg_6000"])
@pytest.mark.parametrize("align", ["align/s1", "s1/align", "align"])
def test_grid_layouts(films, align, tmp_path):
    make_grid(tmp_path, films)
    (tmp_path / align).mkdir(parents=True, exist_ok=True)
    (tmp_path / align / "bbaf2n.align").write_text(ALIGN)
    write_splits(tmp_path / "splits", train=["bbaf2n"], valid=["swiz9a"])
    corpus = Grid(tmp_path)
    assert corpus.splits() == ("train", "valid")  # lgbxzp is listed nowhere
    [clip] = corpus.clips("train")
    assert clip.id == "s1/bbaf2n"
    assert clip.about == {"speaker": "s1"}
    assert clip.inputs["text"] == clip.targets["transcript"] == "bin blue at f two now"
    assert [clip.targets[slot] for slot in SLOTS] == ["bin", "blue", "at", "f", "two", "now"]
    assert [(e.what, e.start, e.end) for e in clip.targets["words"]][:2] == [
        ("bin", 0.2, 0.4),
        ("blue", 0.4, 0.6),
    ]
    [unaligned] = corpus.clips("valid")
    assert unaligned.targets["transcript"] == "set white in z nine again"
    assert "words" not in unaligned.targets


def test_grid_films_decode(tmp_path):
    (tmp_path / "s1").mkdir()
    frames = np.zeros((5, 16, 16, 3), np.uint8)
    write_video(tmp_path / "s1" / "bbaf2n.mp4", Video(frames), Audio(np.zeros(3200, np.float32), 16000))
    corpus = Grid(tmp_path)
    [clip] = corpus.clips(corpus.splits()[0])
    assert len(clip.load("video").frames) == 5
    assert clip.load("audio").rate == 16000


def test_grid_without_lists_is_split_by_hash(tmp_path):
    stems = [f"{a}{b}a{c}{d}n" for a in "bls" for b in "bgr" for c in "abc" for d in "123z"]
    make_grid(tmp_path, stems=stems)
    corpus = Grid(tmp_path)
    assert sum(len(corpus.clips(split)) for split in corpus.splits()) == len(stems)
    assert len(corpus.clips("train")) > 0.6 * len(stems)


def test_grid_several_speakers(tmp_path):
    make_grid(tmp_path)
    make_grid(tmp_path, films="s2")
    make_grid(tmp_path, films="s3", stems=("bbaf2n", "sgwu8s"))
    write_splits(tmp_path / "splits", train=STEMS[:2], test=STEMS[2:])
    write_splits(tmp_path / "splits" / "s2", test=STEMS)
    corpus = Grid(tmp_path, speakers=("s1", "s2", "s3"))
    test = [clip.id for clip in corpus.clips("test")]
    assert {"s1/lgbxzp", "s2/bbaf2n", "s2/swiz9a", "s2/lgbxzp"} <= set(test)
    assert sum(clip.id.startswith("s3") for split in corpus.splits() for clip in corpus.clips(split)) == 2


def test_grid_lists_of_another_speaker_are_refused(tmp_path):
    make_grid(tmp_path)
    write_splits(tmp_path / "splits", train=["sgwu8s"])
    with pytest.raises(InputError, match="lists 'sgwu8s', which speaker 's1' lacks"):
        Grid(tmp_path).clips("train")


def test_grid_stem_listed_twice(tmp_path):
    make_grid(tmp_path)
    write_splits(tmp_path / "splits", train=STEMS, test=STEMS[:1])
    with pytest.raises(InputError, match="listed twice, in train and test"):
        Grid(tmp_path).clips("train")


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("a b bin", "align:1: expected 'start end word'"),
        ("0 1", "start end word"),
        ("", "GRID grammar"),
        (ALIGN.replace("blue", "pink"), "got 'bin pink"),
        (ALIGN + ALIGN, "GRID grammar"),
        (b"\xff\xff", "UTF-8"),
    ],
)
def test_grid_broken_align(content, problem, tmp_path):
    make_grid(tmp_path, stems=STEMS[:1])
    (tmp_path / "align").mkdir()
    (tmp_path / "align" / "bbaf2n.align").write_bytes(
        content if isinstance(content, bytes) else content.encode()
    )
    with pytest.raises(InputError, match=problem):
        Grid(tmp_path).splits()


def test_grid_absent_speaker(tmp_path):
    with pytest.raises(MissingError, match="no films of speaker 's9'"):
        Grid(tmp_path, speakers=("s9",)).splits()
    with pytest.raises(InputError, match="speaker is a name"):
        Grid(tmp_path, speakers=("../s1",)).splits()


def test_names_spell_sentences():
    assert spelled("bbaf2n") == ["bin", "blue", "at", "f", "two", "now"]
    assert spelled("pwwzzp") == ["place", "white", "with", "z", "zero", "please"]
    assert spelled("bbaw2n") == spelled("short") == spelled("bbaf0n") == []


@pytest.mark.skipif(not (DATA / "grid").is_dir(), reason="the GRID corpus is not here")
def test_the_grid_corpus():
    begin = time.perf_counter()
    corpus = Grid(DATA / "grid")
    counts = [len(corpus.clips(split)) for split in ("train", "valid", "test")]
    assert time.perf_counter() - begin < 3  # about 0.1 s on a quiet machine
    assert counts == [700, 100, 100]
    for clip in corpus.clips("train"):
        assert spelled(clip.id.removeprefix("s1/")) == clip.targets["transcript"].split()
        assert len(clip.targets["words"]) == 6
    clip = corpus.clips("test")[0]
    assert clip.load("video").frames.shape == (75, 288, 360, 3)
    assert abs(clip.load("audio").seconds - 3) < 0.1


def make_fsdd(root, takes=12, speakers=("theo", "lucas")):
    (root / "recordings").mkdir()
    for speaker in speakers:
        for digit in (0, 7):
            for take in range(takes):
                (root / "recordings" / f"{digit}_{speaker}_{take}.wav").touch()
    (root / "recordings" / "notes.wav").touch()
    return root


def test_fsdd_official(tmp_path):
    make_fsdd(tmp_path)
    (tmp_path / "metadata.py").write_text("metadata = {'theo': {'gender': 'male', 'accent': 'USA/neutral'}}")
    corpus = Fsdd(tmp_path)
    takes = {s: {int(clip.id.split("_")[2]) for clip in corpus.clips(s)} for s in corpus.splits()}
    assert takes == {"train": {10, 11}, "valid": set(range(5, 10)), "test": set(range(5))}
    clip = corpus.clips("test")[-1]
    assert clip.id == "7_theo_4"
    assert clip.targets == {"digit": "7", "transcript": "seven"}
    assert clip.about == {"speaker": "theo", "gender": "male", "accent": "USA/neutral"}


def test_fsdd_hold_out(tmp_path):
    make_fsdd(tmp_path)
    corpus = Fsdd(tmp_path, hold_out="lucas")
    speakers = {s: {clip.about["speaker"] for clip in corpus.clips(s)} for s in corpus.splits()}
    assert speakers == {"train": {"theo"}, "valid": {"theo"}, "test": {"lucas"}}
    with pytest.raises(InputError, match="did you mean 'lucas'"):
        Fsdd(tmp_path, hold_out="luca").splits()


def test_fsdd_decodes(tmp_path):
    (tmp_path / "recordings").mkdir()
    write_audio(tmp_path / "recordings" / "3_theo_0.wav", Audio(np.zeros(800, np.float32), 8000))
    [clip] = Fsdd(tmp_path).clips("test")
    assert clip.load("audio").seconds == 0.1


@pytest.mark.parametrize(
    "text",
    [
        "import os; os.system('touch hacked')",
        "metadata = open('hacked', 'w')",
        "metadata = [1]",
        "x =",
        "metadata = {'a': 1}",
        "metadata = " + "[" * 500,
    ],
)
def test_fsdd_metadata_is_never_run(text, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    make_fsdd(tmp_path)
    (tmp_path / "metadata.py").write_text(text)
    with pytest.raises(InputError, match=r"metadata\.py: expected one literal"):
        Fsdd(tmp_path).splits()
    assert not (tmp_path / "hacked").exists()


def test_fsdd_without_recordings(tmp_path):
    with pytest.raises(InputError, match="holds no recordings named"):
        Fsdd(tmp_path).splits()


@pytest.mark.skipif(not (DATA / "fsdd").is_dir(), reason="the FSDD corpus is not here")
def test_the_fsdd_corpus():
    corpus = Fsdd(DATA / "fsdd")
    assert [len(corpus.clips(split)) for split in corpus.splits()] == [2400, 300, 300]
    clip = corpus.clips("test")[0]
    assert clip.about["gender"] == "male"
    assert 0.1 < clip.load("audio").seconds < 3
