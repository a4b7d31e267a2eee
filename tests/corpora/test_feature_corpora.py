"""Readers of features and of pictures: MOSI, RAVDESS, MNIST, and digits of two corpora paired."""

import gzip
import tempfile
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trichord.clip import Audio, Video
from trichord.corpora import AvDigits, Mnist, Mosi, RavdessFeatures
from trichord.corpora.arrays import read_arrays
from trichord.corpora.avdigits import NoisyVoice
from trichord.corpora.mnist import read_idx
from trichord.corpora.mosi import doubted
from trichord.errors import InputError, MissingError
from trichord.media import write_audio


def make_mosi(root, videos=12):
    arrays = {}
    for split, names in (("train", [f"v{n:02d}" for n in range(videos)]), ("test", ["w1", "w2"])):
        ids = [name for name in names for _ in range(3)]
        arrays[f"video_id_{split}"] = np.array(ids)
        arrays[f"utt_{split}"] = np.tile([2, 10, 1], len(names)).astype(np.int16)
        arrays[f"y_{split}"] = np.tile([1, 0, 0], len(names)).astype(np.uint8)
        for source, width in (("text", 4), ("audio", 3), ("video", 2)):
            arrays[f"{source}_{split}"] = np.tile([[2.0], [10.0], [1.0]], (len(names), width))
    root.mkdir(parents=True, exist_ok=True)
    np.savez(root / "mosi.npz", **arrays)
    return root


def test_a_film_of_mosi_steps_by_utterance_in_the_order_of_speech(tmp_path):
    corpus = Mosi(make_mosi(tmp_path))
    assert len(corpus.clips("train")) + len(corpus.clips("valid")) == 12
    clip = corpus.clips("test")[0]
    assert (clip.id, clip.about) == ("w1", {"video": "w1"})
    assert clip.inputs["words"].values[:, 0].tolist() == [1, 2, 10]
    assert clip.inputs["words"].rate is None
    assert [clip.inputs[name].values.shape for name in ("words", "voice", "face")] == [(3, 4), (3, 3), (3, 2)]
    events = [(event.what, event.start, event.end) for event in clip.targets["sentiment"]]
    assert events == [("negative", 0, 1), ("positive", 1, 2), ("negative", 2, 3)]


def make_ravdess(root):
    actors = np.repeat(np.arange(1, 25), 8).astype(np.uint8)
    rng = np.random.default_rng(0)
    root.mkdir(parents=True, exist_ok=True)
    np.savez(
        root / "ravdess_au_mfcc.npz", actor=actors, emotion=np.tile(np.arange(1, 9), 24).astype(np.uint8),
        intensity=np.ones(192, np.uint8), statement=np.ones(192, np.uint8),
        id=np.array([f"c{n}" for n in range(192)]),
        au=rng.normal(size=(192, 3)) + actors[:, None], mfcc=rng.normal(size=(192, 2)),
    )  # fmt: skip
    return root


def test_ravdess_keeps_actors_apart_and_may_adapt_to_them(tmp_path):
    plain, adapted = (RavdessFeatures(make_ravdess(tmp_path), adapt) for adapt in (None, "actor"))
    seen = {split: {clip.about["actor"] for clip in plain.clips(split)} for split in plain.splits()}
    assert [len(seen[split]) for split in ("train", "valid", "test")] == [16, 4, 4]
    assert not seen["train"] & seen["valid"] | seen["train"] & seen["test"]
    clip = plain.clips("test")[0]
    assert clip.targets == {"emotion": "neutral", "intensity": "normal"}
    assert clip.about == {"actor": "21", "speaker": "21", "gender": "male", "statement": "1"}
    of_one = np.array([clip.inputs["face"].values[0] for clip in adapted.clips("test")[:8]])
    np.testing.assert_allclose(of_one.mean(0), 0, atol=1e-6)
    np.testing.assert_allclose(of_one.std(0), 1, atol=1e-5)


def idx(array):
    header = b"\0\0\x08" + bytes([array.ndim]) + b"".join(size.to_bytes(4, "big") for size in array.shape)
    return header + array.tobytes()


def make_mnist(root):
    root.mkdir(parents=True, exist_ok=True)
    for split, count in (("train", 1500), ("t10k", 60)):
        pictures = np.random.default_rng(0).integers(0, 256, (count, 28, 28), np.uint8)
        (root / f"{split}-images-idx3-ubyte").write_bytes(idx(pictures))
        labels = gzip.compress(idx((np.arange(count) % 10).astype(np.uint8)))
        (root / f"{split}-labels-idx1-ubyte.gz").write_bytes(labels)
    return root


def test_mnist_reads_plain_and_packed_files(tmp_path):
    corpus = Mnist(make_mnist(tmp_path))
    assert len(corpus.clips("train")) + len(corpus.clips("valid")) == 1500
    clip = corpus.clips("test")[3]
    assert (clip.id, clip.targets) == ("test/00003", {"digit": "3"})
    assert clip.load("video").frames.shape == (1, 28, 28, 3)


@pytest.mark.parametrize(
    ("content", "said"),
    [(b"", "no IDX"), (b"\0\0\x0d\1\0\0\0\1!", "no IDX"), (b"\0\0\x08\x03\0\0", "no IDX"),
     (b"\0\0\x08\x41" + bytes(4 * 65), "65 dimensions"), (b"\0\0\x08\x04" + bytes(16), "4 dimensions"),
     (b"\0\0\x08\x01\xff\xff\xff\xff12", "holds 2 bytes"), (b"\0\0\x08\x01\0\0\0\1", "holds 0 bytes")],
)  # fmt: skip
def test_broken_idx_files_are_refused(content, said, tmp_path):
    (tmp_path / "x").write_bytes(content)
    with pytest.raises(InputError, match=said):
        read_idx(tmp_path / "x")
    (tmp_path / "y.gz").write_bytes(b"\x1f\x8b\x08" + content)
    with pytest.raises(InputError, match="cannot be read"):
        read_idx(tmp_path / "y")
    with pytest.raises(MissingError):
        read_idx(tmp_path / "z")


def npy(header, content=b""):
    return b"\x93NUMPY\1\0" + len(header).to_bytes(2, "little") + header + content


def archive_of(path, member, method=zipfile.ZIP_DEFLATED):
    with zipfile.ZipFile(path, "w", method) as archive:
        archive.writestr("a.npy", member)
    return path


HUGE = b"{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000000000,)}"
HOSTILE = {
    "no magic": b"plain bytes",
    "broken": b"\x93NUMPY broken",
    "a cut header": npy(HUGE[:30]),
    "too many numbers": npy(HUGE),
    "too many of nothing": npy(HUGE.replace(b"<f8", b"|V0")),
    "fewer than none": npy(HUGE.replace(b"1000000000000000", b"-1")),
    "no dtype": npy(HUGE.replace(b"'<f8'", b"()")),
    "nested": npy(b"-" * 9000 + b"1"),
    "too few numbers": npy(HUGE.replace(b"1000000000000000", b"5"), bytes(39)),
    "objects inside": npy(HUGE.replace(b"'<f8'", b"[('a', '|O')]"), bytes(8)),
    "a later version": b"\x93NUMPY\x09\0" + bytes(64),
}


@pytest.mark.parametrize("member", HOSTILE.values(), ids=HOSTILE)
def test_hostile_members_are_refused(member, tmp_path):
    with pytest.raises(InputError, match=r"no readable \.npz"):
        read_arrays(archive_of(tmp_path / "a.npz", member))


@pytest.mark.parametrize("two", [b"2", b"2L"])  # the latter of Python 2
def test_headers_of_old_are_read(two, tmp_path):
    member = npy(HUGE.replace(b"1000000000000000", two), bytes(16))
    arrays = read_arrays(archive_of(tmp_path / "a.npz", member))
    assert {name: array.tolist() for name, array in arrays.items()} == {"a": [0.0, 0.0]}


def test_arrays_never_unpickle(tmp_path):
    np.savez(tmp_path / "objects.npz", a=np.array([{}], dtype=object))
    (tmp_path / "text.npz").write_text("no zip at all")
    np.savez(tmp_path / "whole.npz", a=np.arange(3))
    plain = (tmp_path / "whole.npz").read_bytes()
    directory = plain.index(b"PK\1\2")
    encrypted = bytearray(plain)
    encrypted[6] |= 1
    encrypted[directory + 8] |= 1  # the flags, there and in the directory
    (tmp_path / "encrypted.npz").write_bytes(encrypted)
    deflated = bytearray(archive_of(tmp_path / "deflated.npz", npy(HUGE, bytes(999))).read_bytes())
    deflated[40:60] = b"\xff" * 20
    (tmp_path / "deflated.npz").write_bytes(deflated)
    archive_of(tmp_path / "packed.npz", npy(HUGE), zipfile.ZIP_BZIP2)
    for name in ("objects", "text", "encrypted", "deflated", "packed"):
        with pytest.raises(InputError, match=r"no readable \.npz"):
            read_arrays(tmp_path / f"{name}.npz")
    with pytest.raises(MissingError):
        read_arrays(tmp_path / "none.npz")


@given(st.data())
@settings(deadline=None, max_examples=200)
def test_a_spoilt_archive_gives_plain_arrays_or_is_refused(data):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.npz"
        (np.savez if data.draw(st.booleans()) else np.savez_compressed)(
            path, a=np.arange(20.0), b=np.array(["x"])
        )
        content = bytearray(path.read_bytes())
        for _ in range(data.draw(st.integers(1, 4))):
            content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
        path.write_bytes(content[: data.draw(st.integers(len(content) // 2, len(content)))])
        try:
            arrays = read_arrays(path)
        except InputError:
            return
        assert all(isinstance(array, np.ndarray) and not array.dtype.hasobject for array in arrays.values())


def changed(path, **arrays):
    """Write some of a file's arrays anew; None takes one out."""
    kept = dict(read_arrays(path)) | arrays
    np.savez(path, **{name: array for name, array in kept.items() if array is not None})
    return path.parent


@pytest.mark.parametrize(
    ("arrays", "said"),
    [({"y_test": None}, "lacks y_test"), ({"utt_train": np.arange(3)}, "different lengths"),
     ({"y_test": np.full(6, -1)}, "y_test: expected numbers from 0 to 1; got -1"),
     ({"y_test": np.zeros(6)}, "column of whole numbers"),
     ({"text_train": np.full((36, 2), np.nan)}, "text_train: expected rows of finite"),
     ({"audio_test": np.full((6, 2), "a")}, "audio_test"), ({"utt_test": np.int16(1)}, "different lengths")],
)  # fmt: skip
def test_a_mosi_of_other_contents_is_refused(arrays, said, tmp_path):
    changed(make_mosi(tmp_path) / "mosi.npz", **arrays)
    with pytest.raises(InputError, match=said):
        Mosi(tmp_path).clips("test")


@pytest.mark.parametrize(
    ("arrays", "said"),
    [({"emotion": None, "id": None}, "lacks emotion, id"), ({"actor": np.ones(3, int)}, "different lengths"),
     ({"emotion": np.zeros(192, int)}, "emotion: expected numbers from 1 to 8; got 0"),
     ({"intensity": np.full(192, 3)}, "from 1 to 2"), ({"actor": np.full(192, 25)}, "from 1 to 24"),
     ({"au": np.ones(192)}, "au: expected rows of finite numbers"),
     ({"mfcc": np.zeros((192, 2))}, "mfcc of clip c0 is all zeros")],
)  # fmt: skip
def test_a_ravdess_of_other_contents_is_refused(arrays, said, tmp_path):
    changed(make_ravdess(tmp_path) / "ravdess_au_mfcc.npz", **arrays)
    with pytest.raises(InputError, match=said):
        RavdessFeatures(tmp_path).clips("test")


@pytest.fixture
def digits(tmp_path):
    make_mnist(tmp_path / "mnist")
    (tmp_path / "fsdd" / "recordings").mkdir(parents=True)
    for take in range(12):
        tone = np.sin(np.arange(4000) / (3 + take)).astype(np.float32) / 2
        write_audio(tmp_path / "fsdd" / "recordings" / f"{take % 3}_theo_{take}.wav", Audio(tone, 8000))
    return tmp_path


def test_digits_are_paired_and_spoilt_the_same_way_every_time(digits):
    first, again, other = (AvDigits(digits, seed=seed).clips("train") for seed in (0, 0, 1))
    assert [clip.id for clip in first] == [clip.id for clip in again]
    a, b, c = first[0], again[0], other[0]
    for name, values in (("audio", lambda x: x.samples), ("video", lambda x: x.frames)):
        assert a.inputs[name].key == b.inputs[name].key != c.inputs[name].key
        np.testing.assert_array_equal(values(a.load(name)), values(b.load(name)))
        assert not np.array_equal(values(a.load(name)), values(c.load(name)))


def test_what_is_spoilt_is_known_by_its_content(digits):
    """Of another copy of MNIST, whose pictures bear the same names, and of sound in memory."""
    before = AvDigits(digits).clips("train")[0].inputs["video"].key
    path = digits / "mnist" / "train-images-idx3-ubyte"
    content = path.read_bytes()
    path.write_bytes(content[:16] + content[:15:-1])
    assert AvDigits(digits).clips("train")[0].inputs["video"].key != before
    keys = {
        NoisyVoice(Audio(np.full(8, value, np.float32), 8000), 0.0, (1,)).key for value in (0.1, 0.1, 0.2)
    }
    assert len(keys) == 2


def test_a_pair_is_of_one_digit_and_no_picture_serves_a_recording_twice(digits):
    corpus = AvDigits(digits, pairs=2)
    labels = {clip.id: clip.targets["digit"] for clip in Mnist(digits / "mnist").index["test"]}
    clips = corpus.clips("test")
    assert len(clips) == 2 * 5
    for clip, twin in zip(clips[::2], clips[1::2], strict=True):
        pictures = [one.inputs["video"].clean.id for one in (clip, twin)]
        assert [labels[picture] for picture in pictures] == [clip.targets["digit"]] * 2
        assert len(set(pictures)) == 2
    with pytest.raises(InputError, match="pairs is 20"):
        AvDigits(digits, pairs=20).clips("test")


def test_corruption_is_of_the_stated_strength(digits):
    clip = AvDigits(digits, snr_db=6.0, noise=0.0, patch=0.5, pairs=1).clips("test")[0]
    clean = clip.inputs["audio"].clean.load().samples
    noise = clip.load("audio").samples / clip.load("audio").samples.std() - clean / clean.std()
    assert noise.std() > 0.2
    picture = clip.load("video")
    assert isinstance(picture, Video)
    assert (picture.frames[0, :, :, 0] == 128).sum() >= 14 * 14


def test_doubt_needs_no_validation_video(tmp_path):
    changed(make_mosi(tmp_path) / "mosi.npz", video_id_train=np.full(36, "v01"))
    assert Mosi(tmp_path, {"words": 0.5}).splits() == ("train", "test")
    assert doubted([], {"words": 0.5}) == []


def test_doubt_exchanges_steps_of_validation_videos_alone(tmp_path):
    plain, doubted = (Mosi(make_mosi(tmp_path, 40), doubt) for doubt in (None, {"words": 1.0}))
    for split in ("train", "test"):
        for a, b in zip(plain.clips(split), doubted.clips(split), strict=True):
            np.testing.assert_array_equal(a.inputs["words"].values, b.inputs["words"].values)
    words, voice = (
        [np.array_equal(a.inputs[name].values, b.inputs[name].values)
         for a, b in zip(plain.clips("valid"), doubted.clips("valid"), strict=True)]
        for name in ("words", "voice")
    )  # fmt: skip
    assert all(voice)
    assert not all(words)
    assert [clip.targets for clip in plain.clips("valid")] == [
        clip.targets for clip in doubted.clips("valid")
    ]
