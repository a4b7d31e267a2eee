from __future__ import annotations

from itertools import permutations
from pathlib import Path
from unittest import mock

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny_models import RATE

from trichord import Audio, Clip, InputError, Model
from trichord.decoding import log_probability
from trichord.running.explain import Attribution, Parts, coalitions, shapley
from trichord.running.explain.by_class import (
    EVERY,
    attributions,
    gather,
    save_class_picture,
    shares_by_class,
)
from trichord.running.explain.picture import save_picture

Game = dict[frozenset[str], float]


@st.composite
def games(draw: st.DrawFn, smallest: int = 1) -> Game:
    players = [f"s{index}" for index in range(draw(st.integers(smallest, 5)))]
    worth = st.floats(-100, 100)
    return {group: draw(worth) for group in coalitions(players)}


@given(games())
def test_efficiency(game: Game) -> None:
    values = list(game.values())
    assert sum(shapley(game).values()) == pytest.approx(values[-1] - values[0], abs=1e-9)


@given(games(smallest=2))
def test_symmetry(game: Game) -> None:
    swap = {"s0": "s1", "s1": "s0"}
    mirrored = {frozenset(swap.get(name, name) for name in group): value for group, value in game.items()}
    same = {group: (value + mirrored[group]) / 2 for group, value in game.items()}
    shares = shapley(same)
    assert shares["s0"] == pytest.approx(shares["s1"], abs=1e-9)


@given(games())
def test_null_player(game: Game) -> None:
    idle = {group: game[group - {"s0"}] for group in game}
    assert shapley(idle)["s0"] == 0


@given(games(), games())
def test_additivity(one: Game, other: Game) -> None:
    groups = min(one, other, key=len)
    total = {group: one[group] + other[group] for group in groups}
    separate = [shapley({group: game[group] for group in groups}) for game in (one, other)]
    for name, share in shapley(total).items():
        assert share == pytest.approx(sum(values[name] for values in separate), abs=1e-9)


@given(games())
def test_equals_the_mean_over_orders(game: Game) -> None:
    players = sorted(max(game, key=len))
    orders = list(permutations(players))
    for player, value in shapley(game).items():
        added = []
        for order in orders:
            before = frozenset(order[: order.index(player)])
            added.append(game[before | {player}] - game[before])
        assert value == pytest.approx(np.mean(added), abs=1e-9)


def test_a_missing_coalition() -> None:
    with pytest.raises(ValueError, match=r"no value for the coalition \['a'\]"):
        shapley({frozenset(): 0.0, frozenset("ab"): 1.0, frozenset("b"): 1.0})


@given(st.dictionaries(st.text(max_size=3), st.floats(-1e3, 1e3), max_size=5))
def test_shares(nats: dict[str, float]) -> None:
    shares = Attribution(nats, 0, 0).shares
    assert sum(abs(share) for share in shares.values()) == pytest.approx(1 if any(nats.values()) else 0)
    assert all(share * nats[name] >= 0 for name, share in shares.items())


def test_streams_of_an_answer(verb: Model) -> None:
    loud = Audio(np.ones(RATE), RATE)
    answer = verb({"audio": loud, "text": "stop"})  # the voice says go, the word says stop, but less
    assert answer.verb == "go"
    found = answer.explain("verb")
    head = verb.heads["verb"]
    worths = {
        frozenset(kept): log_probability(head, verb.logits([kept])[0]["verb"], "go")
        for kept in ({}, {"voice": loud.samples}, {"words": np.array([3])},
                     {"voice": loud.samples, "words": np.array([3])})
    }  # fmt: skip
    assert found.nats == pytest.approx(shapley(worths), abs=1e-5)
    assert sum(found.nats.values()) == pytest.approx(found.full - found.empty, abs=1e-5)
    assert found.empty == pytest.approx(np.log(1 / 3))
    assert found.full == pytest.approx(answer["verb"].log_score, abs=1e-5)
    assert answer.attribution["voice"] > 0 > answer.attribution["words"]
    assert answer.attribution == found.shares
    assert found.learned


def test_a_transcript_against_silence(echo: Model) -> None:
    answer = echo({"sensor": 9 * np.eye(4, dtype=np.float32)[[2, 0, 3]]})
    found = answer.explain()
    assert np.isfinite(found.empty)  # though no frames cannot spell "ab"
    assert found.full == pytest.approx(answer["transcript"].log_score, abs=1e-5)
    assert found.shares == {"signal": 1.0}


def test_a_shorter_transcript_is_taken_as_it_is(echo: Model) -> None:
    """Two steps that spell the answer are worth as much as they say, though four gave it."""
    from trichord.running.explain.worth import worths

    said = 9 * np.eye(4, dtype=np.float32)[[2, 0, 3, 0]]
    answers, full = {"transcript": "ab"}, {"transcript": said}
    short, mute = worths(echo, [{"signal": said[[0, 2]]}, {"signal": said[:1]}], answers, full)
    head = echo.heads["transcript"]
    assert short == pytest.approx(log_probability(head, said[[0, 2]], "ab"), abs=1e-5)
    assert mute == pytest.approx(log_probability(head, np.zeros((4, 4)), "ab"))


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 3 * RATE // 100), st.lists(st.sampled_from(["go", "now", "stop", "turn"]), max_size=5))
def test_subsets_are_one_run_at_most_and_add_up(verb: Model, length: int, words: list[str]) -> None:
    samples = np.sin(np.arange(length) / 7).astype(np.float32)
    answer = verb({"audio": Audio(samples, RATE), "text": " ".join(words)})
    with mock.patch.object(verb, "run", wraps=verb.run) as runs:
        found = answer.explain()
    assert runs.call_count == bool(words)  # one stream alone is everything, which is known
    assert sum(found.nats.values()) == pytest.approx(found.full - found.empty, abs=1e-5)


def test_shares_by_class(verb: Model, tmp_path: Path) -> None:
    said = [(loud, word) for loud in (0.5, 1.0) for word in ("go", "stop", "turn")]
    clips = [
        Clip(
            f"c{number}",
            {"audio": Audio(np.full(RATE, loud, np.float32), RATE), "text": word},
            {"verb": word},
        )
        for number, (loud, word) in enumerate(said)
    ]
    ready = [(clip, verb.preparations(clip)) for clip in clips]
    shares = shares_by_class(verb, ready, against="uniform")
    assert list(shares["verb"]) == [EVERY, "go", "stop", "turn"]
    own = [verb(clip).attribution for clip in clips]
    for stream in ("voice", "words"):
        assert shares["verb"][EVERY][stream].value == pytest.approx(np.mean([s[stream] for s in own]))
        stops = [s[stream] for s, (_, word) in zip(own, said, strict=True) if word == "stop"]
        assert shares["verb"]["stop"][stream].value == pytest.approx(np.mean(stops))
    save_class_picture(tmp_path / "classes.png", shares)
    assert (tmp_path / "classes.png").read_bytes().startswith(b"\x89PNG")
    with pytest.raises(InputError, match="no clips"):
        shares_by_class(verb, [])


def test_what_is_always_said_owes_nothing_to_a_stream(verb: Model) -> None:
    """Against its average output, a voice that is the same in every clip explains nothing of the words."""
    voice = Audio(np.full(RATE, 0.01, np.float32), RATE)
    clips = [
        Clip(word, {"audio": voice, "text": word}, {"verb": word}) for word in ("go", "stop", "turn")
    ] * 5
    ready = [(clip, verb.preparations(clip)) for clip in clips]
    share = shares_by_class(verb, ready)["verb"][EVERY]
    assert abs(share["voice"].value) < 0.1 < 0.9 < share["words"].value


def test_noise_owes_nothing_to_a_transcript(echo: Model) -> None:
    """Frames that say the same of every clip are a step up from labels all alike, none from their mean."""
    steady = np.tile(np.array([6, 0, 0, 0], np.float32), (30, 1))
    ready = [(Clip(str(n), {"text": "x"}), {"signal": steady}) for n in range(3)]
    found = gather(echo, ready)["transcript"]
    assert attributions(echo, "transcript", found, "uniform")[0].nats["signal"] > 5
    assert attributions(echo, "transcript", found, "average")[0].nats["signal"] == pytest.approx(0, abs=1e-4)


def test_occlusion_finds_the_moment(verb: Model) -> None:
    samples = np.zeros(2 * RATE, np.float32)
    samples[RATE : RATE + RATE // 2] = 1
    curves = verb({"audio": Audio(samples, RATE), "text": "now"}).occlude(window=0.2, step=0.05)
    assert set(curves) == {"voice"}
    voice = curves["voice"]
    assert len(voice.times) == len(voice.drop) == 40
    inside = (voice.times > 1.1) & (voice.times < 1.4)
    outside = (voice.times < 0.85) | (voice.times > 1.65)
    assert voice.drop[inside].min() > 0.05
    assert np.abs(voice.drop[outside]).max() < 1e-5


def test_occlusion_of_an_array(echo: Model) -> None:
    signal = 9 * np.eye(4, dtype=np.float32)[[2] * 10 + [0] * 10 + [3] * 10]
    answer = echo({"sensor": signal})
    curve = answer.occlude("transcript", window=0.4, step=0.4)["signal"]
    blanked = signal.copy()
    blanked[:10] = signal.mean(0)  # the first 0.4 s at 25 Hz
    worths = [log_probability(echo.heads["transcript"], values, "ab") for values in (signal, blanked)]
    assert curve.times == pytest.approx([0.2, 0.6, 1.0])
    assert curve.drop[0] == pytest.approx(worths[0] - worths[1], rel=1e-4)


def test_windows_are_bounded(echo: Model) -> None:
    answer = echo({"sensor": np.zeros((100, 4))})
    with pytest.raises(InputError, match="at most 500"):
        answer.occlude(step=1e-5)
    with pytest.raises(InputError, match="above 0 s"):
        answer.occlude(window=0)


def test_too_many_streams(verb: Model) -> None:
    from trichord.running.explain import explain_streams

    inputs = {f"s{index}": np.ones(1) for index in range(9)}
    with pytest.raises(InputError, match="512 coalitions"):
        explain_streams(verb, inputs, {}, {})


def test_picture(verb: Model, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    answer = verb({"audio": Audio(np.ones(RATE), RATE), "text": "stop"})
    path = tmp_path / "why.png"
    save_picture(path, answer.explain(), answer.occlude(), answer.events, title="go")
    assert path.read_bytes().startswith(b"\x89PNG")
    assert list(tmp_path.iterdir()) == [path]
    save_picture(path, Attribution({}, 0, 0))


@pytest.mark.parametrize("shape", [(6, 4), (6, 8, 10), (6, 8, 10, 3)])
def test_parts_are_drawn_and_told(shape: tuple[int, ...], tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    nats = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    nats[4] *= 9
    pictures = np.zeros(shape, np.uint8) if len(shape) > 2 else None
    part = Parts("array" if pictures is None else "frames", nats, 25.0, pictures=pictures)
    told = part.to_dict()
    assert told["seconds"] == pytest.approx((np.arange(6) + 0.5) / 25)
    assert sum(told["nats"]) == pytest.approx(nats.sum(), abs=1e-3)
    if pictures is None:
        assert np.shape(told["features"]) == shape
    else:
        assert told["strongest"]["frame"] == 4
        assert np.shape(told["strongest"]["nats"]) == shape[1:3]
        assert np.shape(told["strongest"]["picture"]) == shape[1:]
    words = Parts("tokens", np.array([1, -2], np.float32), tokens=("now", "?"))
    save_picture(tmp_path / "why.png", Attribution({"x": 1.0}, 0, 0), parts={"x": part, "words": words})
    assert (tmp_path / "why.png").read_bytes().startswith(b"\x89PNG")
