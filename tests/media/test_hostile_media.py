"""Whatever a file holds, the answer is right or an InputError of one line, and libav stays silent."""

from __future__ import annotations

import os
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from trichord.clip import Audio, Video
from trichord.errors import InputError
from trichord.media import (
    Limits,
    clip_from_file,
    read_audio,
    read_video,
    sniff,
    stream_audio,
    write_audio,
    write_video,
)

READERS: list[Callable[[bytes], object]] = [read_audio, read_video, sniff]


def refused(read: Callable[[], object]) -> str:
    with pytest.raises(InputError) as caught:
        read()
    assert "\n" not in str(caught.value)
    return str(caught.value)


def wav_header(rate: int, channels: int, data_bytes: int, *, float32: bool = False) -> bytes:
    width = 4 if float32 else 2
    sound = struct.pack(
        "<HHIIHH", 3 if float32 else 1, channels, rate, rate * channels * width, channels * width, 8 * width
    )
    return (
        b"RIFF"
        + struct.pack("<I", (36 + data_bytes) & 0xFFFFFFFF)
        + b"WAVEfmt "
        + struct.pack("<I", 16)
        + sound
        + b"data"
        + struct.pack("<I", data_bytes)
    )


def png(width: int, height: int) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    pixels = zlib.compress(bytes(3_000_000), 9)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


@pytest.mark.parametrize("read", READERS)
def test_nothing_at_all(tmp_path: Path, read: Callable[[object], object]) -> None:
    assert "empty" in refused(lambda: read(b""))
    (tmp_path / "empty.wav").touch()
    assert "empty.wav: the file is empty" in refused(lambda: read(tmp_path / "empty.wav"))
    assert "no such file" in refused(lambda: read(tmp_path / "absent.wav"))
    assert "no such file" in refused(lambda: read("nul\0byte"))
    assert "expected a file, got a folder" in refused(lambda: read(tmp_path))


def test_a_pipe_does_not_hang(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.wav")
    assert "pipe" in refused(lambda: read_audio(tmp_path / "pipe.wav"))


@pytest.mark.parametrize("name", ["http://localhost:1/a.wav", "concat:a.wav|b.wav", "lavfi:sine", "pipe:0"])
def test_a_name_is_a_file_and_never_an_address(name: str) -> None:
    assert "no such file" in refused(lambda: read_audio(name))


def test_a_playlist_cannot_open_other_files(tmp_path: Path) -> None:
    write_audio(tmp_path / "secret.wav", Audio(np.zeros(16000), 16000))
    playlist = f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{tmp_path}/secret.wav\n#EXT-X-ENDLIST\n"
    refused(lambda: read_audio(playlist.encode()))
    refused(lambda: read_audio(f"ffconcat version 1.0\nfile '{tmp_path}/secret.wav'\n".encode()))


@settings(max_examples=60, deadline=None)
@given(data=st.binary(min_size=1, max_size=2000), read=st.sampled_from(READERS))
def test_random_bytes(data: bytes, read: Callable[[bytes], object]) -> None:
    try:
        read(data)
    except InputError as error:
        assert "\n" not in str(error)


MAGIC = [
    b"RIFF\x24\0\0\0WAVE",
    b"OggS\0\2",
    b"fLaC",
    b"\x89PNG\r\n\x1a\n",
    b"\xff\xd8\xff\xe0",
    b"ID3\3\0",
    b"\0\0\0\x18ftypmp42",
    b"\x1aE\xdf\xa3",
    b"GIF89a",
    b"\0\0\1\xba",
    b"\xff\xfb\x90",
    b"FORM\0\0\1\0AIFF",
]


@settings(max_examples=60, deadline=None)
@given(start=st.sampled_from(MAGIC), data=st.binary(max_size=2000), read=st.sampled_from(READERS))
def test_random_bytes_behind_a_true_beginning(
    start: bytes, data: bytes, read: Callable[[bytes], object]
) -> None:
    try:
        read(start + data)
    except InputError as error:
        assert "\n" not in str(error)


@pytest.fixture(scope="module")
def media(tmp_path_factory: pytest.TempPathFactory, sweep: Audio, counting: Video) -> dict[str, bytes]:
    folder = tmp_path_factory.mktemp("media")
    short = Audio(sweep.samples[:16000], 16000)
    for suffix in ("wav", "flac", "opus", "mp3"):
        write_audio(folder / f"a.{suffix}", short)
    for suffix in ("mp4", "mkv"):
        write_video(folder / f"v.{suffix}", counting, short)
    return {path.suffix: path.read_bytes() for path in folder.iterdir()}


SHARE = st.floats(0, 1)


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    suffix=st.sampled_from([".wav", ".flac", ".opus", ".mp3", ".mp4", ".mkv"]),
    kept=SHARE,
    damage=st.lists(SHARE, max_size=20),
    pictures=st.booleans(),
)
def test_truncated_and_damaged_files(
    media: dict[str, bytes], suffix: str, kept: float, damage: list[float], pictures: bool
) -> None:
    broken = bytearray(media[suffix][: 1 + int(kept * (len(media[suffix]) - 1))])
    for share in damage:
        broken[int(share * (len(broken) - 1))] ^= 0xFF
    read = read_video if suffix in (".mp4", ".mkv") and pictures else read_audio
    try:
        assert read(bytes(broken)).seconds > 0
    except InputError as error:
        assert "\n" not in str(error)


def test_damage_in_the_middle_costs_only_what_it_hits(media: dict[str, bytes]) -> None:
    broken = bytearray(media[".mkv"])
    middle = len(broken) // 2
    broken[middle : middle + 60] = bytes(60)
    assert len(read_video(bytes(broken)).frames) > 20


def test_sound_without_samples(tmp_path: Path) -> None:
    assert "no sound" in refused(lambda: read_audio(wav_header(16000, 1, 0)))
    (tmp_path / "silent.wav").write_bytes(wav_header(16000, 1, 0))
    assert "silent.wav" in refused(lambda: list(stream_audio(tmp_path / "silent.wav")))


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_samples_that_are_no_numbers(bad: float) -> None:
    samples = np.zeros(1000, np.float32)
    samples[700] = bad
    file = wav_header(16000, 1, samples.nbytes, float32=True) + samples.tobytes()
    assert "NaN or infinite" in refused(lambda: read_audio(file))
    assert "NaN or infinite" in refused(lambda: read_audio(file, rate=8000))


def test_two_hours_are_refused_whole_but_streamed(tmp_path: Path) -> None:
    path, size = tmp_path / "long.wav", 7200 * 8000 * 2
    with path.open("wb") as file:
        file.write(wav_header(8000, 1, size))
        file.truncate(44 + size)
    assert "limit of 3600 s" in refused(lambda: read_audio(path))
    assert read_audio(path, start=7000, end=7001).seconds == 1
    stream = stream_audio(path, rate=16000, block_seconds=10)
    assert next(stream).seconds == 10
    stream.close()
    assert "file_bytes" in refused(lambda: read_audio(path, limits=Limits(file_bytes=10**6)))


def test_a_file_that_hides_its_length_is_stopped(sweep: Audio, tmp_path: Path) -> None:
    write_audio(tmp_path / "a.flac", sweep)
    hidden = bytearray((tmp_path / "a.flac").read_bytes())
    hidden[21] &= 0xF0  # total samples in STREAMINFO: unknown
    hidden[22:26] = bytes(4)
    assert "limit of 5 s" in refused(lambda: read_audio(bytes(hidden), limits=Limits(seconds=5)))
    assert "limit of 9000 decoded" in refused(
        lambda: read_audio(bytes(hidden), limits=Limits(decoded_bytes=9000))
    )


def test_too_many_channels_and_too_high_a_rate() -> None:
    assert "200 channels" in refused(lambda: read_audio(wav_header(8000, 200, 4000) + bytes(4000)))
    assert "sampled at 4000000 Hz" in refused(
        lambda: read_audio(wav_header(4_000_000, 1, 4000) + bytes(4000))
    )


@pytest.mark.parametrize("side", [30_000, 15_000, 8_000])
def test_a_giant_picture_is_refused_before_it_is_decoded(side: int) -> None:
    assert "pixels" in refused(lambda: read_video(png(side, side)))


def test_the_suffix_may_lie(tmp_path: Path, sweep: Audio) -> None:
    write_audio(tmp_path / "a.flac", sweep)
    lying = (tmp_path / "a.flac").rename(tmp_path / "a.mp4")
    assert read_audio(lying).seconds == sweep.seconds
    assert set(clip_from_file(lying).inputs) == {"audio"}


def test_libav_is_silent(media: dict[str, bytes], capfd: pytest.CaptureFixture[str]) -> None:
    for suffix, content in media.items():
        broken = content[: len(content) // 2] + bytes(100)
        for read in READERS:
            try:
                read(broken)
            except InputError:
                assert suffix
    assert capfd.readouterr() == ("", "")
