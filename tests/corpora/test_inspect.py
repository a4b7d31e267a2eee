"""Tests of the report on a corpus."""

import json
import os
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest

from trichord.clip import Audio, Clip, Features, Video
from trichord.corpora import Fsdd, Scenes, inspect
from trichord.corpora.corpus import About, Corpus
from trichord.media import AudioFile

DATA = Path(os.environ.get("TRICHORD_DATA") or Path(__file__).parents[2] / ".." / "shared" / "data")


class Given(Corpus):
    """A corpus of given clips."""

    name = "given"
    about = About("Given clips", "none", None, "a test")

    def __init__(self, **index):
        self.given = index

    def read(self):
        return self.given


def tone(pitch, seconds=1.0):
    return Audio(np.sin(np.arange(int(8000 * seconds)) * pitch).astype(np.float32), 8000)


@pytest.fixture
def report(tmp_path):
    (tmp_path / "broken.wav").write_bytes(b"RIFF nonsense")
    return inspect(
        Given(
            train=[
                Clip("a", {"audio": tone(0.1), "text": " Yes "}, {"label": "yes"}, {"speaker": "ann"}),
                Clip("b", {"audio": tone(0.2, 3)}, {"label": "no"}, {"speaker": "bob"}),
                Clip("c", {"audio": tone(0.2, 3)}, {"label": "no"}, {"speaker": "bob", "group": "g"}),
            ],
            test=[
                Clip("d", {"audio": tone(0.1)}, {"label": "yes", "place": 0.5}, {"speaker": "ann"}),
                Clip("e", {"audio": AudioFile(tmp_path / "broken.wav")}, {}, {"group": "h"}),
                Clip("f", {}),
            ],
        )
    )


def test_sizes_and_labels(report):
    train = report.splits["train"]
    assert (train.clips, train.shortest, train.middle, train.longest) == (3, 1.0, 3.0, 3.0)
    assert train.hours == pytest.approx(7 / 3600)
    assert train.labels == {"label": {"no": 2, "yes": 1}}
    assert train.inputs == {"audio": 3, "text": 1}
    assert report.splits["test"].labels == {"label": {"yes": 1}}


def test_problems(report):
    assert report.duplicates == [["train:a", "test:d"], ["train:b", "train:c"]]
    assert report.across == {"speaker": {"ann": ["train", "test"]}}
    assert report.leaks == {"text=label": 1}
    assert set(report.unreadable) == {"test:e", "test:f"}
    assert "broken.wav" in report.unreadable["test:e"]
    warnings = "\n".join(report.warnings)
    for said in (
        "2 clips cannot be read",
        "1 contents occur in several",
        "more than once within",
        "1 speakers occur",
        "in 1 clips the input 'text' is the target 'label'",
        "no valid split",
    ):
        assert said in warnings


def test_it_is_json(report):
    assert json.loads(json.dumps(asdict(report))) == asdict(report)


def test_broken_pictures_are_found_when_every_input_is_read(tmp_path):
    (tmp_path / "broken.wav").write_bytes(b"nonsense")
    clip = Clip("a", {"audio": tone(0.1), "sensor": AudioFile(tmp_path / "broken.wav")})
    assert not inspect(Given(train=[clip])).unreadable
    assert inspect(Given(train=[clip]), every_input=True).unreadable


def test_other_inputs_have_content_too():
    frames = np.zeros((2, 4, 4, 3), np.uint8)
    index = {
        split: [
            Clip(f"{split} film", {"video": Video(frames)}),
            Clip(f"{split} array", {"sensor": Features(np.ones((2, 2)))}),
            Clip(f"{split} note", {"text": "t"}),
        ]
        for split in ("train", "valid")
    }
    expected = [[f"train:train {kind}", f"valid:valid {kind}"] for kind in ("film", "array", "note")]
    assert inspect(Given(**index)).duplicates == expected


def test_a_sound_corpus_has_nothing_to_warn_of():
    steps = []
    report = inspect(Scenes(size=8), progress=lambda done, total: steps.append((done, total)))
    assert report.warnings == []
    assert steps == [(i, 12) for i in range(1, 13)]
    assert set(report.splits["train"].labels) == {"transcript", "intent"}


def test_many_values_are_text_and_many_problems_are_shortened():
    clips = [Clip(str(i), {}, {"transcript": f"sentence {i}"}) for i in range(150)]
    report = inspect(Given(train=clips))
    assert report.splits["train"].labels == {}
    assert report.splits["train"].distinct == {"transcript": 150}
    assert len(report.unreadable) == 50
    assert any("150 clips cannot be read" in warning for warning in report.warnings)


@pytest.mark.skipif(not (DATA / "fsdd").is_dir(), reason="the FSDD corpus is not here")
def test_fsdd_shares_its_speakers():
    corpus = Fsdd(DATA / "fsdd")
    corpus.index = {split: corpus.clips(split)[:40] for split in corpus.splits()}
    report = inspect(corpus)
    assert not report.unreadable
    assert not report.duplicates
    assert report.across["speaker"]
