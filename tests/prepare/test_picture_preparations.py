from __future__ import annotations

import os
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trichord.clip import Audio, Video
from trichord.errors import InputError, MissingError
from trichord.media import AudioFile, VideoFile, read_video, write_image, write_video
from trichord.prepare import Crop, Frames, MouthCrop, Preparation
from trichord.prepare.faces import Face, FaceFinder

DATA = Path(os.environ.get("TRICHORD_DATA", Path(__file__).parents[2] / "../shared/data"))
NOISE = np.random.default_rng(0).integers(0, 255, (24, 40, 60, 3)).astype(np.uint8)


@pytest.fixture(scope="module")
def speaker() -> Path:
    path = DATA / "grid" / "s1" / "bbaf4p.mp4"
    if not path.exists():
        pytest.skip(f"the corpus grid is not under {DATA}")
    return path


@pytest.mark.parametrize("grey", [False, True])
@pytest.mark.parametrize("make", [Frames, Crop, MouthCrop])
def test_arrays_are_what_the_spec_says(make: type[Frames | Crop | MouthCrop], grey: bool) -> None:
    preparation: Preparation = make(size=(12, 20), grey=grey)
    spec = preparation.spec
    array = preparation(Video(NOISE, 25.0))
    assert (spec.kind, spec.rate) == ("frames", 25.0)
    assert spec.shape == ((12, 20) if grey else (12, 20, 3))
    assert (array.dtype, array.shape) == (spec.dtype, (24, *spec.shape))
    none = preparation(Video(NOISE[:0], 25.0))
    assert (none.dtype, none.shape) == (spec.dtype, spec.empty().shape)


@settings(max_examples=15, deadline=None)
@given(
    make=st.sampled_from([Frames, Crop, MouthCrop]),
    grey=st.booleans(),
    cuts=st.lists(st.integers(0, 24), max_size=6),
)
def test_any_chunks_give_the_whole(
    make: type[Frames | Crop | MouthCrop], grey: bool, cuts: list[int]
) -> None:
    preparation = make(size=(12, 20), grey=grey)
    stream = preparation.stream()
    chunks = [stream.push(chunk) for chunk in np.split(NOISE, sorted(cuts))]
    np.testing.assert_array_equal(np.concatenate(chunks), preparation(Video(NOISE, 25.0)))


@settings(max_examples=5, deadline=None)
@given(cuts=st.lists(st.integers(0, 75), max_size=6))
def test_any_chunks_of_a_face_give_the_whole(speaker: Path, cuts: list[int]) -> None:
    video = read_video(speaker)
    crop = MouthCrop()
    stream = crop.stream()
    chunks = [stream.push(chunk) for chunk in np.split(video.frames, sorted(cuts))]
    np.testing.assert_array_equal(np.concatenate(chunks), crop(video))
    stream.reset()
    np.testing.assert_array_equal(stream.push(video.frames[:3]), crop(video)[:3])


def test_the_lips_are_in_the_middle(speaker: Path) -> None:
    """The mouth moves and the cheeks do not: the crop's movement is centred."""
    crops = MouthCrop()(VideoFile(speaker)).astype(float)
    movement = np.abs(np.diff(crops[25:50], axis=0)).mean(0)
    movement = np.maximum(movement - np.quantile(movement, 0.8), 0)
    rows, columns = np.indices(movement.shape)
    assert (movement * rows).sum() / movement.sum() == pytest.approx(23.5, abs=8)
    assert (movement * columns).sum() / movement.sum() == pytest.approx(47.5, abs=10)


def test_a_file_and_its_decoded_frames_prepare_alike(speaker: Path) -> None:
    file, video = VideoFile(speaker), read_video(speaker)
    for prepare in (Frames(), Crop(), MouthCrop(), MouthCrop(grey=False), Frames(rate=None, count=4)):
        np.testing.assert_array_equal(prepare(file), prepare(video))


def test_rates_are_changed_alike_for_files_and_arrays(tmp_path: Path) -> None:
    write_video(tmp_path / "v.mp4", Video(NOISE, 30.0))
    for rate in (10.0, 25.0, 30.0, 50.0):
        prepare = Frames(size=(12, 20), rate=rate)
        file, video = VideoFile(tmp_path / "v.mp4"), read_video(tmp_path / "v.mp4")
        np.testing.assert_array_equal(prepare(file), prepare(video))
        assert len(prepare(video)) == np.ceil(0.8 * rate - 1e-6)


def test_an_image_is_one_frame(tmp_path: Path) -> None:
    write_image(tmp_path / "i.png", NOISE[0])
    for value in (VideoFile(tmp_path / "i.png"), VideoFile(tmp_path / "i.png").load()):
        assert Frames(size=(8, 8), rate=50.0)(value).shape == (1, 8, 8, 3)
        assert Frames(size=(8, 8), count=3)(value).shape == (1, 8, 8, 3)


@given(length=st.integers(1, 90), count=st.integers(1, 12))
@settings(max_examples=60, deadline=None)
def test_a_count_of_frames_spreads_over_the_clip(length: int, count: int) -> None:
    frames = np.zeros((length, 4, 4, 3), np.uint8) + np.arange(length, dtype=np.uint8)[:, None, None, None]
    prepare = Frames(size=(4, 4), rate=None, count=count)
    chosen = prepare(Video(frames))[:, 0, 0, 0].astype(int)
    assert len(chosen) == min(length, count)
    assert (np.diff(chosen) > 0).all()
    assert prepare.spec.rate is None
    edges = np.array([-1, *chosen, length])
    assert np.diff(edges).max() <= 3 * length / (count + 1) + 2


def test_a_box_is_cut_in_fractions() -> None:
    frames = np.zeros((1, 10, 20, 3), np.uint8)
    frames[:, 5:, 10:] = 200
    crop = Crop(box=(0.5, 0.5, 1, 1), size=(5, 10), grey=False)
    assert (crop(Video(frames)) == 200).all()
    assert Crop(box=(0.99, 0.99, 1, 1), size=(2, 2))(Video(frames)).shape == (1, 2, 2)
    with pytest.raises(ValueError, match="top < bottom"):
        Crop(box=(0.5, 0, 0.5, 1))


def test_scaling_keeps_black_and_white() -> None:
    frames = np.zeros((2, 9, 9, 3), np.uint8)
    frames[1] = 255
    for size in ((4, 4), (20, 20), (9, 9)):
        for grey in (True, False):
            out = Frames(size=size, grey=grey)(Video(frames))
            assert (out[0] == 0).all()
            assert (out[1] == 255).all()


def test_sound_is_no_picture(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="expected Video here, got Audio"):
        Frames()(Audio(np.zeros(9), 9))
    with pytest.raises(InputError, match="absent"):
        MouthCrop()(AudioFile(tmp_path / "absent.wav"))


def test_a_size_that_changes_starts_anew() -> None:
    stream = MouthCrop(size=(12, 20)).stream()
    assert stream.push(NOISE[:2]).shape == (2, 12, 20)
    assert stream.push(NOISE[:2, :20, :30]).shape == (2, 12, 20)
    assert stream.push(NOISE[:1, :1, :1]).shape == (1, 12, 20)


def test_a_face_moves_smoothly_but_follows_a_cut() -> None:
    face = Face(100, 100, 50)
    assert face.towards(Face(110, 100, 60), 0.2) == Face(102, 100, 52)
    assert face.towards(Face(200, 100, 50), 0.2) == Face(200, 100, 50)


def test_a_face_is_found_again_where_it_was(speaker: Path) -> None:
    grey = read_video(speaker, end=0.1).frames[0, ..., 1]
    finder = FaceFinder()
    found = finder.find(grey)
    assert found is not None
    again = finder.find(grey, found)
    assert again is not None
    assert max(abs(again.x - found.x), abs(again.y - found.y), abs(again.side - found.side)) < found.side / 10
    assert finder.find(grey, Face(5, 5, 60)) == found
    assert finder.find(np.zeros_like(grey)) is None


def test_the_face_region_holds_the_mouth_region(speaker: Path) -> None:
    assert MouthCrop(size=(32, 32), region="face", grey=False)(VideoFile(speaker)).shape == (75, 32, 32, 3)


def test_without_opencv_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cv2", None)
    assert MouthCrop().spec.shape == (48, 96)
    with pytest.raises(MissingError, match=r"pip install 'trichord\[vision\]'"):
        MouthCrop()(Video(NOISE))
