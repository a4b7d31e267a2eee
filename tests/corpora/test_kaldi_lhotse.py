"""Tests of Kaldi data directories and Lhotse manifests, made on the spot."""

import gzip
import json

import numpy as np
import pytest

from trichord.clip import Audio
from trichord.corpora import Kaldi, Lhotse
from trichord.errors import InputError
from trichord.media import write_audio


def data_directory(folder, **files):
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name.replace("wav_scp", "wav.scp")).write_text(text)


def sound(path, seconds=2.0):
    path.parent.mkdir(parents=True, exist_ok=True)
    write_audio(path, Audio(np.zeros(int(8000 * seconds), np.float32), 8000))
    return path


def test_kaldi_with_segments(tmp_path):
    sound(tmp_path / "audio" / "r1.flac")
    for split in ("train", "dev", "test"):
        data_directory(
            tmp_path / split,
            wav_scp="r1 audio/r1.wav\n",
            text=f"{split}-u1 hello  world\n",
            segments=f"{split}-u1 r1 0.5 1.25\n{split}-u2 r1 1.5 -1\n",
            utt2spk=f"{split}-u1 ann\n",
            spk2gender="ann f\n",
        )
    corpus = Kaldi(tmp_path)
    assert corpus.splits() == ("train", "valid", "test")
    first, second = corpus.clips("valid")
    assert first.id == "dev-u1"
    assert first.targets == {"transcript": "hello  world"}
    assert first.about == {"speaker": "ann", "gender": "f"}
    assert first.load("audio").seconds == pytest.approx(0.75)
    assert second.load("audio").seconds == pytest.approx(0.5)
    assert second.targets == {}


def test_kaldi_one_directory_is_split_by_speaker(tmp_path):
    (tmp_path / "a.wav").touch()
    names = [f"s{i % 25:02d}-{i:03d}" for i in range(200)]
    data_directory(
        tmp_path,
        wav_scp="".join(f"{n}\t{tmp_path}/a.wav\n" for n in names),
        utt2spk="".join(f"{n} {n[:3]}\n" for n in names),
    )
    corpus = Kaldi(tmp_path)
    speakers = [{clip.about["speaker"] for clip in corpus.clips(split)} for split in corpus.splits()]
    assert sum(map(len, speakers)) == 25
    assert len(speakers) == 3


def test_kaldi_recordings_elsewhere(tmp_path):
    sound(tmp_path / "elsewhere" / "a.wav")
    data_directory(tmp_path / "data", wav_scp=f"u {tmp_path}/elsewhere/a.wav\n")
    with pytest.raises(InputError, match="leads out of"):
        Kaldi(tmp_path / "data").splits()
    corpus = Kaldi(tmp_path / "data", recordings=tmp_path / "elsewhere")
    assert sum(len(corpus.clips(split)) for split in corpus.splits()) == 1


@pytest.mark.parametrize(
    ("files", "problem"),
    [
        ({"wav_scp": "u sox x.wav -t wav - |\n"}, "commands are never run"),
        ({"wav_scp": "u touch hacked |"}, "commands are never run"),
        ({"wav_scp": "u raw.ark:123\n"}, "lies in an archive"),
        ({"wav_scp": "u ../a.wav\n"}, "leads out of"),
        ({"wav_scp": "u b.wav\n"}, "not there"),
        ({"wav_scp": "u a.wav\nu a.wav\n"}, "'u' occurs twice"),
        ({"wav_scp": "u a.wav\n", "text": "v hello\n"}, "'v' is in neither"),
        ({"wav_scp": "u a.wav\n", "segments": "s x 0 1\n"}, "'x' is not in wav.scp"),
        ({"wav_scp": "u a.wav\n", "segments": "s u 0\n"}, "expected 'utterance recording start end'"),
        ({"wav_scp": "u a.wav\n", "segments": "s u 2 1\n"}, "ends before it starts"),
        ({"wav_scp": "u a.wav\n", "segments": "s u nan 1\n"}, "ends before it starts"),
        ({}, "expected train, valid and test"),
    ],
)
def test_broken_kaldi(files, problem, tmp_path):
    (tmp_path / "a.wav").touch()
    data_directory(tmp_path / "train", **files)
    with pytest.raises(InputError, match=problem):
        Kaldi(tmp_path).splits()


def recording(name="r", source="a.wav", **changes):
    sources = [{"type": "file", "channels": [0], "source": source}]
    return {
        "id": name,
        "sources": sources,
        "sampling_rate": 8000,
        "num_samples": 16000,
        "duration": 2.0,
    } | changes


def supervision(name="s", **changes):
    return {
        "id": name,
        "recording_id": "r",
        "start": 0.5,
        "duration": 1.0,
        "channel": 0,
        "text": "hello",
    } | changes


def manifest(path, *entries):
    path.parent.mkdir(exist_ok=True)
    text = "".join(json.dumps(entry) + "\n" for entry in entries).encode()
    path.write_bytes(gzip.compress(text) if path.suffix == ".gz" else text)


def test_lhotse_by_file_name_and_by_folder(tmp_path):
    sound(tmp_path / "a.flac")
    manifest(tmp_path / "x_recordings_train.jsonl.gz", recording(), recording("unlabelled"))
    manifest(
        tmp_path / "x_supervisions_train.jsonl.gz",
        supervision(speaker="ann", gender="f", language="English", custom={"mood": "glad", "snr": 3}),
    )
    manifest(tmp_path / "dev" / "recordings.jsonl", recording())
    manifest(tmp_path / "dev" / "supervisions.jsonl", supervision("v"))
    corpus = Lhotse(tmp_path)
    assert corpus.splits() == ("train", "valid")
    clip, unlabelled = corpus.clips("train")
    assert clip.targets == {"transcript": "hello", "mood": "glad"}
    assert clip.about == {"speaker": "ann", "gender": "f", "language": "English", "group": "ann"}
    assert clip.load("audio").seconds == pytest.approx(1.0)
    assert unlabelled.id == "unlabelled"
    assert unlabelled.targets == {}
    assert unlabelled.load("audio").seconds == pytest.approx(2.0)


def test_lhotse_channels(tmp_path):
    for name in ("left", "right"):
        (tmp_path / f"{name}.wav").touch()
    sources = [
        {"type": "file", "channels": [0], "source": "left.wav"},
        {"type": "file", "channels": [1, 2], "source": "right.wav"},
    ]
    manifest(tmp_path / "recordings.jsonl", recording(sources=sources))
    manifest(
        tmp_path / "supervisions.jsonl",
        *(supervision(str(c), channel=c) for c in (0, 1)),
        supervision("2", channel=[2]),
    )
    corpus = Lhotse(tmp_path)
    clips = {clip.id: clip.inputs["audio"] for split in corpus.splits() for clip in corpus.clips(split)}
    assert [(clips[c].path.stem, clips[c].channel) for c in "012"] == [
        ("left", None),
        ("right", 0),
        ("right", 1),
    ]


def test_a_manifest_that_lhotse_wrote(tmp_path):
    lhotse = pytest.importorskip("lhotse")
    path = sound(tmp_path / "a.wav")
    record = lhotse.Recording.from_file(path, recording_id="r")
    lhotse.RecordingSet.from_recordings([record]).to_file(tmp_path / "recordings_test.jsonl.gz")
    segment = lhotse.SupervisionSegment("s", "r", start=0.25, duration=1.5, text="hello", speaker="ann")
    lhotse.SupervisionSet.from_segments([segment]).to_file(tmp_path / "supervisions_test.jsonl.gz")
    [clip] = Lhotse(tmp_path).clips("test")
    assert clip.targets == {"transcript": "hello"}
    assert clip.about["speaker"] == "ann"
    assert clip.load("audio").seconds == pytest.approx(1.5)


COMMAND = [{"type": "command", "channels": [0], "source": "touch hacked"}]
ADDRESS = [{"type": "url", "channels": [0], "source": "http://example.org/a.wav"}]


@pytest.mark.parametrize(
    ("record", "segment", "problem"),
    [
        (recording(sources=COMMAND), supervision(), "source of type 'command'"),
        (recording(sources=ADDRESS), supervision(), "source of type 'url'"),
        (recording(sources=[None, 3]), supervision(), "no source for channel 0"),
        (recording(sources=None), supervision(), "no source for channel 0"),
        (recording(source="../a.wav"), supervision(), "leads out of"),
        (recording(transforms=[{"name": "Speed"}]), supervision(), "transformed on the fly"),
        (recording(), supervision(channel=7), "no source for channel 7"),
        (recording(), supervision(recording_id="q"), "names recording 'q'"),
        (recording(), supervision(start="x"), "needs 'start' and 'duration'"),
        (recording(), {"id": "s"}, "under 'recording_id'"),
        ({}, supervision(), "under 'id'; got None"),
        (recording(), supervision(custom=[1]), "custom"),
        (recording(), supervision(channel=[]), "no source for channel"),
    ],
)
def test_broken_lhotse(record, segment, problem, tmp_path):
    (tmp_path / "a.wav").touch()
    manifest(tmp_path / "recordings.jsonl", record)
    manifest(tmp_path / "supervisions.jsonl", segment)
    with pytest.raises(InputError, match=problem):
        Lhotse(tmp_path).splits()
    assert not (tmp_path / "hacked").exists()


def test_lhotse_needs_recordings(tmp_path):
    with pytest.raises(InputError, match="expected recordings"):
        Lhotse(tmp_path).splits()
    manifest(tmp_path / "supervisions.jsonl", supervision())
    with pytest.raises(InputError, match="no recordings manifest beside it"):
        Lhotse(tmp_path).splits()
