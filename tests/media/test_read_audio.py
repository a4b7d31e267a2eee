from __future__ import annotations

import io
import os
import wave
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trichord.clip import Audio
from trichord.errors import InputError
from trichord.media import read_audio, stream_audio, write_audio

DATA = Path(os.environ.get("TRICHORD_DATA", Path(__file__).parents[2] / "../shared/data"))


def wav(samples: np.ndarray, rate: int) -> bytes:
    """Return 16-bit `samples (time, channels)` as a wav file."""
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setparams((samples.shape[1], samples.itemsize, rate, 0, "NONE", ""))
        out.writeframes(samples.tobytes())
    return file.getvalue()


@settings(max_examples=30, deadline=None)
@given(rate=st.sampled_from([8000, 11025, 44100]), values=st.lists(st.integers(-32768, 32767), min_size=1))
def test_pcm_is_read_exactly(rate: int, values: list[int]) -> None:
    audio = read_audio(wav(np.array(values, np.int16)[:, None], rate))
    assert audio.rate == rate
    np.testing.assert_array_equal(audio.samples * 32768, values)


@pytest.mark.parametrize("suffix", [".wav", ".flac", ".opus", ".mp3", ".m4a", ".ogg"])
def test_every_codec_keeps_the_sound_in_its_place(tmp_path: Path, sweep: Audio, suffix: str) -> None:
    write_audio(tmp_path / f"a{suffix}", sweep)
    heard = read_audio(tmp_path / f"a{suffix}", rate=16000).samples
    assert abs(len(heard) - len(sweep.samples)) < 1024
    heard, said = heard[16000:48000], sweep.samples[16000:48000]
    assert np.corrcoef(heard, said)[0, 1] > 0.98


@pytest.mark.parametrize("suffix", [".wav", ".flac", ".opus", ".mp3", ".m4a"])
@pytest.mark.parametrize(("start", "end"), [(0.0, 0.5), (1.25, 1.75), (7.3, 9.1), (11.5, 99.0)])
def test_a_region_is_a_slice_of_the_whole(
    tmp_path: Path, sweep: Audio, suffix: str, start: float, end: float
) -> None:
    path = tmp_path / f"a{suffix}"
    write_audio(path, sweep)
    whole = read_audio(path)
    part = read_audio(path, start=start, end=end)
    expected = whole.samples[round(start * whole.rate) : round(end * whole.rate)]
    np.testing.assert_allclose(part.samples, expected, atol=1e-4)


@settings(max_examples=20, deadline=None)
@given(block=st.floats(0.001, 3), rate=st.sampled_from([None, 16000, 7350]))
def test_blocks_joined_are_the_whole(block: float, rate: int | None) -> None:
    file = wav(np.random.default_rng(0).integers(-9999, 9999, (9000, 1)).astype(np.int16), 8000)
    blocks = list(stream_audio(file, rate=rate, block_seconds=block))
    assert len({len(b.samples) for b in blocks[:-1]}) <= 1
    np.testing.assert_array_equal(
        np.concatenate([b.samples for b in blocks]), read_audio(file, rate=rate).samples
    )


def test_channels_are_averaged_unless_one_is_named() -> None:
    file = wav(np.array([[100, 300]] * 50, np.int16), 16000)
    assert read_audio(file).samples[0] == pytest.approx(200 / 32768)
    assert read_audio(file, channel=1).samples[0] == pytest.approx(300 / 32768)
    with pytest.raises(InputError, match="no channel 2; it has 2"):
        read_audio(file, channel=2)


def test_eight_channels_at_192_khz() -> None:
    file = wav(np.full((19200, 8), 3277, np.int16), 192_000)
    audio = read_audio(file, rate=16000)
    assert len(audio.samples) == 1600
    assert audio.samples[800] == pytest.approx(0.1, abs=0.001)


def test_a_file_object_and_its_path_and_bytes_read_alike(tmp_path: Path, sweep: Audio) -> None:
    path = tmp_path / "a.flac"
    write_audio(path, sweep)
    with path.open("rb") as file:
        from_file = read_audio(file).samples
        assert not file.closed
    np.testing.assert_array_equal(from_file, read_audio(path).samples)
    np.testing.assert_array_equal(from_file, read_audio(path.read_bytes()).samples)


@pytest.mark.parametrize(("start", "end"), [(-1.0, None), (2.0, 1.0), (1.0, 1.0), (float("nan"), None)])
def test_a_region_must_be_one(start: float, end: float | None) -> None:
    with pytest.raises(InputError, match="0 <= start < end"):
        read_audio(wav(np.zeros((9, 1), np.int16), 8000), start=start, end=end)


def test_a_region_past_the_end_holds_no_sound() -> None:
    with pytest.raises(InputError, match="no sound from 5 s on"):
        read_audio(wav(np.zeros((8000, 1), np.int16), 8000), start=5)


@pytest.mark.parametrize("rate", [0, -1, 10**7])
def test_an_impossible_rate_is_refused(rate: int) -> None:
    with pytest.raises(InputError, match="Hz; asked for"):
        read_audio(wav(np.zeros((9, 1), np.int16), 8000), rate=rate)


@pytest.mark.parametrize(
    ("name", "seconds"),
    [("ami-excerpts/dev00.opus", 30.0), ("grid/s1/bbaf4p.mp4", 3.008)],
)
def test_real_files(name: str, seconds: float) -> None:
    if not (DATA / name).exists():
        pytest.skip(f"the corpus file {name} is not under {DATA}")
    assert read_audio(DATA / name, rate=16000).seconds == pytest.approx(seconds, abs=0.03)
