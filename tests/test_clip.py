from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from trichord.clip import Audio, Clip, Event, Features, Input, Lazy, Video
from trichord.errors import InputError


class Promise:
    key = "promise"

    def load(self) -> Input:
        return "kept"


def test_audio_is_mono_float32() -> None:
    audio = Audio([0, 1, -1, 0], 2)  # type: ignore[arg-type]
    assert audio.samples.dtype == np.float32
    assert audio.seconds == 2.0


@pytest.mark.parametrize(
    ("samples", "rate", "message"),
    [
        (np.zeros((2, 3)), 16000, r"mono, shape \(time,\); got shape \(2, 3\)"),
        (np.zeros(3), 0, "above 0 Hz; got 0"),
        (np.array([0, np.nan]), 16000, "NaN or infinite"),
        (np.array([np.inf]), 16000, "NaN or infinite"),
    ],
)
def test_unfit_audio(samples: np.ndarray, rate: int, message: str) -> None:
    with pytest.raises(InputError, match=message):
        Audio(samples, rate)


def test_video_is_rgb_bytes() -> None:
    assert Video(np.zeros((50, 4, 6, 3), np.uint8)).seconds == 2.0
    for frames in (np.zeros((50, 4, 6, 3)), np.zeros((4, 6, 3), np.uint8), np.zeros((1, 4, 6, 4), np.uint8)):
        with pytest.raises(InputError, match="uint8 RGB"):
            Video(frames)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="got nan"):
        Video(np.zeros((1, 4, 6, 3), np.uint8), float("nan"))


def test_features_are_float32_rows() -> None:
    assert Features(np.ones((2, 3), np.int64)).values.dtype == np.float32  # type: ignore[arg-type]
    with pytest.raises(InputError, match=r"shape \(time, dim\); got \(3,\)"):
        Features(np.zeros(3, np.float32))
    with pytest.raises(InputError, match="NaN or infinite"):
        Features(np.full((1, 1), np.nan, np.float32))


def test_a_clip_loads_what_is_lazy_and_lacks_what_is_absent() -> None:
    clip = Clip("a", {"text": "said", "later": Promise()})
    assert isinstance(Promise(), Lazy)
    assert (clip.load("text"), clip.load("later"), clip.load("video")) == ("said", "kept", None)
    assert (clip.targets, clip.about) == ({}, {})


def test_records_cannot_be_changed() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        Event("word").what = "other"  # type: ignore[misc]
    assert Event("word", 1.0) == Event("word", 1.0)
