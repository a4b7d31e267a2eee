from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny_models import RATE, VOICE, WORDS

import trichord
from trichord import Audio, Clip, Features, InputError, MissingError, Model
from trichord.media import AudioFile, write_audio
from trichord.running.runtime.zoo import find, load, zoo_names

TONE = np.sin(np.arange(RATE) / 10).astype(np.float32)


def logits(samples: np.ndarray, *ids: int) -> np.ndarray:
    """What the verb model should give."""
    loudness = np.abs(samples).mean() if len(samples) else 0
    return VOICE * loudness + WORDS[list(ids)].sum(0)


def probabilities(values: np.ndarray) -> np.ndarray:
    return np.exp(values) / np.exp(values).sum()


def test_answers_by_head(verb: Model) -> None:
    answer = verb({"audio": Audio(TONE, RATE), "text": "turn"})
    expected = probabilities(logits(TONE, 4))
    assert answer.verb == "turn"
    assert list(answer["verb"].scores.values()) == pytest.approx(expected.tolist(), abs=1e-5)
    assert answer.confidence == answer["verb"].confidence == pytest.approx(expected[2], abs=1e-5)
    assert list(answer) == ["verb"]
    assert "verb" in dir(answer)
    assert "verb = 'turn'" in repr(answer)


def test_unknown_names_say_what_there_is(verb: Model) -> None:
    answer = verb({"text": "go"})
    with pytest.raises(AttributeError, match="no head 'noun'; this answer has: verb"):
        _ = answer.noun
    with pytest.raises(KeyError, match="this answer has: verb"):
        _ = answer["noun"]
    with pytest.raises(InputError, match="no head 'noun'"):
        answer.explain("noun")


def test_absent_streams_and_without(verb: Model) -> None:
    both = {"audio": Audio(TONE, RATE), "text": "stop"}
    scores = [verb(both, without=["words"])["verb"].scores, verb({"audio": both["audio"]})["verb"].scores]
    assert scores[0] == scores[1]
    assert list(scores[0].values()) == pytest.approx(probabilities(logits(TONE)).tolist(), abs=1e-5)
    with pytest.raises(InputError, match="did you mean 'voice'"):
        verb(both, without=["voices"])


def test_nothing_at_all(verb: Model, echo: Model) -> None:
    silent = verb({"text": ""})
    assert silent.verb == "not sure"
    assert silent.attribution == {}
    assert verb({"text": "go"}, without=["voice", "words"]).verb == "not sure"
    none = echo({"sensor": np.zeros((0, 4), np.float32)})
    assert none.transcript == ""
    assert none.events == ()
    assert none.attribution == {}
    assert none.occlude() == {}


def test_a_clip_without_any_of_the_inputs(verb: Model) -> None:
    clip = Clip("c7", {"sensor": Features(np.zeros((2, 4)))})
    with pytest.raises(InputError, match="c7: the model reads audio, text; the clip has sensor"):
        verb(clip)
    with pytest.raises(InputError, match="the clip has nothing"):
        verb({})
    with pytest.raises(InputError, match="got int"):
        verb(7)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="input 'audio' is list"):
        verb({"audio": [1.0, 2.0]})  # type: ignore[dict-item]
    with pytest.raises(InputError, match="expected Audio"):
        verb({"audio": Features(np.zeros((2, 4)))})


def test_events_of_a_transcript(echo: Model) -> None:
    steps = [2, 2, 0, 3, 1, 2, 0, 0]  # "ab a"
    signal = 9 * np.eye(4, dtype=np.float32)[steps]
    answer = echo({"sensor": signal})
    assert answer.transcript == "ab a"
    assert [event.what for event in answer.events] == ["ab", "a"]
    assert answer.events[0].start == pytest.approx(0, abs=0.041)
    assert answer.events[1].start == pytest.approx(5 / 25, abs=0.041)
    plain = json.loads(json.dumps(answer.to_dict(attribution=True)))
    assert plain["answers"]["transcript"]["value"] == "ab a"
    assert plain["attribution"] == {"signal": 1.0}


@settings(deadline=None, max_examples=15)
@given(st.lists(st.integers(0, 3000), min_size=1, max_size=5))
def test_alone_equals_in_a_batch(verb: Model, lengths: list[int]) -> None:
    clips = [{"audio": Audio(TONE[:n], RATE), "text": "go now"[: n % 7]} for n in lengths]
    for clip, together in zip(clips, verb.batch(clips), strict=True):
        alone = verb(clip)
        assert together["verb"].scores == pytest.approx(alone["verb"].scores, abs=1e-6)
    assert verb.batch([]) == []


def test_too_long(verb: Model, echo: Model, tmp_path: Path) -> None:
    expected = "longer than 5 s, the most that this model accepts"
    with pytest.raises(InputError, match=expected):
        verb({"audio": Audio(np.zeros(6 * RATE), RATE)})
    with pytest.raises(InputError, match=expected):
        echo({"sensor": np.zeros((127, 4))})
    write_audio(tmp_path / "long.wav", Audio(np.zeros(20 * RATE), RATE))
    with pytest.raises(InputError, match=expected):
        verb(tmp_path / "long.wav")


def test_files(verb: Model, echo: Model, tmp_path: Path) -> None:
    path = tmp_path / "tone.wav"
    write_audio(path, Audio(0.5 * TONE, RATE))
    answers = [verb(path), verb(str(path)), verb({"audio": path}), verb({"audio": str(path)})]
    assert answers[0].clip == "tone"
    for answer in answers:
        expected = probabilities(logits(0.5 * TONE)).tolist()
        assert list(answer["verb"].scores.values()) == pytest.approx(expected, abs=1e-3)
    np.save(tmp_path / "s.npy", 9 * np.eye(4))
    assert echo({"sensor": tmp_path / "s.npy"}).transcript == "ab"
    (tmp_path / "t.txt").write_text("stop")
    assert verb(tmp_path / "t.txt").verb == "stop"
    with pytest.raises(InputError, match="'audio' was asked for"):
        verb({"audio": a_picture(tmp_path)})


def test_a_broken_file_is_named(verb: Model, tmp_path: Path) -> None:
    path = tmp_path / "cut.wav"
    write_audio(path, Audio(TONE, RATE))
    clip = Clip("c9", {"audio": AudioFile(path)})
    path.write_bytes(path.read_bytes()[:20])
    with pytest.raises(InputError, match=r"c9: stream 'voice': .*cut\.wav"):
        verb(clip)


def test_a_real_clip(verb: Model) -> None:
    root = Path(os.environ.get("TRICHORD_DATA", Path(__file__).parents[2].parent / "shared" / "data"))
    path = root / "grid" / "s1" / "bbaf2n.mp4"
    if not path.exists():
        pytest.skip(f"the GRID corpus is not at {root}")
    answer = verb({"audio": path, "text": "turn turn turn"})
    assert answer.verb == "turn"
    assert sum(abs(share) for share in answer.attribution.values()) == pytest.approx(1)
    assert len(answer.occlude(step=0.5)["voice"].times) == 6


def a_picture(folder: Path) -> Path:
    from trichord.media import write_image

    write_image(folder / "p.png", np.zeros((8, 8, 3), np.uint8))
    return folder / "p.png"


def test_bare_arrays(verb: Model) -> None:
    whole = (TONE * 32767).astype(np.int16)
    scores = [verb({"audio": audio})["verb"].scores for audio in (TONE, TONE.astype(np.float64), whole)]
    assert scores[1] == pytest.approx(scores[0])
    assert scores[2] == pytest.approx(scores[0], abs=1e-3)
    with pytest.raises(InputError, match="NaN"):
        verb({"audio": np.full(100, np.nan)})


def test_low_level(echo: Model) -> None:
    short, long = np.ones((2, 4), np.float32), np.zeros((5, 4), np.float32)
    given_logits = echo.logits([{"signal": short}, {"signal": long}, {}])
    assert [item["transcript"].shape for item in given_logits] == [(2, 4), (5, 4), (0, 4)]
    assert echo.rate == 25
    assert repr(echo) == "Model('tiny': signal -> transcript)"


def test_load(verb: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    folder = Path("zoo-research")
    folder.mkdir()
    (folder / "tiny-verb.onnx").write_bytes(verb.path.read_bytes())
    assert "tiny-verb" in zoo_names()
    assert trichord.load("tiny-verb").metadata == load(verb.path, threads=1).metadata
    assert find(str(verb.path)) == verb.path
    with pytest.raises(MissingError, match="did you mean 'tiny-verb'"):
        load("tiny-verbs")
    with pytest.raises(MissingError, match="no such file"):
        load("absent.onnx")
    with pytest.raises(MissingError, match=r"download the \.onnx file from huggingface.co/owner/name"):
        load("hf:owner/name")
    with pytest.raises(trichord.ArtifactError, match="a folder"):
        load(folder)
