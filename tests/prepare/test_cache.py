from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from trichord.clip import Audio, Features, Input, Lazy, Video
from trichord.media import AudioFile, write_audio
from trichord.prepare import Cache, Characters, Crop, Frames, Preparation, ReadyArray, Samples, prepare_input
from trichord.prepare.cache import cache_key

AUDIO = Audio(np.linspace(-1, 1, 32000), 32000)


class Counted(Samples):
    """Samples that say how often they were asked."""

    calls = 0

    def __call__(self, value: Input | Lazy) -> np.ndarray:
        type(self).calls += 1
        return super().__call__(value)


def test_an_array_is_made_once(tmp_path: Path) -> None:
    write_audio(tmp_path / "a.wav", AUDIO)
    cache, before = Cache(tmp_path / "cache"), Counted.calls
    first = prepare_input(Counted(), AudioFile(tmp_path / "a.wav"), cache)
    again = prepare_input(Counted(), AudioFile(tmp_path / "a.wav"), cache)
    assert Counted.calls == before + 1
    np.testing.assert_array_equal(first, again)
    os.utime(tmp_path / "a.wav", (1, 1))
    prepare_input(Counted(), AudioFile(tmp_path / "a.wav"), cache)
    prepare_input(Counted(rate=8000), AudioFile(tmp_path / "a.wav"), cache)
    assert Counted.calls == before + 3


@pytest.mark.parametrize("shape", [(0, 4), (3, 4), (600, 700)])
def test_every_size_comes_back(tmp_path: Path, shape: tuple[int, int]) -> None:
    cache, array = Cache(tmp_path), np.random.default_rng(0).standard_normal(shape)
    cache.get("key", lambda: array)
    kept = cache.get("key", lambda: pytest.fail("made twice"))
    np.testing.assert_array_equal(kept, array)


@pytest.mark.parametrize("content", [b"", b"\x93NUMPY", b"noise", b"\x93NUMPY\1\0v\0{'descr': '<f8'"])
def test_what_is_broken_is_made_again(tmp_path: Path, content: bytes) -> None:
    cache = Cache(tmp_path)
    cache.get("key", lambda: np.ones(3))
    cache.path("key").write_bytes(content)
    assert cache.get("key", lambda: np.zeros(3)).tolist() == [0, 0, 0]
    assert cache.get("key", lambda: np.ones(3)).tolist() == [0, 0, 0]
    assert len(list(tmp_path.rglob("*.*"))) == 1


def test_pickled_entries_are_not_opened(tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    cache.path("key").parent.mkdir(parents=True)
    np.save(cache.path("key"), np.array([{}], object), allow_pickle=True)
    assert cache.get("key", lambda: np.ones(1)).tolist() == [1]


def test_keys_tell_contents_preparations_and_states_apart() -> None:
    video, features = Video(np.zeros((1, 4, 4, 3), np.uint8)), Features(np.zeros((4, 4), np.float32))
    array = ReadyArray()
    array.fit([features])
    fitted = ReadyArray()
    fitted.fit([Features(np.ones((4, 4), np.float32))])
    pairs: list[tuple[Preparation, Input]] = [
        (Samples(), AUDIO),
        (Samples(8000), AUDIO),
        (Samples(), Audio(AUDIO.samples, 16000)),
        (Samples(), Audio(AUDIO.samples[1:], 32000)),
        (Frames(), video),
        (Crop(), video),
        (Frames(), Video(video.frames + np.uint8(1))),
        (Frames(), Video(video.frames.reshape(1, 2, 8, 3))),
        (array, features),
        (fitted, features),
    ]
    keys = [cache_key(preparation, value, preparation.state()) for preparation, value in pairs]
    assert len(set(keys)) == len(keys)
    assert keys == [cache_key(preparation, value, preparation.state()) for preparation, value in pairs]


def test_text_is_not_kept(tmp_path: Path) -> None:
    characters = Characters()
    characters.fit(["abc"])
    assert prepare_input(characters, "cab", Cache(tmp_path)).tolist() == [3, 1, 2]
    assert not list(tmp_path.iterdir())


def test_the_default_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TRICHORD_CACHE", str(tmp_path))
    assert Cache().folder == tmp_path
    monkeypatch.delenv("TRICHORD_CACHE")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert Cache().folder == tmp_path / ".cache" / "trichord"
