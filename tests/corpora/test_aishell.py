"""Tests of the readers of AISHELL and LibriSpeech, on look-alikes and, where it is, on AISHELL's sample."""

import os
from pathlib import Path

import numpy as np
import pytest

from trichord.clip import Audio
from trichord.corpora import Aishell, LibriSpeech
from trichord.errors import InputError, MissingError
from trichord.media import write_audio

DATA = Path(os.environ.get("TRICHORD_DATA") or Path(__file__).parents[2] / ".." / "shared" / "data")


def sound(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    write_audio(path, Audio(np.zeros(8_000, np.float32), 16_000))
    return path


@pytest.mark.parametrize("suffix", [".wav", ".opus"])
def test_the_official_aishell(suffix, tmp_path):
    for split, speaker in (("train", "S0002"), ("dev", "S0724"), ("test", "S0764")):
        sound(tmp_path / "wav" / split / speaker / f"BAC009{speaker}W0122{suffix}")
    sound(tmp_path / "wav" / "test" / "S0764" / f"BAC009S0764W0123{suffix}")  # it has no transcript
    (tmp_path / "transcript").mkdir()
    (tmp_path / "transcript" / "aishell_transcript_v0.8.txt").write_text(
        "BAC009S0002W0122 而 对 楼市 成交\nBAC009S0724W0122 广州市\nBAC009S0764W0122 甚至 出现\n", "utf-8"
    )
    corpus = Aishell(tmp_path)
    assert corpus.splits() == ("train", "valid", "test")
    [clip], [other] = corpus.clips("train"), corpus.clips("test")
    assert (clip.id, clip.targets) == ("BAC009S0002W0122", {"transcript": "而对楼市成交"})
    assert clip.about == {"speaker": "S0002"}
    assert clip.load("audio").seconds == pytest.approx(0.5, abs=0.01)
    assert other.targets == {"transcript": "甚至出现"}


@pytest.mark.parametrize("place", [".", "AISHELL_Sample_data"])
def test_the_sample_of_aishell(place, tmp_path):
    (tmp_path / place).mkdir(exist_ok=True)
    for speaker in ("S0150", "S0252"):
        for number in range(100):
            path = tmp_path / place / f"BAC009{speaker}W{number:04d}.wav"
            path.touch()
            path.with_suffix(".txt").write_text("潍坊路 小游园\n", "utf-8")
    path.with_suffix(".txt").unlink()
    corpus = Aishell(tmp_path)
    clips = {split: corpus.clips(split) for split in corpus.splits()}
    assert sum(map(len, clips.values())) == 199
    assert clips["test"][0].targets == {"transcript": "潍坊路小游园"}
    for of in clips.values():
        assert {clip.about["speaker"] for clip in of} == {"S0150", "S0252"}


def test_an_aishell_of_other_contents_is_refused(tmp_path):
    with pytest.raises(MissingError, match="aishell"):
        Aishell(tmp_path / "absent").splits()
    with pytest.raises(InputError, match="unpack the archives"):
        Aishell(tmp_path).splits()
    (tmp_path / "a.wav").touch()
    (tmp_path / "a.txt").write_bytes(b"\xff\xfe")
    with pytest.raises(InputError, match="not UTF-8"):
        Aishell(tmp_path).splits()


@pytest.mark.skipif(not (DATA / "aishell-sample").is_dir(), reason="AISHELL's sample is not here")
def test_the_aishell_corpus():
    corpus = Aishell(DATA / "aishell-sample")
    clips = [clip for split in corpus.splits() for clip in corpus.clips(split)]
    assert [len(corpus.clips(split)) for split in corpus.splits()] == [764, 88, 88]
    blanks_and_marks = 126 + 4  # between Latin letters, and of byte order, at the beginnings of files
    assert sum(len(clip.targets["transcript"]) for clip in clips) == 12504 - blanks_and_marks
    assert 1 < clips[-1].load("audio").seconds < 10


def librispeech(root, subsets=("train-clean-100", "dev-clean", "dev-other", "test-clean"), suffix=".flac"):
    for number, subset in enumerate(subsets):
        name = f"{84 + number}-121123"
        folder = root / subset / f"{84 + number}" / "121123"
        sound(folder / f"{name}-0000{suffix}")
        (folder / f"{name}.trans.txt").write_text(f"{name}-0000 GO DO YOU HEAR\n")
    (root / "SPEAKERS.TXT").write_text(";ID | SEX |\n84   | F | train-clean-100 | 25.03 | Ann\n")
    return root


@pytest.mark.parametrize("suffix", [".flac", ".opus"])
def test_librispeech(suffix, tmp_path):
    corpus = LibriSpeech(librispeech(tmp_path, suffix=suffix))
    assert [len(corpus.clips(split)) for split in ("train", "valid", "test")] == [1, 2, 1]
    [clip] = corpus.clips("train")
    assert (clip.id, clip.targets) == ("84-121123-0000", {"transcript": "go do you hear"})
    about = {"speaker": "84", "chapter": "121123", "subset": "train-clean-100", "gender": "f"}
    assert clip.about == about
    assert clip.load("audio").seconds == pytest.approx(0.5, abs=0.01)
    chosen = LibriSpeech(tmp_path, subsets=("train-clean-100", "dev-other"))
    assert [clip.about["subset"] for clip in chosen.clips("valid")] == ["dev-other"]
    assert chosen.splits() == ("train", "valid")


def test_a_librispeech_of_other_contents_is_refused(tmp_path):
    with pytest.raises(InputError, match="holds no subsets"):
        LibriSpeech(tmp_path).splits()
    librispeech(tmp_path)
    with pytest.raises(InputError, match="did you mean 'dev-clean'"):
        LibriSpeech(tmp_path, subsets=("dev-clear",)).splits()
    transcript = next((tmp_path / "dev-clean").glob("*/*/*.txt"))
    transcript.write_text("../../../84-9 LEADS OUT\n")
    with pytest.raises(InputError, match="leads out"):
        LibriSpeech(tmp_path).splits()
    transcript.write_text("85-121123-0009 IS ABSENT\n")
    with pytest.raises(InputError, match="not there"):
        LibriSpeech(tmp_path).splits()
