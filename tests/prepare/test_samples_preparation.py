from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from trichord.clip import Audio
from trichord.errors import InputError
from trichord.kinds import Kinds
from trichord.media import AudioFile, write_audio
from trichord.prepare import PREPARATIONS, Characters, Frames, ReadyArray, Samples, default_preparation


def test_samples_come_at_one_rate(tmp_path: Path) -> None:
    audio = Audio(np.random.default_rng(0).uniform(-0.5, 0.5, 44100).astype(np.float32), 44100)
    write_audio(tmp_path / "a.wav", audio)
    samples = Samples()
    whole = samples(AudioFile(tmp_path / "a.wav"))
    assert (whole.dtype, whole.shape) == (np.float32, (16000,))
    np.testing.assert_allclose(samples(audio), whole, atol=1e-4)
    stream = samples.stream(44100)
    parts = [stream.push(part) for part in np.split(audio.samples, [7, 10_000])]
    parts.append(stream.push(audio.samples[:0], last=True))
    np.testing.assert_array_equal(np.concatenate(parts), samples(audio))
    assert (samples.spec.kind, samples.spec.rate, samples.spec.empty().shape) == ("samples", 16000, (0,))


def test_text_is_no_sound() -> None:
    with pytest.raises(InputError, match="expected Audio here, got str"):
        Samples()("hello")


def test_every_preparation_can_be_written_back_and_made_again() -> None:
    family = Kinds(PREPARATIONS)
    for kind in PREPARATIONS:
        described = family.describe(family.make(kind))
        assert family.describe(family.make(described)) == described
    assert family.make({"kind": "mouth_crop", "size": [24, 48]}).size == (24, 48)
    with pytest.raises(ValueError, match=r"samples: rate: .*greater than or equal to 1"):
        family.make({"kind": "samples", "rate": 0})


def test_defaults_by_source() -> None:
    defaults = {"audio": Samples, "video": Frames, "text": Characters, "gaze": ReadyArray}
    assert {source: type(default_preparation(source)) for source in defaults} == defaults
