from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from trichord.cli import who
from trichord.cli.app import app
from trichord.decoding import Decoded
from trichord.errors import InputError


class Fake:
    """A model that tells voices by the first letter of a file's name."""

    path = Path("fake.onnx")
    heads = {"voice": {"kind": "contrastive", "size": 3, "threshold": 0.5}}  # noqa: RUF012

    def batch(self, clips):
        if any(Path(clip).suffix == ".txt" for clip in clips):
            raise InputError("holds no sound")
        places = ["abc".index(Path(clip).name[0]) for clip in clips]
        return [
            {"voice": Decoded(tuple(float(at == place) for at in range(3)), 1.0, 0.0)} for place in places
        ]


@pytest.fixture
def files(tmp_path, monkeypatch):
    monkeypatch.setattr(who, "open_model", lambda name: Fake())
    for name in ("anna/a1.wav", "anna/a2.wav", "b1.wav", "talk/a3.wav", "talk/b2.wav", "talk/c1.wav"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    return tmp_path


def run(files, *arguments):
    known = ["--known", f"anna={files / 'anna'}", "--known", f"ben={files / 'b1.wav'}"]
    done = CliRunner().invoke(app, ["who", "fake.onnx", str(files / "talk"), *known, *arguments])
    assert done.exit_code == 0, done.output
    return done.output


def test_each_clip_is_somebodys_or_nobodys(files):
    told = [json.loads(line) for line in run(files, "--json").splitlines()]
    assert [one["who"] for one in told] == ["anna", "ben", None]
    assert told[1]["cosines"] == {"anna": 0.0, "ben": 1.0}
    assert "nobody known" not in run(files, "--threshold", "-1")
    assert "nobody" in run(files)


def test_what_cannot_be_heard_is_said_and_the_others_are_answered(files):
    (files / "talk" / "b3.txt").touch()
    known = ["--known", f"anna={files / 'anna'}"]
    done = CliRunner().invoke(app, ["who", "fake.onnx", str(files / "talk"), *known, "--json"])
    assert isinstance(done.exception, InputError)
    assert "1 of 4 clips could not be heard" in str(done.exception)
    assert [json.loads(line)["who"] for line in done.stdout.splitlines()] == ["anna", None, None]
    (files / "empty").mkdir()
    done = CliRunner().invoke(app, ["who", "fake.onnx", str(files / "empty"), *known])
    assert "holds no files" in str(done.exception)


@pytest.mark.parametrize("given", ["anna", "=a.wav", "anna="])
def test_people_are_named_with_their_files(given):
    with pytest.raises(InputError, match="expected NAME=PATH"):
        who.named([given])
