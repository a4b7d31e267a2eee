from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from trichord.clip import Audio, Video
from trichord.errors import InputError
from trichord.media import FrameStream, Limits, read_audio, read_video, sniff, write_image, write_video


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory, counting: Video, sweep: Audio) -> Path:
    path = tmp_path_factory.mktemp("film") / "film.mp4"
    write_video(path, counting, Audio(sweep.samples[:32000], 16000))
    return path


def numbers(frames: np.ndarray) -> list[int]:
    """Return which frames of `counting` these are, by their brightness on the right."""
    return [round((float(f[:, 60:].mean()) - 20) / 4) for f in frames]


def test_frames_sound_and_rate_come_back(film: Path, counting: Video) -> None:
    video = read_video(film)
    assert video.rate == 25.0
    assert numbers(video.frames) == list(range(50))
    assert np.abs(video.frames.astype(int) - counting.frames).mean() < 4
    assert read_audio(film).seconds == pytest.approx(2.0, abs=0.06)
    assert sniff(film) == {"audio", "video"}


def test_a_region_is_a_slice_of_the_whole(film: Path) -> None:
    assert numbers(read_video(film, start=0.4, end=0.8).frames) == list(range(10, 20))
    assert numbers(read_video(film, start=1.9).frames) == [48, 49]


def test_a_region_far_in_is_sought(tmp_path: Path) -> None:
    frames = np.zeros((300, 16, 16, 3), np.uint8) + (np.arange(300) % 230)[:, None, None, None].astype(
        np.uint8
    )
    write_video(tmp_path / "long.mp4", Video(frames, 25.0))
    whole = read_video(tmp_path / "long.mp4")
    part = read_video(tmp_path / "long.mp4", start=8.0, end=8.4)
    np.testing.assert_array_equal(part.frames, whole.frames[200:210])


@pytest.mark.parametrize(
    ("rate", "expected"),
    [(25.0, list(range(50))), (12.5, list(range(0, 50, 2))), (50.0, None), (5.0, list(range(0, 50, 5)))],
)
def test_a_rate_takes_the_nearest_frames(film: Path, rate: float, expected: list[int] | None) -> None:
    video = read_video(film, rate=rate)
    assert video.rate == rate
    assert len(video.frames) == 2 * rate or expected is not None
    assert expected is None or numbers(video.frames) == expected


def test_a_variable_rate_becomes_constant(tmp_path: Path, counting: Video) -> None:
    path = tmp_path / "variable.mkv"
    shown = [0, 1, 2, 3, 20, 21, 40, 49]  # milliseconds are 40 times these
    with av.open(path, "w") as out:
        stream = out.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 96, 64, "yuv420p"
        stream.codec_context.time_base = Fraction(1, 25)
        for number in shown:
            frame = av.VideoFrame.from_ndarray(counting.frames[number], format="rgb24")
            frame.pts, frame.time_base = number, Fraction(1, 25)
            out.mux(stream.encode(frame))
        out.mux(stream.encode())
    nearest = [min(shown, key=lambda s: (abs(s - tick), -s)) for tick in range(50)]
    found = numbers(read_video(path, rate=25).frames)
    assert found[: len(nearest)] == nearest[: len(found)]
    assert len(found) >= 49
    assert numbers(read_video(path).frames) == shown


def test_a_stream_can_be_left_early(film: Path) -> None:
    stream = FrameStream(film)
    next(iter(stream))
    stream.close()
    stream.close()


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".webp"])
def test_an_image_is_a_video_of_one_frame(tmp_path: Path, counting: Video, suffix: str) -> None:
    path = tmp_path / f"100%d{suffix}"  # a pattern, were the name given to libav
    write_image(path, counting.frames[30])
    assert sniff(path) == {"video"}
    for rate in (None, 10.0, 60.0):
        assert read_video(path, rate=rate).frames.shape == (1, 64, 96, 3)
    assert read_video(path).rate == 25.0
    assert np.abs(read_video(path).frames[0].astype(int) - counting.frames[30]).mean() < 6


def test_a_telephone_held_upright(tmp_path: Path, film: Path, counting: Video) -> None:
    turned = bytearray(film.read_bytes())
    header = turned.index(b"tkhd") + 4 + 40
    matrix = np.array([0, 1 << 16, 0, -(1 << 16), 0, 0, 0, 0, 1 << 30], ">i4")  # shown 90 degrees clockwise
    turned[header : header + 36] = matrix.tobytes()
    path = tmp_path / "turned.mp4"
    path.write_bytes(turned)
    frame = read_video(path).frames[40]
    assert frame.shape == (96, 64, 3)
    np.testing.assert_array_equal(frame, np.rot90(read_video(film).frames[40], -1))
    assert frame[:40, :, 1].mean() < 40 < frame[56:, :, 1].mean()  # the red left half is on top


def test_a_read_is_bounded(film: Path) -> None:
    with pytest.raises(InputError, match="limit of 100000 decoded bytes"):
        read_video(film, limits=Limits(decoded_bytes=100_000))
    with pytest.raises(InputError, match="96 x 64; the limit is 5000 pixels"):
        read_video(film, limits=Limits(pixels=5000))


def test_sound_has_no_frames(tmp_path: Path, sweep: Audio) -> None:
    from trichord.media import write_audio

    write_audio(tmp_path / "a.wav", sweep)
    with pytest.raises(InputError, match=r"holds no video \(audio found\)"):
        read_video(tmp_path / "a.wav")


def test_a_region_past_the_end_holds_no_frame(film: Path) -> None:
    with pytest.raises(InputError, match="no frame that can be decoded from 9 s on"):
        read_video(film, start=9)
    with pytest.raises(InputError, match="frames per second; got 0"):
        read_video(film, rate=0)
