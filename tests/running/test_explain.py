from __future__ import annotations

from itertools import permutations
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tiny_models import RATE

from trichord import Audio, InputError, Model
from trichord.decoding import log_probability
from trichord.running.explain import Attribution, coalitions, shapley
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
