from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from trichord.clip import Audio, Video
from trichord.errors import InputError
from trichord.media import read_audio, read_video, write_audio, write_image, write_video


@pytest.mark.parametrize("suffix", [".wav", ".flac"])
def test_lossless_sound_is_exact_to_16_bit(tmp_path: Path, suffix: str) -> None:
    samples = np.random.default_rng(0).uniform(-1, 1, 50_001).astype(np.float32)
    write_audio(tmp_path / f"a{suffix}", Audio(samples, 22050))
    heard = read_audio(tmp_path / f"a{suffix}")
    assert heard.rate == 22050
    np.testing.assert_allclose(heard.samples, samples, atol=1e-4)


def test_loud_sound_is_clipped_and_does_not_wrap(tmp_path: Path) -> None:
    write_audio(tmp_path / "a.wav", Audio(np.array([2.0, -2.0, 0.0]), 8000))
    np.testing.assert_allclose(read_audio(tmp_path / "a.wav").samples, [1, -1, 0], atol=1e-4)


@pytest.mark.parametrize("suffix", [".opus", ".mp3", ".m4a"])
def test_a_rate_the_codec_lacks_is_carried_higher(tmp_path: Path, suffix: str) -> None:
    write_audio(tmp_path / f"a{suffix}", Audio(np.zeros(20_000), 20_000))
    assert read_audio(tmp_path / f"a{suffix}").seconds == pytest.approx(1, abs=0.06)


@pytest.mark.parametrize("shape", [(3, 32, 48), (1, 31, 48), (2, 33, 47)])
@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv"])
def test_every_size_comes_back(tmp_path: Path, shape: tuple[int, int, int], suffix: str) -> None:
    video = Video(np.full((*shape, 3), 99, np.uint8), 30.0)
    write_video(tmp_path / f"v{suffix}", video)
    back = read_video(tmp_path / f"v{suffix}")
    assert back.frames.shape == video.frames.shape
    assert np.abs(back.frames.astype(int) - 99).max() < 5


def test_grey_pictures(tmp_path: Path) -> None:
    picture = np.arange(63, dtype=np.uint8).reshape(7, 9)
    write_image(tmp_path / "a.png", picture)
    np.testing.assert_array_equal(read_video(tmp_path / "a.png").frames[0, ..., 1], picture)


def test_what_cannot_be_written_says_so(tmp_path: Path) -> None:
    audio, picture = Audio(np.zeros(10), 8000), np.zeros((4, 4, 3), np.uint8)
    with pytest.raises(InputError, match=r"cannot write suffix '.xyz'; use .wav"):
        write_audio(tmp_path / "a.xyz", audio)
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="cannot be written"):
        write_audio(tmp_path / "file" / "a.wav", audio)
    with pytest.raises(InputError, match="no frames"):
        write_video(tmp_path / "v.mp4", Video(picture[None][:0]))
    with pytest.raises(InputError, match="expected uint8"):
        write_image(tmp_path / "i.png", picture.astype(float))  # type: ignore[arg-type]
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
