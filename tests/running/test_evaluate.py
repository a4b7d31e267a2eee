from __future__ import annotations

import json
from copy import copy
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny_models import RATE, VERBS

from trichord import Audio, Clip, Features, InputError, Model
from trichord.learning.recipe import StreamRecipe
from trichord.learning.training.data import prepare_clips
from trichord.running.conditions import Conditions, Disturbance, Ready
from trichord.running.evaluate import answer_all, evaluate


def clips(count: int) -> list[Clip]:
    """Loud clips say go, silent ones what their word says; every eighth label is wrong."""
    rng = np.random.default_rng(0)
    made = []
    for index in range(count):
        said = VERBS[index % 3]
        level = 1.0 if said == "go" else 0.0
        samples = level * rng.standard_normal(int(rng.integers(800, RATE)))
        target = "go" if index % 8 == 7 else said
        about = {"speaker": f"p{index % 4}"}
        inputs = {"audio": Audio(samples, RATE), "text": said}
        made.append(Clip(f"c{index}", inputs, {"verb": target}, about))
    return made


def test_report(verb: Model) -> None:
    data = clips(24)
    report = evaluate(verb, iter(data), batch=3)
    wrong = sum(clip.targets["verb"] != clip.inputs["text"] for clip in data)
    accuracy = report.heads["verb"]["accuracy"]
    assert accuracy.value == pytest.approx(1 - wrong / 24)
    assert accuracy.low <= accuracy.value <= accuracy.high
    assert (report.clips, report.model) == (24, "tiny")
    heard = sum(clip.inputs["audio"].seconds for clip in data)  # type: ignore[union-attr]
    assert report.seconds == pytest.approx(heard)
    assert report.real_time_factor is not None and report.real_time_factor > 0
    assert json.loads(json.dumps(report.to_dict(), allow_nan=False))["heads"]["verb"]["accuracy"]["n"] == 24


def test_batches_change_nothing(verb: Model) -> None:
    reports = [evaluate(verb, clips(20), Conditions(noise="white:0dB"), batch=batch) for batch in (1, 7)]
    assert reports[0].heads["verb"]["accuracy"] == reports[1].heads["verb"]["accuracy"]


def test_withheld_streams(verb: Model) -> None:
    report = evaluate(verb, clips(24), Conditions(without=("words",)))
    assert report.heads["verb"]["accuracy"].value < 0.7
    assert report.to_dict()["without"] == ["words"]


@pytest.mark.parametrize("noise", ["babble:0dB", "pink:-5dB", "white:10"])
def test_noise(verb: Model, noise: str) -> None:
    first, again = (evaluate(verb, clips(12), Conditions(noise=noise, seed=3)) for _ in range(2))
    assert first.heads == again.heads
    assert first.to_dict()["noise"] == noise


def test_a_room_blurs_a_voice_and_gaps_silence_it(verb: Model) -> None:
    voice = np.zeros(RATE, np.float32)
    voice[0] = 1.0
    item = Ready(Clip("c", {}), {"voice": voice, "words": np.array([1, 2])})
    (blurred,) = Disturbance(verb, Conditions(room=0.3))([item])
    assert np.count_nonzero(blurred.inputs["voice"][: int(0.3 * RATE)]) > 0.25 * RATE
    loud = Ready(item.clip, item.inputs | {"voice": np.ones(5 * RATE, np.float32)})
    (cut,) = Disturbance(verb, Conditions(gaps={"voice": 0.5}))([loud])
    assert (cut.inputs["voice"] == 0).mean() == pytest.approx(0.5, abs=0.15)
    assert cut.inputs["words"] is item.inputs["words"]
    assert (loud.inputs["voice"] == 1).all()
    (again,) = Disturbance(verb, Conditions(gaps={"voice": 0.5}))([loud])
    assert np.array_equal(cut.inputs["voice"], again.inputs["voice"])


@pytest.mark.parametrize(
    ("conditions", "message"),
    [
        (Conditions(gaps={"voise": 0.5}), "gaps: 'voise' is no clocked stream.*did you mean 'voice'"),
        (Conditions(gaps={"words": 0.5}), "gaps: 'words' is no clocked stream"),
        (Conditions(gaps={"voice": 1.5}), "gaps: voice's share must be from 0 to 1; got 1.5"),
        (Conditions(room=-1), "reverberation time"),
        (Conditions(outliers={"words": 2}), "outliers: words's share must be from 0 to 1; got 2"),
        (Conditions(missing={"voice": -1}), "missing: voice's share must be from 0 to 1; got -1"),
        (Conditions(missing={"lips": 1}), "missing: 'lips' is no stream"),
        (Conditions(swapped=("word",)), "swapped: 'word' is no stream.*did you mean 'words'"),
        (Conditions(noise={"words": "white:0dB"}), "noise: 'words' is no stream of samples, frames"),
    ],
)
def test_impossible_conditions(verb: Model, conditions: Conditions, message: str) -> None:
    with pytest.raises(InputError, match=message):
        evaluate(verb, clips(3), conditions)


def test_shares_come_with_the_answers(verb: Model) -> None:
    answers = answer_all(verb, clips(6), explain=True)
    assert len(answers.shares) == len(answers.pairs) == 6
    for (clip, _), shares in zip(answers.pairs, answers.shares, strict=True):
        assert set(shares) == {"voice", "words"}
        if clip.inputs["text"] == "stop":
            assert shares["words"] > abs(shares["voice"])  # silent: only the word speaks


DISTURBED = Conditions(
    noise="white:0dB", outliers={"voice": 0.1, "words": 0.5}, missing={"words": 0.5}, seed=3
)


def ready(count: int) -> list[Ready]:
    rng = np.random.default_rng(1)
    return [
        Ready(
            Clip(f"c{index}", {}, {"verb": VERBS[index % 3]}),
            {"voice": rng.standard_normal(50).astype(np.float32), "words": rng.integers(1, 5, 4)},
        )
        for index in range(count)
    ]


def same(first: Ready, second: Ready) -> bool:
    names = first.inputs.keys()
    return names == second.inputs.keys() and all(
        np.array_equal(first.inputs[name], second.inputs[name]) for name in names
    )


@settings(deadline=None, max_examples=30)
@given(st.lists(st.integers(0, 9), unique=True, min_size=1), st.integers(0, 3))
def test_a_disturbance_is_drawn_from_seed_and_clip_alone(verb: Model, chosen: list[int], seed: int) -> None:
    conditions, items = replace(DISTURBED, seed=seed), ready(10)
    together = Disturbance(verb, conditions)(items)
    some = Disturbance(verb, conditions)([items[number] for number in chosen])
    assert all(same(together[number], item) for number, item in zip(chosen, some, strict=True))
    others = Disturbance(verb, replace(conditions, seed=seed + 1))(items)
    assert not all(map(same, together, others))


@settings(deadline=None, max_examples=30)
@given(st.floats(0, 1), st.floats(0, 1))
def test_more_is_lost_at_a_higher_rate(verb: Model, first: float, second: float) -> None:
    low, high = sorted([first, second])
    lost = []
    for rate in (low, high):
        conditions = Conditions(missing={"words": rate}, outliers={"voice": rate})
        items = ready(10)
        changed = Disturbance(verb, conditions)(items)
        absent = {item.clip.id for item in changed if "words" not in item.inputs}
        wild = [item.inputs["voice"] != before.inputs["voice"]
                for item, before in zip(changed, items, strict=True)]  # fmt: skip
        lost.append((absent, np.stack(wild)))
    assert lost[0][0] <= lost[1][0]
    assert not (lost[0][1] & ~lost[1][1]).any()
    everything = Disturbance(verb, Conditions(missing={"words": 1}))(ready(10))
    assert all(set(item.inputs) == {"voice"} for item in everything)


def test_a_swapped_stream_is_another_clips_with_another_target(verb: Model) -> None:
    items = ready(70)
    swapped = Disturbance(verb, Conditions(swapped=("words",)))(items)
    arrays = {item.clip.id: item.inputs for item in items}
    for item, before in zip(swapped, items, strict=True):
        lender = item.lent["words"]
        assert lender.targets != item.clip.targets
        assert item.inputs["words"] is arrays[lender.id]["words"]
        assert item.inputs["voice"] is before.inputs["voice"]
    assert len({item.lent["words"].id for item in swapped}) > 20
    (alone,) = Disturbance(verb, Conditions(swapped=("words",)))(items[:1])
    assert not alone.lent


def test_a_sorted_corpus_lends_from_every_class(verb: Model) -> None:
    data = sorted(clips(192), key=lambda clip: str(clip.targets["verb"]))
    swap = Conditions(swapped=("words",))
    for answers in (
        answer_all(verb, data, swap),
        answer_all(verb, iter(data), swap, pool=data),  # as behind a progress bar
    ):
        lent = [
            (clip, lender["words"]) for (clip, _), lender in zip(answers.pairs, answers.lent, strict=True)
        ]
        assert all(clip.targets != lender.targets for clip, lender in lent)
        assert {lender.targets["verb"] for _, lender in lent} == set(VERBS)
    first = answer_all(verb, iter(data), swap)
    assert {lender["words"].targets["verb"] for lender in first.lent} == {"go"}


def test_a_swap_looks_at_the_models_own_heads(verb: Model) -> None:
    """Clips with another target for a head that the model has not are no other clips."""
    items = ready(12)
    told = [item.clip.targets | {"mood": item.clip.id} for item in items]  # type: ignore[operator]
    items = [item._replace(clip=replace(item.clip, targets=targets))
             for item, targets in zip(items, told, strict=True)]  # fmt: skip
    for item in Disturbance(verb, Conditions(swapped=("words",)))(items):
        assert item.lent["words"].targets["verb"] != item.clip.targets["verb"]


def test_gaps_stay_where_they_are_in_noise_and_in_a_room(verb: Model) -> None:
    item = Ready(Clip("c", {}), {"voice": np.ones(3 * RATE, np.float32)})
    alone, *others = (
        Disturbance(verb, Conditions(gaps={"voice": 0.5}, noise=noise, room=room))([item])[0].inputs["voice"]
        == 0
        for noise, room in ((None, None), ("white:0dB", None), (None, 0.3), ("pink:0dB", 0.3))
    )
    assert alone.any()
    assert all(np.array_equal(alone, other) for other in others)
    quiet, roomy = (
        Disturbance(verb, Conditions(noise="white:0dB", room=room))([item])[0].inputs["voice"]
        for room in (None, 1e-4)
    )
    assert np.corrcoef(quiet, roomy)[0, 1] > 0.9  # the same noise


def test_batches_swap_the_same(verb: Model) -> None:
    reports = [evaluate(verb, clips(70), Conditions(swapped=("words",)), batch=batch) for batch in (1, 8)]
    assert reports[0].heads["verb"]["accuracy"] == reports[1].heads["verb"]["accuracy"]
    assert reports[0].to_dict()["swapped"] == ["words"]


def test_every_condition_is_told(verb: Model) -> None:
    conditions = Conditions(noise={"voice": "white:0dB"}, outliers={"words": 0.1}, missing={"voice": 0.5})
    told = json.loads(json.dumps(evaluate(verb, clips(6), conditions).to_dict(), allow_nan=False))
    assert told["noise"] == {"voice": "white:0dB"}
    assert told["outliers"] == {"words": 0.1}
    assert told["missing"] == {"voice": 0.5}


def test_features_are_noisy_in_training_deviations(echo: Model) -> None:
    item = Ready(Clip("c", {}), {"signal": np.full((5000, 4), 7.0, np.float32)})
    (noisy,) = Disturbance(echo, Conditions(noise={"signal": "white:20dB"}))([item])
    assert noisy.inputs["signal"].std() == pytest.approx(0.1, rel=0.05)  # type: ignore[attr-defined]
    (wild,) = Disturbance(echo, Conditions(outliers={"signal": 0.1}))([item])
    assert set(np.unique(wild.inputs["signal"])) == {-10.0, 7.0, 10.0}
    with pytest.raises(InputError, match="its noise is white, not babble"):
        Disturbance(echo, Conditions(noise={"signal": "babble:0dB"}))


def test_noise_needs_samples(echo: Model) -> None:
    clip = Clip("c", {"sensor": np.zeros((1, 4))}, {"transcript": "a"})  # type: ignore[dict-item]
    with pytest.raises(InputError, match="no stream of samples"):
        evaluate(echo, [clip], Conditions(noise="white:0dB"))


def test_a_model_gets_used_to_each_speaker_as_training_did(echo: Model) -> None:
    rng = np.random.default_rng(0)
    data = [
        Clip(f"{who}{number}", {"sensor": Features((rng.normal(size=(6, 4)) + far).astype(np.float32), 25.0)},
             {"transcript": "a"}, {"speaker": who})
        for who, far in (("ann", 0.0), ("bob", 9.0)) for number in range(20)
    ]  # fmt: skip
    stream = StreamRecipe.model_validate(
        {"from": "sensor", "encoder": "cnn", "prepare": {"kind": "array", "by": "speaker"}}
    )
    stream.prepare.fit(clip.inputs["sensor"] for clip in data)
    own, echo.preparations = echo.preparations, copy(echo.preparations)
    echo.preparations.by_stream = {"signal": stream.prepare}
    try:
        assert echo.preparations.groups == {"speaker"}
        told = {clip.id: said["transcript"] for clip, said in answer_all(echo, data).pairs}
        for item, clip in zip(prepare_clips(data, {"signal": stream}, None), data, strict=True):
            np.testing.assert_array_equal(item.inputs["signal"], echo.preparations(clip)["signal"])
            assert told[clip.id] == echo.decode({"transcript": item.inputs["signal"]})["transcript"]
    finally:
        echo.preparations = own


def test_unlabelled_clips_are_run_but_not_scored(verb: Model) -> None:
    data = clips(6)
    data[0] = replace(data[0], targets={})
    report = evaluate(verb, data)
    assert (report.clips, report.heads["verb"]["accuracy"].n) == (6, 5)
    assert evaluate(verb, data[:1]).heads == {}


def test_no_clips(verb: Model) -> None:
    with pytest.raises(InputError, match="no clips"):
        evaluate(verb, [])
