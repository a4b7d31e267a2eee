"""`trichord features`, as a user would type it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from test_cli import fails, succeeds

from trichord.clip import Audio, Video
from trichord.features.audio import UNITS, describe
from trichord.media import read_audio, write_audio, write_video

RATE = 16_000


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a voice in noise, as sound and as a film, a silent sound and a film without any."""
    folder = tmp_path_factory.mktemp("home")
    time = np.arange(RATE) / RATE
    voice = sum(np.sin(2 * np.pi * k * 150 * time) / k for k in range(1, 9)) * 0.1 * (time < 0.7)
    noisy = voice + np.random.default_rng(0).normal(0, 0.01, RATE)
    audio = Audio(noisy.astype(np.float32), RATE)
    film = Video(np.zeros((25, 16, 16, 3), np.uint8), 25)
    write_audio(folder / "voice.wav", audio)
    write_audio(folder / "silence.wav", Audio(np.zeros(RATE, np.float32), RATE))
    write_video(folder / "film.mp4", film, audio)
    write_video(folder / "mute.mp4", film)
    return folder


def test_a_table_names_every_feature_and_its_unit(home: Path) -> None:
    table = succeeds("features", "voice.wav", cwd=home)
    assert "1.00 s at 16000 Hz, 98 frames" in table
    assert all(name in table for name in UNITS)
    assert "per sample" in table
    assert "none" in succeeds("features", "silence.wav", cwd=home)


def test_json_is_what_the_library_says(home: Path) -> None:
    told = json.loads(succeeds("features", "voice.wav", "--json", cwd=home))
    values, names = describe(read_audio(home / "voice.wav").samples, RATE)
    assert (told["rate"], told["seconds"], told["frames"], told["denoise"]) == (RATE, 1.0, 98, None)
    assert list(told["features"]) == list(names)
    flatness = told["features"]["flatness"]
    assert flatness["mean"] == pytest.approx(values[:, names.index("flatness")].mean(), rel=1e-5)
    assert told["features"]["pitch"] == pytest.approx({"unit": "Hz", "mean": 150, "std": 0}, abs=2)
    silent = json.loads(succeeds("features", "silence.wav", "--json", cwd=home))["features"]
    assert silent["pitch"] == {"unit": "Hz", "mean": None, "std": None}


def test_any_film_with_sound_at_any_rate(home: Path) -> None:
    told = json.loads(succeeds("features", "film.mp4", "--rate", "8000", "--json", cwd=home))
    assert told["rate"] == 8000
    assert told["features"]["pitch"]["mean"] == pytest.approx(150, abs=2)


@pytest.mark.parametrize("kind", ["subtract", "wiener", "adaptive"])
def test_denoised_pauses_are_quieter(home: Path, kind: str) -> None:
    before, after = (
        json.loads(succeeds("features", "voice.wav", *more, "--json", cwd=home))
        for more in ((), ("--denoise", kind))
    )
    assert after["denoise"] == kind
    assert after["features"]["energy"]["mean"] < before["features"]["energy"]["mean"] - 1


def test_a_picture_is_written(home: Path) -> None:
    succeeds("features", "voice.wav", "--plot", "all.png", cwd=home)
    assert (home / "all.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("mute.mp4",), "holds no audio"),
        (("missing.wav",), "missing.wav"),
        (("voice.wav", "--plot", "all.bmp"), "a picture is written as .png"),
    ],
)
def test_mistakes_are_answered_in_one_line(home: Path, arguments: tuple[str, ...], says: str) -> None:
    assert says in fails("features", *arguments, cwd=home)
