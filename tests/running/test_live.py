from __future__ import annotations

import json
from itertools import count, pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import ModelProto, TensorProto, helper
from tiny_models import RATE, STREAMS, graph, masked, metadata, save

from trichord import Audio, Clip, Features, InputError, Model
from trichord.clip import Video
from trichord.media import AudioFile, VideoFile, write_audio, write_video
from trichord.running.live import Live, Piece, Turn

EYES = {
    "lips": {"kind": "mouth_crop", "size": [2, 2]},
    "slow": {"kind": "crop", "box": [0.2, 0.2, 0.9, 0.9], "size": [2, 2], "rate": 10.0},
    "few": {"kind": "frames", "size": [2, 2], "grey": True, "count": 3},
}
CLOCKS = {"lips": 25.0, "slow": 10.0, "few": None}


class Clock:
    """Time that passes only where it is slept through, or a model takes it."""

    def __init__(self) -> None:
        self.now, self.slept = 100.0, 0.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        self.slept += seconds


def senses_model() -> ModelProto:
    """transcript = the pixels of the lips, mood = the sums of the other eyes and of the voice."""
    node = helper.make_node
    nodes = [
        *masked("voice", "voice_sum"),
        node("Unsqueeze", ["voice_sum", "axis1"], ["heard"]),
        node("Cast", ["lips"], ["pixels"], to=TensorProto.FLOAT),
        node("Reshape", ["pixels", "flat"], ["transcript"]),
        node("Identity", ["lips_lengths"], ["transcript_lengths"]),
        *(
            part
            for name in ("slow", "few")
            for part in (
                node("Cast", [name], [f"{name}_pixels"], to=TensorProto.FLOAT),
                node("ReduceSum", [f"{name}_pixels", "all_axes"], [f"{name}_sum"], keepdims=0),
                node("Unsqueeze", [f"{name}_sum", "axis1"], [f"{name}_seen"]),
            )
        ),
        node("Concat", ["heard", "slow_seen", "few_seen"], ["sums"], axis=1),
        node("Unsqueeze", ["sums", "axis1"], ["mood"]),
        node("Min", ["voice_lengths", "one"], ["mood_lengths"]),
    ]
    constants = {
        "axis1": np.array([1]), "one": np.array([1]), "zero_float": np.array(0, np.float32),
        "start": np.array(0), "step": np.array(1), "time_axis": np.array(1),
        "flat": np.array([0, 0, 4]), "all_axes": np.array([1, 2, 3]),
    }  # fmt: skip
    inputs: dict[str, Any] = {"voice": (TensorProto.FLOAT, ["batch", "samples"])}
    inputs |= {name: (TensorProto.UINT8, ["batch", f"{name}_time", 2, 2]) for name in EYES}
    inputs |= {f"{name}_lengths": (TensorProto.INT64, ["batch"]) for name in ("voice", *EYES)}
    outputs: dict[str, Any] = {
        "transcript": (TensorProto.FLOAT, ["batch", "lips_time", 4]),
        "transcript_lengths": (TensorProto.INT64, ["batch"]),
        "mood": (TensorProto.FLOAT, ["batch", 1, 3]),
        "mood_lengths": (TensorProto.INT64, ["batch"]),
    }
    return graph(nodes, constants, inputs, outputs)


@pytest.fixture(scope="module")
def senses(tmp_path_factory: pytest.TempPathFactory) -> Model:
    eyes = {
        name: {
            "source": "video",
            "prepare": prepare,
            "input": {"kind": "frames", "rate": CLOCKS[name], "shape": [2, 2]},
        }
        for name, prepare in EYES.items()
    }
    told = metadata((), ("transcript",)) | {"streams": {"voice": STREAMS["voice"], **eyes}}
    told["heads"] |= {"mood": {"kind": "classify", "labels": ["a", "b", "c"]}}
    return Model(
        save(senses_model(), tmp_path_factory.mktemp("senses") / "senses.onnx", json.dumps(told)), threads=1
    )


def noise(seconds: float, rate: int = RATE) -> Audio:
    return Audio(0.1 * np.random.default_rng(1).standard_normal(round(seconds * rate)), rate)


def film(seconds: float, rate: float = 25.0) -> Video:
    frames = np.random.default_rng(2).integers(0, 256, (round(seconds * rate), 24, 32, 3), np.uint8)
    return Video(frames, rate)


def played(model: Model, clip: Clip, **options: Any) -> tuple[Live, list[Turn]]:
    clock = Clock()
    live = Live(model, clip, clock=clock, sleep=clock.sleep, **options)
    return live, list(live.play())


def assert_same(model: Model, turn: Turn, clip: Clip, **options: Any) -> None:
    """The final turn says what the model says of the whole, from the same bits."""
    whole = model(clip, **options)
    assert turn.final
    assert turn.answer.to_dict(attribution=True) == whole.to_dict(attribution=True)
    assert turn.answer._inputs.keys() == whole._inputs.keys()
    for name, array in whole._inputs.items():
        np.testing.assert_array_equal(turn.answer._inputs[name], array)
        assert turn.answer._inputs[name].dtype == array.dtype


@settings(deadline=None, max_examples=25)
@given(
    cuts=st.lists(st.integers(0, 20_000), max_size=6),
    picture_cuts=st.lists(st.integers(0, 30), max_size=4),
    rate=st.sampled_from([8000, 16_000, 44_100]),
    turns=st.booleans(),
)
def test_any_pieces_end_in_the_answer_to_the_whole(
    senses: Model, cuts: list[int], picture_cuts: list[int], rate: int, turns: bool
) -> None:
    sound, pictures = Audio(noise(1).samples, rate), film(1.2)
    clip = Clip("c", {"audio": sound, "video": pictures})
    clock = count(step=0.3)  # every look at it finds a turn to be due
    live = Live(senses, clip, without=["slow"], clock=lambda: next(clock))
    for part in np.split(sound.samples, sorted(cuts)):
        live.push(Piece(0.1, ("voice",), Audio(part, rate)))
        assert not turns or live.turn()
    for frames in np.split(pictures.frames, sorted(picture_cuts)):
        live.push(Piece(0.1, ("lips", "few"), Video(frames, 25.0)))
        assert not turns or live.turn()
    assert_same(senses, live.finish(), clip, without=["slow"])


def test_a_file_ends_as_it_does_at_once(senses: Model, tmp_path: Path) -> None:
    write_video(tmp_path / "clip.mp4", film(1, 30.0), noise(1.1, 44_100))
    write_audio(tmp_path / "sound.flac", noise(1.5, 22_050))
    files = [
        {"audio": AudioFile(tmp_path / "clip.mp4"), "video": VideoFile(tmp_path / "clip.mp4")},
        {"audio": AudioFile(tmp_path / "sound.flac", start=0.2, end=0.9)},
        {"video": VideoFile(tmp_path / "clip.mp4", start=0.3)},
        {"audio": noise(0.5, 8000), "video": film(0.7, 12.5)},
        {"video": Video(film(0.04).frames, 25.0)},
    ]
    for number, inputs in enumerate(files):
        clip = Clip(f"clip {number}", inputs)
        live, turns = played(senses, clip, every=0.1, shares_every=0.5)
        assert_same(senses, turns[-1], clip)
        assert live.shares == senses(clip).attribution


def test_text_and_features(verb: Model, echo: Model) -> None:
    clip = Clip("c", {"audio": noise(0.6), "text": "stop"})
    _, turns = played(verb, clip)
    assert turns[0].answer._inputs["words"].tolist() == [3]  # nothing types it: it is there at once
    assert_same(verb, turns[-1], clip)
    sensor = Clip("s", {"sensor": Features(np.eye(4, dtype=np.float32)[[2, 2, 0, 3, 1, 2, 0, 0] * 4], 25.0)})
    _, turns = played(echo, sensor)
    assert_same(echo, turns[-1], sensor)


def test_it_plays_at_real_speed_and_dims_what_may_change(echo: Model) -> None:
    steps = [2, 2, 0, 3, 1, 2, 0, 0, 1, 3]  # "ab a b"
    clip = Clip("s", {"sensor": Features(9 * np.eye(4, dtype=np.float32)[steps], 25.0)})
    live, turns = played(echo, clip, every=0.08)
    assert [turn.end for turn in turns] == pytest.approx([0.08, 0.16, 0.24, 0.32, 0.4])
    assert [turn.answer.transcript for turn in turns] == ["a", "ab", "ab a", "ab a", "ab a b"]
    assert [turn.settled["transcript"] for turn in turns] == [0, 0, 1, 2, 3]
    assert [turn.lag for turn in turns] == pytest.approx([0] * 5, abs=0.002)
    assert live.skipped == 0
    assert live.elapsed == pytest.approx(0.4, abs=0.01)
    assert live.real_time_factor == pytest.approx(0, abs=0.01)


def test_turns_that_cannot_be_kept_are_skipped(echo: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    clock, run = Clock(), echo.logits

    def slow(inputs: Any) -> Any:
        clock.now += 0.3
        return run(inputs)

    monkeypatch.setattr(echo, "logits", slow)
    clip = Clip("s", {"sensor": Features(np.zeros((50, 4)), 25.0)})
    live = Live(echo, clip, every=0.1, clock=clock, sleep=clock.sleep)
    turns = list(live.play())
    assert len(turns) == 8  # 7 of 0.3 s in 2 s, and the final one
    assert live.skipped >= 12
    assert all(0.3 <= turn.lag < 0.45 for turn in turns[:-1])  # it stays behind by one turn, and no more
    assert [b.end - a.end for a, b in pairwise(turns[:-2])] == pytest.approx([0.3] * 5, abs=0.05)
    assert live.real_time_factor == pytest.approx(2.4 / 2, abs=0.01)


def test_of_a_longer_clip_the_last_seconds_are_kept(senses: Model) -> None:
    clip = Clip("long", {"audio": noise(7.5), "video": film(7.3)})
    live, turns = played(senses, clip, every=0.5)
    last, inputs = turns[-1], turns[-1].answer._inputs
    assert last.begin == 2.52  # 7.5 - 5, at the next step of the model's clock
    np.testing.assert_array_equal(inputs["voice"], noise(7.5).samples[round(2.52 * RATE) :])
    assert len(inputs["lips"]) == round((7.3 - 2.52) * 25)
    assert [turn.begin for turn in turns[:9]] == [0] * 9
    for turn in turns:
        for name, array in turn.answer._inputs.items():
            senses.preparations.check_length(clip, name, len(array), senses.streams[name].input.spec)
    assert all(len(receiver.array()) <= 5 * RATE + 1 for receiver in live.receivers.values())


def test_mistakes(senses: Model, verb: Model) -> None:
    with pytest.raises(InputError, match="the model reads audio, text; the clip has sensor"):
        Live(verb, Clip("c", {"sensor": Features(np.zeros((2, 4)))}))
    with pytest.raises(InputError, match="did you mean 'voice'"):
        Live(verb, Clip("c", {"text": "go"}), without=["voices"])
    with pytest.raises(InputError, match="c: stream 'voice': expected Audio"):
        played(verb, Clip("c", {"audio": film(0.2)}))
    live = Live(verb, Clip("c", {"audio": noise(1)}))
    live.push(Piece(0.1, ("voice",), noise(0.1, 8000)))
    with pytest.raises(InputError, match="changes midway, from 8000 to 16000 Hz"):
        live.push(Piece(0.2, ("voice",), noise(0.1)))


def test_nothing_to_sense(verb: Model) -> None:
    _, turns = played(verb, Clip("c", {"audio": noise(0.5)}), without=["voice"])
    assert [turn.answer.verb for turn in turns] == ["not sure"]


def test_the_level_is_that_of_the_newest_sound(verb: Model) -> None:
    live = Live(verb, Clip("c", {"audio": noise(1)}))
    live.push(Piece(0.1, ("voice",), Audio(np.full(800, 0.1), RATE)))
    assert live.receivers["voice"].level_db == pytest.approx(-20, abs=0.01)
    live.push(Piece(0.2, ("voice",), Audio(np.zeros(800), RATE)))
    assert live.receivers["voice"].level_db == -90
