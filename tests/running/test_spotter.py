"""Tests of phrases noticed while sound comes."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny_models import LETTERS, LISTENING, RATE, echo_model, listening_model, metadata, save, verb_model
from typer.testing import CliRunner

from trichord import ArtifactError, Audio, Event, InputError, Model
from trichord.cli.app import app
from trichord.media import write_audio
from trichord.running.live import Spotter

WORDS = {"transcript": {"kind": "ctc", "units": "word", "labels": ["", "never", "loud", "soft"]}}


def tones(*starts: float, length: float) -> np.ndarray:
    """Silence with loud tones of 0.2 s, after each of which the model writes that it is soft."""
    samples = np.zeros(round(length * RATE), np.float32)
    for start in starts:
        samples[round(start * RATE) : round((start + 0.2) * RATE)] = 0.2
    return samples


TWICE = tones(1.0, 4.0, length=6.0)


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    told = metadata(("voice",), ("transcript",), **LISTENING, max_seconds=30) | {"heads": WORDS}
    return save(listening_model(), tmp_path_factory.mktemp("models") / "loud.onnx", json.dumps(told))


@pytest.fixture(scope="module")
def model(path: Path) -> Model:
    return Model(path)


def noticed(model: Model, cuts: list[int], phrases: list[str] | None = None) -> list[Event]:
    spotter = Spotter(model, phrases)
    events: list[Event] = []
    for part in np.split(TWICE, sorted(cut % (len(TWICE) + 1) for cut in cuts)):
        events += spotter.push(Audio(part, RATE))
    return events + spotter.finish()


def test_phrases_are_noticed_when_they_end(model: Model) -> None:
    first, second = noticed(model, [], ["Loud soft!"])
    assert (first.what, second.what) == ("loud soft", "loud soft")
    assert (first.start, second.start) == (pytest.approx(1.24, abs=0.05), pytest.approx(4.24, abs=0.05))
    assert 0.5 <= (first.confidence or 0) <= 1
    assert noticed(model, [], ["soft loud"]) == []
    assert [event.what for event in noticed(model, [])] == ["loud", "soft"] * 2


def test_each_phrase_can_have_its_own_threshold(model: Model) -> None:
    surest = max(event.confidence or 0 for event in noticed(model, [], ["soft"]))
    spotter = Spotter(model, ["Loud!", "soft"], threshold={"loud": 1e-6, "SOFT": (1 + surest) / 2})
    assert {event.what for event in spotter.whole({"audio": TWICE})} == {"loud"}


@settings(max_examples=20, deadline=None)
@given(cuts=st.lists(st.integers(0, 10**6), max_size=20))
def test_any_pieces_notice_what_the_whole_notices(model: Model, cuts: list[int]) -> None:
    assert noticed(model, cuts) == noticed(model, []) == Spotter(model).whole({"audio": TWICE})


def test_a_spotter_begins_anew_when_it_has_finished(model: Model) -> None:
    spotter = Spotter(model, ["soft"])
    once = [spotter.push(Audio(TWICE, RATE)) + spotter.finish() for _ in range(2)]
    assert once[0] == once[1]
    assert spotter.finish() == []
    scores = spotter.scores({"transcript": np.zeros((7, 4), np.float32)})
    assert scores["soft"].shape == (7,)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"phrases": ["quiet"]}, "its words are never, loud, soft"),
        ({"phrases": ["loud", " "]}, "does not write it"),
        ({"threshold": 1.0}, "a probability above 0 and below 1"),
        ({"threshold": {"loud": 0.0}}, "a probability above 0 and below 1"),
        ({"phrases": ["loud"], "threshold": {"soft": 0.4}}, "'soft', which is not among"),
        ({"window_seconds": 11.0}, "up to 10 s"),
        ({"head": "mood"}, "'mood' is not one"),
    ],
)
def test_what_cannot_be_noticed_is_refused(model: Model, arguments: dict[str, object], says: str) -> None:
    with pytest.raises(InputError, match=says):
        Spotter(model, **arguments)  # type: ignore[arg-type]


def test_a_model_notices_by_itself_what_it_keeps(path: Path, tmp_path: Path) -> None:
    write_audio(tmp_path / "twice.wav", Audio(TWICE, RATE))
    command = ["spot", str(path), str(tmp_path / "twice.wav")]
    phrases = ["--phrase", "Loud soft=0.1", "--phrase", "soft"]
    kept = tmp_path / "kept.onnx"
    told = CliRunner().invoke(app, [*command, *phrases, "--window", "0.5", "--keep", str(kept)])
    again = CliRunner().invoke(app, ["spot", str(kept), command[2]])
    assert told.exit_code == again.exit_code == 0, told.output + again.output
    assert again.stdout == told.stdout
    spotter = Spotter(Model(kept))
    assert spotter.noticed().phrases == {"loud soft": pytest.approx(0.1), "soft": 0.5}
    assert spotter.window_seconds == 0.5
    assert Spotter(Model(kept), ["never", "loud soft"]).noticed().phrases == {
        "never": 0.5,
        "loud soft": pytest.approx(0.1),
    }
    CliRunner().invoke(app, ["spot", str(kept), command[2], "--phrase", "never", "--keep", str(kept)])
    assert list(Spotter(Model(kept)).phrases) == ["never"]


@pytest.mark.parametrize(
    "noticed",
    [{}, {"phrases": {}}, {"phrases": {"loud": 1.0}}, {"phrases": {"loud": 0.5}, "window_seconds": 99},
     {"phrases": {"quiet": 0.5}}],
)  # fmt: skip
def test_what_a_model_keeps_is_not_believed(tmp_path: Path, noticed: object) -> None:
    heads = {"transcript": WORDS["transcript"] | {"noticed": noticed}}
    told = metadata(("voice",), ("transcript",), **LISTENING, max_seconds=30) | {"heads": heads}
    with pytest.raises((ArtifactError, InputError), match=r"noticed|phrases|its words are"):
        Spotter(Model(save(listening_model(), tmp_path / "hostile.onnx", json.dumps(told))))


def test_a_head_that_can_write_anything_needs_phrases(tmp_path: Path) -> None:
    told = metadata(("voice",), ("transcript",), **LISTENING)
    letters = Model(save(listening_model(), tmp_path / "letters.onnx", json.dumps(told)))
    with pytest.raises(InputError, match="say which phrases"):
        Spotter(letters)
    assert LETTERS[2:] == ["a", "b"]
    assert [event.start for event in Spotter(letters, ["ab"]).whole({"audio": TWICE[: 3 * RATE]})] == [
        pytest.approx(1.24, abs=0.05)
    ]


def test_models_that_cannot_listen_say_why(tmp_path: Path) -> None:
    echo = save(echo_model(), tmp_path / "echo.onnx", json.dumps(metadata(("signal",), ("transcript",))))
    with pytest.raises(InputError, match="only a model of sound"):
        Spotter(Model(echo), ["a"])
    verb = save(verb_model(), tmp_path / "verb.onnx", json.dumps(metadata(("voice", "words"), ("verb",))))
    with pytest.raises(InputError, match="only a model of sound"):
        Spotter(Model(verb))


def test_the_command_says_what_it_notices_and_when(tmp_path: Path, path: Path) -> None:
    write_audio(tmp_path / "twice.wav", Audio(TWICE, RATE))
    command = ["spot", str(path), str(tmp_path / "twice.wav"), "--phrase", "loud soft"]
    plain = CliRunner().invoke(app, command)
    assert plain.exit_code == 0, plain.output
    assert [line.split()[1:3] for line in plain.stdout.splitlines()] == [["loud", "soft"]] * 2
    for phrase, said in (("loud soft=0.999999999", []), ("loud soft=0.1", ["loud", "soft"])):
        own = CliRunner().invoke(app, [*command[:-1], phrase])
        assert own.stdout.split()[1:3] == said, own.output
    wrong = CliRunner().invoke(app, [*command[:-1], "loud=soon"])
    assert "expected a probability after '='" in str(wrong.exception)
    data = (TWICE * 32767).astype("<i2").tobytes()
    rows = CliRunner().invoke(app, ["spot", str(path), "-", "--json", "--threshold", "0.9"], input=data)
    assert {json.loads(row)["what"] for row in rows.stdout.splitlines()} <= {"loud", "soft"}
