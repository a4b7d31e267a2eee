"""Tests of Hugging Face datasets saved to disk; the network is never touched."""

import sys

import numpy as np
import pytest

from trichord.clip import Audio
from trichord.corpora import HuggingFace
from trichord.errors import InputError, MissingError
from trichord.media import write_audio, write_image


@pytest.fixture
def datasets():
    return pytest.importorskip("datasets")


@pytest.fixture
def saved(datasets, tmp_path):
    write_audio(tmp_path / "a.wav", Audio(np.zeros(800, np.float32), 8000))
    write_image(tmp_path / "a.png", np.zeros((8, 6, 3), np.uint8))
    sound = {"bytes": (tmp_path / "a.wav").read_bytes(), "path": None}
    picture = {"bytes": (tmp_path / "a.png").read_bytes(), "path": None}
    rows = [
        {"audio": sound, "image": picture, "note": f"n{i}", "label": i % 2, "score": i / 2, "speaker_id": i}
        for i in range(4)
    ]
    table = datasets.Dataset.from_list(rows)  # cast below: encoding an Audio column needs torchcodec
    table = table.cast_column("audio", datasets.Audio()).cast_column("image", datasets.Image())
    table = table.cast_column("label", datasets.ClassLabel(names=["cat", "dog"]))
    datasets.DatasetDict(train=table, validation=table.select([0]), test=table.select([1])).save_to_disk(
        tmp_path / "d"
    )
    return tmp_path / "d"


def test_saved_dataset(saved):
    corpus = HuggingFace(
        str(saved), audio="audio", video="image", text="note", targets=("label",), numbers=("score",)
    )
    assert [len(corpus.clips(split)) for split in corpus.splits()] == [4, 1, 1]
    clip = corpus.clips("train")[1]
    assert clip.id == "train/000001"
    assert clip.targets == {"label": "dog", "score": 0.5}
    assert clip.about == {"speaker": "1"}
    assert clip.inputs["text"] == "n1"
    assert clip.load("audio").seconds == 0.1
    assert clip.load("video").frames.shape == (1, 8, 6, 3)
    assert clip.inputs["audio"].key != corpus.clips("train")[2].inputs["audio"].key
    assert "torchcodec" not in sys.modules


def test_one_table_is_divided(datasets, tmp_path):
    rows = {"note": [str(i) for i in range(100)], "label": ["a", "b"] * 50}
    datasets.Dataset.from_dict(rows).save_to_disk(tmp_path / "d")
    corpus = HuggingFace(str(tmp_path / "d"), text="note", targets=("label",))
    assert sum(len(corpus.clips(split)) for split in corpus.splits()) == 100
    assert len(corpus.splits()) == 3


@pytest.mark.parametrize(("name", "fine"), [("d/a.wav", True), ("secret.wav", False)])
def test_paths_in_a_dataset_stay_in_its_folder(name, fine, datasets, tmp_path):
    datasets.Dataset.from_dict({"audio": [str(tmp_path / name)]}).save_to_disk(tmp_path / "d")
    write_audio(tmp_path / name, Audio(np.zeros(800, np.float32), 8000))
    corpus = HuggingFace(str(tmp_path / "d"), audio="audio")
    clip = corpus.clips(corpus.splits()[0])[0]
    if fine:
        assert clip.load("audio").seconds == 0.1
    else:
        with pytest.raises(InputError, match="leads out of"):
            clip.load("audio")


def test_the_hub_is_only_for_those_who_ask(datasets, monkeypatch):
    monkeypatch.setattr(datasets, "load_dataset", lambda *_: pytest.fail("went to the network"))
    with pytest.raises(MissingError, match="say 'download: true'"):
        HuggingFace("owner/name").splits()


def test_download_when_asked(datasets, monkeypatch):
    table = datasets.Dataset.from_dict({"note": ["a"]})
    asked = []
    monkeypatch.setattr(
        datasets, "load_dataset", lambda *a: asked.append(a) or datasets.DatasetDict(train=table, test=table)
    )
    corpus = HuggingFace("owner/name", download=True, config="c", text="note")
    assert "test" in corpus.splits()
    assert asked == [("owner/name", "c")]


def test_unknown_column_and_broken_folder(saved, tmp_path):
    with pytest.raises(InputError, match="no column 'mood'; it has: audio"):
        HuggingFace(str(saved), targets=("mood",)).splits()
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "state.json").write_text("{")
    with pytest.raises(InputError, match="cannot be read as a dataset"):
        HuggingFace(str(tmp_path / "broken")).splits()


def test_without_the_extra(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "datasets", None)
    with pytest.raises(MissingError, match=r"pip install 'trichord\[huggingface\]'"):
        HuggingFace(str(tmp_path)).splits()
