from __future__ import annotations

import json

import numpy as np
from typer.testing import CliRunner

from trichord.cli.app import app
from trichord.clip import Audio
from trichord.corpora.rttm import read_rttm
from trichord.media import write_audio

RATE = 16_000


def written(tmp_path, level):
    rng = np.random.default_rng(0)
    parts = [0.001 * rng.standard_normal(RATE), level * rng.standard_normal(2 * RATE)]
    write_audio(tmp_path / "talk.wav", Audio(np.concatenate([*parts, parts[0]]).astype(np.float32), RATE))
    return str(tmp_path / "talk.wav")


def run(*arguments):
    done = CliRunner().invoke(app, ["diarize", "--detector", "energy", *arguments])
    assert done.exit_code == 0, done.output
    return done.output


def test_turns_are_printed_and_written(tmp_path):
    clip, rttm = written(tmp_path, 0.1), tmp_path / "out.rttm"
    told = json.loads(run(clip, "--speakers", "1", "--json", "--rttm", str(rttm)))
    (turn,) = told["turns"]
    assert turn["speaker"] == "S1"
    assert abs(turn["start"] - 1) < 0.2
    assert abs(turn["end"] - 3) < 0.2
    (again,) = read_rttm(rttm)["talk"]
    assert abs(again.start - turn["start"]) < 0.001
    assert "S1" in run(clip, "--threshold", "2")


def test_silence_is_no_speech(tmp_path):
    assert "no speech" in run(written(tmp_path, 0.001))
