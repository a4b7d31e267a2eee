from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from trichord.clip import Audio, Features, Lazy, Video
from trichord.errors import InputError
from trichord.media import AudioFile, Played, VideoFile, clip_from_file, write_audio, write_image, write_video


def test_sound_is_played_faster_and_higher(tmp_path: Path) -> None:
    tone = np.sin(2 * np.pi * 400 * np.arange(8000) / 8000).astype(np.float32) / 2
    write_audio(tmp_path / "tone.wav", Audio(tone, 8000))
    quick = Played(AudioFile(tmp_path / "tone.wav"), 1.25)
    assert isinstance(quick, Lazy)
    sound = quick.load()
    assert (sound.rate, len(sound.samples)) == (8000, 6400)
    assert np.abs(np.fft.rfft(sound.samples)).argmax() * 8000 / 6400 == pytest.approx(500, abs=2)
    assert len({quick.key, quick.file.key, Played(quick.file, 0.8).key}) == 3


def test_files_are_lazy_inputs(tmp_path: Path, counting: Video, sweep: Audio) -> None:
    path = tmp_path / "film.mp4"
    write_video(path, counting, Audio(sweep.samples[:32000], 16000))
    clip = clip_from_file(path)
    assert clip.id == "film"
    assert all(isinstance(value, Lazy) for value in clip.inputs.values())
    audio, video = clip.load("audio"), clip.load("video")
    assert isinstance(audio, Audio)
    assert isinstance(video, Video)
    assert len(list(VideoFile(path, 0.4, 0.8).frames(rate=25))) == 10
    assert len(VideoFile(path, 0.4, 0.8).load().frames) == 10
    assert AudioFile(path, 0.5, 1.0).at(8000).samples.shape == (4000,)


def test_keys_tell_contents_and_regions_apart(tmp_path: Path, sweep: Audio) -> None:
    for folder in ("s1", "s2"):
        (tmp_path / folder).mkdir()
        write_audio(tmp_path / folder / "a.wav", sweep)
        os.utime(tmp_path / folder / "a.wav", (1e9, 1e9))
    path = tmp_path / "s1" / "a.wav"
    keys = [AudioFile(path).key, AudioFile(path, 1.0).key, AudioFile(path, 0, 1.0).key, VideoFile(path).key]
    keys += [AudioFile(path, channel=0).key, AudioFile(tmp_path / "s2" / "a.wav").key]
    os.utime(path, (1e9, 1e9 + 1))
    keys.append(AudioFile(path).key)
    assert len(set(keys)) == len(keys)
    with pytest.raises(InputError, match="no such file"):
        _ = AudioFile(tmp_path / "absent.wav").key


def test_text_images_and_features(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("bin blue", encoding="utf-8-sig")
    np.save(tmp_path / "a.npy", np.ones((3, 4), np.int16))
    write_image(tmp_path / "a.png", np.zeros((4, 4, 3), np.uint8))
    assert clip_from_file(tmp_path / "a.txt").inputs == {"text": "bin blue"}
    assert set(clip_from_file(tmp_path / "a.png").inputs) == {"video"}
    features = clip_from_file(tmp_path / "a.npy").load("features")
    assert isinstance(features, Features)
    assert features.values.shape == (3, 4)


def test_hostile_text_and_features(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"\xff\xfe\xfa")
    (tmp_path / "big.txt").write_bytes(bytes(2 << 20))
    np.save(tmp_path / "object.npy", np.array([{}], object), allow_pickle=True)
    np.save(tmp_path / "flat.npy", np.ones(3))
    np.save(tmp_path / "nan.npy", np.full((2, 2), np.nan))
    np.save(tmp_path / "words.npy", np.array([["a"]]))
    whole = (tmp_path / "nan.npy").read_bytes()
    (tmp_path / "cut.npy").write_bytes(whole[:-5])
    (tmp_path / "huge.npy").write_bytes(
        whole.replace(b"(2, 2), }" + b" " * 9, b"(2, 99999999999), "[:18] + b"}")
    )
    (tmp_path / "noise.npy").write_bytes(b"\x93NUMPY\1\0 garbage")
    for path in sorted(tmp_path.iterdir()):
        with pytest.raises(InputError) as caught:
            clip_from_file(path)
        assert "\n" not in str(caught.value)
