"""Tests of folders of classes and tables, made on the spot."""

import gzip
import json

import numpy as np
import pytest

from trichord.clip import Audio, Event
from trichord.corpora import FolderOfClasses, Table
from trichord.errors import InputError, MissingError
from trichord.media import write_audio, write_image


def sound(path, seconds=0.1):
    path.parent.mkdir(parents=True, exist_ok=True)
    write_audio(path, Audio(np.zeros(int(8000 * seconds), np.float32), 8000))
    return path


def touch(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()


def everything(corpus):
    return {clip.id: split for split in corpus.splits() for clip in corpus.clips(split)}


def test_folder_of_classes_is_divided_and_stays_so(tmp_path):
    for label in ("cat", "dog"):
        for i in range(60):
            touch(tmp_path / label / f"{i}.wav")
    before = everything(FolderOfClasses(tmp_path))
    assert len(before) == 120
    assert FolderOfClasses(tmp_path).splits() == ("train", "valid", "test")
    for i in range(60, 90):
        touch(tmp_path / "dog" / "deeper" / f"{i}.wav")
    touch(tmp_path / "owl" / "1.wav")
    after = everything(FolderOfClasses(tmp_path))
    assert len(after) == 151
    assert before.items() <= after.items()
    assert everything(FolderOfClasses(tmp_path, seed=1)) != after
    assert FolderOfClasses(tmp_path, fractions=(1, 0, 0)).splits() == ("train",)


def test_folder_with_splits(tmp_path):
    for split in ("train", "dev", "test"):
        touch(tmp_path / split / "cat" / "1.opus")
    corpus = FolderOfClasses(tmp_path)
    assert everything(corpus) == {"train/cat/1": "train", "dev/cat/1": "valid", "test/cat/1": "test"}
    assert corpus.clips("valid")[0].targets == {"label": "cat"}


def test_folder_without_valid_takes_it_from_train(tmp_path):
    for i in range(80):
        touch(tmp_path / "train" / "cat" / f"{i}.wav")
    touch(tmp_path / "test" / "cat" / "x.wav")
    found = list(everything(FolderOfClasses(tmp_path)).values())
    assert 1 <= found.count("valid") <= 25
    assert found.count("test") == 1


def test_folder_inputs(tmp_path):
    sound(tmp_path / "cat" / "1.wav")
    (tmp_path / "cat" / "1.txt").write_text("miaow")
    write_image(tmp_path / "cat" / "2.png", np.zeros((8, 8, 3), np.uint8))
    touch(tmp_path / "cat" / "3.mp4")
    touch(tmp_path / "cat" / "notes.pdf")
    one, two, three = FolderOfClasses(tmp_path, fractions=(1, 0, 0)).clips("train")
    assert (one.id, one.inputs["text"], one.load("audio").seconds) == ("cat/1", "miaow", 0.1)
    assert two.load("video").frames.shape == (1, 8, 8, 3)
    assert set(three.inputs) == {"audio", "video"}
    corpus = FolderOfClasses(tmp_path, fractions=(1, 0, 0), inputs=("video",))
    assert [set(clip.inputs) for clip in corpus.clips("train")] == [{"video"}, {"video"}]


def test_folder_of_nothing(tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match=r"no media or \.txt files in sub-folders"):
        FolderOfClasses(tmp_path).splits()
    with pytest.raises(MissingError, match="no folder"):
        FolderOfClasses(tmp_path / "absent").splits()


ROWS = [
    {"file": "a.wav", "said": "eins", "score": 1.5, "split": "train", "speaker": "x", "p": 1, "q": 2},
    {"file": "a.wav", "said": "zwei", "score": 2, "split": "dev", "speaker": "y", "p": 3, "q": 4},
    {"file": "", "said": "", "score": "", "split": "test", "speaker": "", "p": "", "q": 4},
]


def write(path, rows):
    if ".csv" in path.name or ".tsv" in path.name:
        comma = "\t" if ".tsv" in path.name else ","
        text = "".join(comma.join(map(str, r)) + "\n" for r in (rows[0], *(row.values() for row in rows)))
    else:
        text = "".join(json.dumps(row) + "\n" for row in rows)
    path.write_bytes(gzip.compress(text.encode()) if path.suffix == ".gz" else text.encode())
    return path


@pytest.mark.parametrize("name", ["t.csv", "t.tsv", "t.jsonl", "t.csv.gz", "t.jsonl.gz", "t.parquet"])
def test_table_formats(name, tmp_path):
    sound(tmp_path / "a.flac")
    if name.endswith(".parquet"):
        parquet, arrow = pytest.importorskip("pyarrow.parquet"), pytest.importorskip("pyarrow")
        rows = [{k: None if v == "" else v for k, v in row.items()} for row in ROWS]
        parquet.write_table(arrow.Table.from_pylist(rows), tmp_path / name)
    else:
        write(tmp_path / name, ROWS)
    corpus = Table(
        tmp_path / name.removesuffix(".gz"),
        audio="file",
        targets=("said",),
        numbers=("score",),
        features={"sensor": ("p", "q")},
    )
    assert everything(corpus) == {"000000": "train", "000001": "valid", "000002": "test"}
    [train], [valid], [test] = map(corpus.clips, corpus.splits())
    assert train.load("audio").seconds == 0.1
    assert train.targets == {"said": "eins", "score": 1.5}
    assert train.about == {"speaker": "x"}
    assert valid.load("sensor").values.tolist() == [[3, 4]]
    assert (dict(test.inputs), dict(test.targets)) == ({}, {})


def test_table_regions_ids_lists_and_events(tmp_path):
    sound(tmp_path / "a.wav", 2)
    event = {"what": "eins", "start": 0.5, "end": 1}
    row = {
        "f": "a.wav",
        "from": 0.5,
        "to": 1.0,
        "name": "n",
        "pose": [[1, 2], [3, 4]],
        "va": [0, 1],
        "words": [event],
    }
    write(tmp_path / "t.jsonl", [row])
    corpus = Table(
        tmp_path / "t.jsonl",
        audio="f",
        start="from",
        end="to",
        id="name",
        features={"pose": ("pose",)},
        targets=("words",),
        numbers=("va",),
        fractions=(1, 0, 0),
    )
    [clip] = corpus.clips("train")
    assert clip.id == "n"
    assert clip.load("audio").seconds == pytest.approx(0.5)
    assert clip.load("pose").values.shape == (2, 2)
    assert clip.targets == {"words": (Event("eins", 0.5, 1.0),), "va": (0.0, 1.0)}


def test_table_without_splits_keeps_groups_together(tmp_path):
    write(tmp_path / "t.csv", [{"t": f"text {i}", "film": i % 30} for i in range(300)])
    corpus = Table(tmp_path / "t.csv", text="t", group="film")
    films = [{clip.about["group"] for clip in corpus.clips(split)} for split in corpus.splits()]
    assert len(films) == 3
    assert not (films[0] & films[1] or films[0] & films[2] or films[1] & films[2])


def test_table_with_a_quoted_comma(tmp_path):
    (tmp_path / "t.csv").write_text('split,t\ntrain,"eins, zwei"\nvalid,"a\nb"\n')
    corpus = Table(tmp_path / "t.csv", text="t")
    assert corpus.clips("train")[0].inputs["text"] == "eins, zwei"
    assert corpus.clips("valid")[0].inputs["text"] == "a\nb"


@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        ("t.csv", "audio\n../secret.wav\n", "leads out of"),
        ("t.csv", "audio\nb.wav\n", "not there"),
        ("t.csv", "sound\nb.wav\n", "no column 'audio'"),
        ("t.csv", "audio\n,1\n", "line 2 has more cells"),
        ("t.csv", 'audio\n"b', "line"),
        ("t.csv", "audio,score,split\n,x,train\n", "score must be a number; got 'x'"),
        ("t.csv", "audio,score,split\n,nan,train\n", "score must be a number"),
        ("t.csv", "audio,split\n,soon\n", "must be train, valid or test; got 'soon'"),
        ("t.jsonl", "{", "line 1 is not JSON"),
        ("t.jsonl", "[1]", "expected a JSON object"),
        ("t.jsonl", '{"audio": null, "score": [1, "x"]}', "must be a number"),
        ("t.jsonl", "[" * 100_000, "is not JSON"),
        ("t.parquet", "nonsense", "as Parquet"),
        ("t.xlsx", "x", "cannot read '.xlsx'"),
    ],
)
def test_broken_tables(name, content, problem, tmp_path):
    (tmp_path / name).write_text(content)
    numbers = ("score",) if "score" in content else ()
    with pytest.raises(InputError, match=problem) as caught:
        Table(tmp_path / name, audio="audio", numbers=numbers).splits()
    assert "\n" not in str(caught.value)


def test_absent_table(tmp_path):
    with pytest.raises(MissingError, match=r"no file .*t\.csv"):
        Table(tmp_path / "t.csv").splits()
