from __future__ import annotations

import io
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny_models import LISTENING, RATE, listening_model, metadata, save, verb_model
from typer.testing import CliRunner

from trichord import ArtifactError, Audio, InputError, Model
from trichord.cli.app import app
from trichord.cli.listen import from_input
from trichord.decoding import BeamOptions
from trichord.media import write_audio
from trichord.running.live import Endpoint, Hearing, Utterance
from trichord.running.runtime.blocks import Blocks


def write_model(path: Path, **changes: object) -> Path:
    text = json.dumps(metadata(("voice",), ("transcript",), **(LISTENING | changes)))
    return save(listening_model(), path, text)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Model:
    return Model(write_model(tmp_path_factory.mktemp("models") / "listening.onnx"))


def tones(*seconds: tuple[float, float], length: float) -> np.ndarray:
    """Silence with tones from one second to another."""
    samples = np.zeros(round(length * RATE), np.float32)
    for start, end in seconds:
        samples[round(start * RATE) : round(end * RATE)] = 0.2
    return samples


TWICE = tones((1.0, 1.4), (1.6, 1.8), (4.0, 4.2), length=6.0)


def heard(model: Model, samples: np.ndarray, cuts: list[int], **options: object) -> list[Utterance]:
    hearing = Hearing(model, **options)  # type: ignore[arg-type]
    said: list[Utterance] = []
    for part in np.split(samples, sorted(cut % (len(samples) + 1) for cut in cuts)):
        said += hearing.push(Audio(part, RATE))
    return [utterance for utterance in said + hearing.finish() if utterance.final]


def test_utterances_end_where_it_stays_quiet_and_words_have_their_times(model: Model) -> None:
    first, second = heard(model, TWICE, [])
    assert (first.text, second.text) == ("abab", "ab")
    assert first.words[0].start == pytest.approx(1.0, abs=0.041)
    assert second.words[0].start == pytest.approx(4.0, abs=0.041)
    assert first.end == first.words[-1].end == pytest.approx(1.8 + 0.04, abs=0.05)
    assert first.settled == len(first.words)
    assert first.confidence is not None and 0 < first.confidence <= 1


@settings(max_examples=30, deadline=None)
@given(cuts=st.lists(st.integers(0, 10**6), max_size=20), width=st.sampled_from([None, 4]))
def test_any_pieces_say_what_the_whole_says(model: Model, cuts: list[int], width: int | None) -> None:
    assert heard(model, TWICE, cuts, beam=width) == heard(model, TWICE, [], beam=width)


def test_what_is_being_said_is_told_before_it_ends(model: Model) -> None:
    hearing = Hearing(model, beam=BeamOptions(width=4))
    parts = [hearing.push(Audio(part, RATE)) for part in np.array_split(TWICE, 30)]
    told = [utterance for part in parts for utterance in part]
    texts = [utterance.text for utterance in told if not utterance.final]
    assert {"ab", "abab"} <= set(texts)
    assert all("abab".startswith(text) for text in texts)
    assert told[0].start <= 1.0 < told[0].end


def test_silence_is_no_utterance_and_keeps_no_memory(model: Model) -> None:
    hearing = Hearing(model)
    for _ in range(50):
        assert hearing.push(Audio(np.zeros(RATE, np.float32), RATE)) == []
        assert len(hearing._rows) <= 0.4 * 25
    assert hearing.finish() == []
    assert hearing.heard == pytest.approx(50, abs=0.2)
    assert Hearing(model).finish() == []


def test_a_speech_without_a_pause_is_cut(model: Model) -> None:
    samples = tones(*((start, start + 0.2) for start in np.arange(0, 6, 0.4)), length=6)
    said = heard(model, samples, [], endpoint=Endpoint(silence_seconds=0.8, longest_seconds=2.0))
    assert len(said) >= 3
    assert "".join(utterance.text for utterance in said).count("a") == 15


def test_other_rates_are_brought_to_the_models(model: Model) -> None:
    hearing = Hearing(model)
    said = hearing.push(Audio(np.repeat(TWICE, 3), 48_000)) + hearing.finish()
    assert [utterance.text for utterance in said if utterance.final] == ["abab", "ab"]
    with pytest.raises(InputError, match="changes midway"):
        hearing.push(Audio(TWICE, RATE))


def test_a_stateful_file_answers_a_whole_clip(model: Model) -> None:
    assert model({"audio": TWICE[: 3 * RATE]})["transcript"].value == "abab"
    answers = model.batch([{"audio": TWICE[:RATE]}, {"audio": TWICE[: 5 * RATE]}])
    assert [answer["transcript"].value for answer in answers] == ["", "ababab"]


def test_models_that_cannot_listen_say_why(tmp_path: Path, model: Model) -> None:
    whole = save(verb_model(), tmp_path / "verb.onnx", json.dumps(metadata(("voice", "words"), ("verb",))))
    with pytest.raises(ArtifactError, match="--streaming"):
        Hearing(Model(whole))
    with pytest.raises(InputError, match="'mood' is not one"):
        Hearing(model, head="mood")
    with pytest.raises(InputError, match="below the second"):
        Endpoint(silence_seconds=3, longest_seconds=2)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"block": None}, "says what its blocks are"),
        ({"kind": "offline"}, "says what its blocks are"),
        ({"kind": "generative", "block": None}, "generative"),
        ({"block": {**LISTENING["block"], "steps": {"ear": 3200}}}, "every stream"),  # type: ignore[dict-item]
        ({"block": {**LISTENING["block"], "memory": [[2]]}}, "memory.0"),  # type: ignore[dict-item]
        ({"block": {**LISTENING["block"], "memory": []}}, "inputs"),  # type: ignore[dict-item]
        ({"block": {**LISTENING["block"], "memory": [[1 << 24], [1 << 24]]}}, "holds more"),  # type: ignore[dict-item]
        ({"block": {**LISTENING["block"], "memory": [[0, 10**19]]}}, "memory"),  # type: ignore[dict-item]
        ({"block": {**LISTENING["block"], "memory": [[1] * 71]}}, "memory"),  # type: ignore[dict-item]
        ({"block": {**LISTENING["block"], "seconds": 1.0}}, "do not last"),  # type: ignore[dict-item]
        ({"block": {**LISTENING["block"], "memory": [[10**9, 10**9]]}}, "memory"),  # type: ignore[dict-item]
        ({"block": {"seconds": 0.1, "steps": {"voice": 1600}, "memory": [[1]]}}, "voice"),  # type: ignore[dict-item]
    ],
)
def test_a_file_whose_blocks_are_not_as_it_says_is_refused(
    tmp_path: Path, changes: dict[str, object], says: str
) -> None:
    with pytest.raises(ArtifactError, match=says):
        Model(write_model(tmp_path / "broken.onnx", **changes))


def test_memory_that_comes_out_of_shape_is_refused(model: Model) -> None:
    blocks = Blocks(model)
    blocks.memory = [np.full((1, 1), np.nan, np.float32)]
    with pytest.raises(ArtifactError, match="NaN"):
        blocks.push([{"voice": TWICE[:3200]}])


def test_raw_samples_of_standard_input_are_read_in_any_pieces() -> None:
    class Trickle(io.BytesIO):
        def read1(self, size: int | None = -1) -> bytes:
            return super().read(3)

    values = np.array([0, 16384, -32768, 1], "<i2")
    pieces = list(from_input(Trickle(values.tobytes() + b"x"), RATE))
    np.testing.assert_allclose(np.concatenate([piece.samples for piece in pieces]), values / 32768)


def test_the_command_writes_utterances_down(tmp_path: Path) -> None:
    path = write_model(tmp_path / "listening.onnx")
    write_audio(tmp_path / "twice.wav", Audio(TWICE, RATE))
    plain = CliRunner().invoke(app, ["listen", str(path), str(tmp_path / "twice.wav"), "--so-far"])
    assert plain.exit_code == 0
    assert [line.split()[2] for line in plain.stdout.splitlines() if "…" not in line] == ["abab", "ab"]
    data = (TWICE * 32767).astype("<i2").tobytes()
    rows = CliRunner().invoke(app, ["listen", str(path), "-", "--json"], input=data)
    assert [json.loads(row)["text"] for row in rows.stdout.splitlines()] == ["abab", "ab"]


def test_words_keep_their_place_when_moved(model: Model) -> None:
    late = np.concatenate([np.zeros(10 * RATE, np.float32), TWICE])
    early, later = heard(model, TWICE, []), heard(model, late, [])
    moved = [replace(word, start=word.start + 10, end=(word.end or 0) + 10) for word in early[0].words]
    for one, other in zip(moved, later[0].words, strict=True):
        assert (other.start, other.end) == (pytest.approx(one.start), pytest.approx(one.end))
