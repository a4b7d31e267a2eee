"""Tests of reading label files: suffixes, limits, and names that lead out of the corpus."""

import gzip

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trichord.corpora import paths
from trichord.corpora.paths import files_below, find_media, find_text, inputs_of, inside, read_lines
from trichord.errors import InputError


@pytest.mark.parametrize("name", ["../x.wav", "a/../../x.wav", "/etc/passwd", "a\0b", "../corpus2/x.wav"])
def test_no_path_leads_out(name, tmp_path):
    with pytest.raises(InputError, match="leads out of"):
        inside(tmp_path / "corpus", name)


@given(st.text(st.sampled_from("ab./"), max_size=30))
def test_what_is_let_through_is_inside(tmp_path_factory, name):
    root = tmp_path_factory.getbasetemp()
    try:
        path = inside(root, name)
    except InputError:
        return
    assert path == root or root in path.parents
    assert ".." not in path.parts


def test_absolute_paths_within_the_corpus_are_taken(tmp_path):
    assert inside(tmp_path, str(tmp_path / "a" / "b.wav")) == tmp_path / "a" / "b.wav"


@pytest.mark.parametrize(
    ("named", "there"),
    [
        ("a.wav", "a.opus"),
        ("a.WAV", "a.flac"),
        ("a.1", "a.1.mp3"),
        ("a.jpg", "a.webp"),
        ("a.mpg", "a.mp4"),
        ("a.wav", "a.wav"),
    ],
)
def test_media_are_found_by_stem(named, there, tmp_path):
    (tmp_path / there).touch()
    assert find_media(tmp_path / named) == tmp_path / there


def test_media_that_are_not_there(tmp_path):
    (tmp_path / "a.txt").touch()
    with pytest.raises(InputError, match=r"a\.wav: a label file names it"):
        find_media(tmp_path / "a.wav")


def test_text_may_be_packed(tmp_path):
    assert find_text(tmp_path / "t.csv") is None
    (tmp_path / "t.csv.gz").write_bytes(gzip.compress("\ufeffeins\r\n\nzwei".encode()))
    assert list(read_lines(find_text(tmp_path / "t.csv"))) == ["eins", "zwei"]


@pytest.mark.parametrize(
    "content",
    [b"not gzip at all", gzip.compress(b"x" * 1000, mtime=0)[:-20], b"\x1f\x8b\x08\x00"],
    ids=["other", "cut", "empty"],  # the bytes, which hold the time, would name a test anew in every process
)
def test_broken_gzip(content, tmp_path):
    (tmp_path / "t.gz").write_bytes(content)
    with pytest.raises(InputError, match=r"t\.gz"):
        list(read_lines(tmp_path / "t.gz"))


def test_bad_text_names_the_line(tmp_path):
    (tmp_path / "t").write_bytes(b"fine\n\xff\xfe\n")
    with pytest.raises(InputError, match="t:2: not UTF-8"):
        list(read_lines(tmp_path / "t"))


def test_limits(tmp_path, monkeypatch):
    (tmp_path / "bomb.gz").write_bytes(gzip.compress(b"x" * 100_000))
    monkeypatch.setattr(paths, "MAX_LINE_BYTES", 1000)
    with pytest.raises(InputError, match="beyond the limit"):
        list(read_lines(tmp_path / "bomb.gz"))
    monkeypatch.setattr(paths, "MAX_FILES", 0)
    with pytest.raises(InputError, match="more than 0 files"):
        files_below(tmp_path)


def test_hidden_files_are_left_out(tmp_path):
    for name in (".hidden", "b", "a", ".git/c", "d/e"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert files_below(tmp_path) == [tmp_path / "a", tmp_path / "b", tmp_path / "d" / "e"]


def test_films_are_heard_and_seen(tmp_path):
    assert set(inputs_of(tmp_path / "a.mp4")) == {"audio", "video"}
    assert set(inputs_of(tmp_path / "a.WAV")) == {"audio"}
    assert set(inputs_of(tmp_path / "a.png")) == {"video"}
