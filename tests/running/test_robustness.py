from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_evaluate import clips

from trichord import Clip, InputError, Model
from trichord.clip import Features
from trichord.metrics import Interval
from trichord.running.conditions import Conditions
from trichord.running.evaluate import evaluate
from trichord.running.explain.disagreement import disagreement, jensen_shannon
from trichord.running.figures import new_figure
from trichord.running.robustness import (
    Level,
    Plan,
    markdown,
    noise_of,
    robustness,
    rows_of,
    save_picture,
    subsets,
    trust_rows,
    usual_noise,
)
from trichord.running.robustness.picture import Line, Panel
from trichord.running.robustness.table import gain
from trichord.running.robustness.trust import detection, roc_area

PNG = b"\x89PNG"


def test_every_subset_is_measured_once() -> None:
    assert subsets(["a"]) == [("a",)]
    assert subsets(["a", "b"]) == [("a", "b"), ("a",), ("b",)]
    assert subsets(["a", "b", "c"]) == [
        ("a", "b", "c"), ("a", "b"), ("a", "c"), ("b", "c"), ("a",), ("b",), ("c",)
    ]  # fmt: skip


def test_levels_fall_and_agree_with_evaluate(verb: Model) -> None:
    data = clips(12)
    report = robustness(verb, data, Plan([("voice", "white")], [-5, 10]))
    (sweep,) = report.sweeps
    assert [level.strength for level in sweep.levels] == [None, 10, -5]
    assert [list(level.scores) for level in sweep.levels] == [["all", "voice", "words"]] * 3
    noisy = evaluate(verb, data, Conditions(("words",), "white:-5dB"))
    assert sweep.levels[2].scores["voice"]["verb"] == noisy.heads["verb"]
    assert sweep.levels[2].scores["words"] == report.clean.scores["words"]  # noise changes nothing there
    for level in sweep.levels:
        assert set(level.shares) == {"voice", "words"}
        assert -1 <= level.shares["voice"].value <= 1


def test_missing_ends_where_the_stream_is_withheld(verb: Model) -> None:
    data = clips(12)
    asked: list[str] = []
    report = robustness(verb, data, Plan(missing=[0.5, 1]), progress=lambda c, what: asked.append(what) or c)
    voice, words = report.sweeps
    assert voice.levels[-1].scores == dict.fromkeys(("all", "words"), report.clean.scores["words"])
    assert (
        words.levels[1].scores["all"]["verb"]
        == evaluate(verb, data, Conditions(missing={"words": 0.5})).heads["verb"]
    )
    assert not any("100%" in what for what in asked)  # it is known already


def test_outliers_touch_only_their_stream(verb: Model) -> None:
    report = robustness(verb, clips(12), Plan(outliers=[0.5]))
    assert [sweep.stream for sweep in report.sweeps] == ["voice", "words"]
    for sweep, other in zip(report.sweeps, ("words", "voice"), strict=True):
        assert sweep.levels[1].scores[other] == report.clean.scores[other]


def loud_or_told(count: int) -> list[Clip]:
    """Clips whose voice and word each say their label: loud is go, silent stop."""
    rng = np.random.default_rng(0)
    labelled = [replace(clip, targets={"verb": clip.inputs["text"]}) for clip in clips(3 * count)]  # type: ignore[dict-item]
    made = [clip for clip in labelled if clip.targets["verb"] in ("go", "stop")]
    return [made[int(number)] for number in rng.permutation(len(made))]


def test_streams_at_odds_are_noticed_and_one_is_believed(verb: Model) -> None:
    report = robustness(verb, loud_or_told(12), Plan(swap=True))
    voice, words = report.trust
    assert voice.stream == "voice"
    assert voice.heads["verb"].detection.n == 24
    assert words.heads["verb"].detection.value > 0.7
    follows = voice.heads["verb"].follows
    assert follows["voice"].value + follows["words"].value == pytest.approx(1)
    assert follows["voice"].value == pytest.approx(1 - voice.scores["verb"]["accuracy"].value)
    assert set(voice.shares) == {"voice", "words"}


def test_all_is_told_as_json_tables_and_a_picture(verb: Model, tmp_path: Path) -> None:
    plan = Plan(usual_noise(verb), [0], outliers=[0.1], missing=[0.5], swap=True)
    report = robustness(verb, clips(9), plan)
    told = json.loads(json.dumps(report.to_dict(), allow_nan=False))
    assert [sweep["disturbed"] for sweep in told["sweeps"]] == ["noise"] + ["outliers"] * 2 + ["missing"] * 2
    rows = rows_of(report, "verb")
    assert rows[0] == ["condition", "all", "voice", "words", "gain", "share of voice", "share of words"]
    assert [row[0] for row in rows[1:4]] == ["clean", "voice: babble at 0 dB", "voice: 0.1 outliers"]
    assert {len(row) for row in rows} == {7}
    assert trust_rows(report.trust, "verb")[0][:2] == ["swapped", "detection AUC"]
    assert "| clean |" in markdown(report)
    save_picture(tmp_path / "curves.png", report)
    assert (tmp_path / "curves.png").read_bytes().startswith(PNG)


def test_a_model_of_one_stream_that_is_no_sound(echo: Model, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    data = [
        Clip(f"c{n}", {"sensor": Features(rng.standard_normal((6, 4)), 25.0)}, {"transcript": "ab"[n % 2]})
        for n in range(6)
    ]
    report = robustness(echo, data, Plan(usual_noise(echo), [0], outliers=[0.1], missing=[1], swap=True))
    assert [sweep.stream for sweep in report.sweeps] == ["signal"] * 3
    assert report.sweeps[2].levels[1].scores["all"]["transcript"]["wer"].value == 1
    save_picture(tmp_path / "curves.svg", report)
    json.dumps(report.to_dict(), allow_nan=False)


def test_noise_is_for_the_streams_that_it_fits(verb: Model, echo: Model) -> None:
    assert noise_of(verb, ["babble", "pink", "pink"]) == [("voice", "babble"), ("voice", "pink")]
    assert noise_of(verb, ["words=white"]) == [("words", "white")]
    assert noise_of(echo, ["white"]) == usual_noise(echo) == [("signal", "white")]
    with pytest.raises(InputError, match="no stream of samples"):
        noise_of(echo, ["babble"])
    with pytest.raises(InputError, match="'words' is no stream of samples"):
        robustness(verb, clips(2), Plan([("words", "white")], [0]))


def test_one_stream_meets_several_noises(verb: Model) -> None:
    report = robustness(verb, clips(6), Plan(noise_of(verb, ["white", "pink"]), [0]))
    assert [(sweep.stream, sweep.source) for sweep in report.sweeps] == [
        ("voice", "white"),
        ("voice", "pink"),
    ]


@pytest.mark.parametrize(
    "plan",
    [
        Plan([("voice", "white"), ("lips", "white")]),
        Plan([("voice", "white")], [0, 300]),
        Plan(outliers=[0.1, 2]),
        Plan(missing=[0.5, float("nan")]),
    ],
)
def test_mistakes_are_found_before_measuring(verb: Model, plan: Plan) -> None:
    with pytest.raises(InputError):
        robustness(verb, clips(3), plan, progress=lambda _, what: pytest.fail(what))


def test_scores_that_are_unknown_or_below_zero(verb: Model, tmp_path: Path) -> None:
    def score(value: float) -> Interval:
        return Interval(value, value, value, 3)

    unknown = score(float("nan"))
    assert gain([score(0.1), unknown], score(0.2), higher=True, of=2) == "–"
    assert gain([score(0.1), score(0.2)], unknown, higher=True, of=2) == "–"
    assert gain([score(0.1), score(-0.3)], score(0.2), higher=True, of=2) == "+0.100"
    bottoms = []
    for value in (0.4, -0.4):
        axis = new_figure(2, 2).subplots()
        level = Level(None, {"all": {"mood": {"pearson": score(value)}}})
        Panel("", [Line("all", "black", [level])]).draw_scores(axis, "mood", "pearson")
        bottoms.append(axis.get_ylim()[0])
    assert bottoms[0] == 0
    assert bottoms[1] < -0.4
    with pytest.raises(InputError, match=r"curves.bmp: a picture is written as .png"):
        save_picture(tmp_path / "curves.bmp", robustness(verb, clips(3), Plan()))


def test_streams_alone_agree_with_themselves_and_differ_from_others(verb: Model) -> None:
    loud, silent = np.ones(100, np.float32), np.zeros(100, np.float32)
    assert disagreement(verb, {"voice": loud}) == {"verb": 0.0}
    assert disagreement(verb, {}) == {"verb": 0.0}
    go, stop = np.array([1]), np.array([3])
    alike, apart = (disagreement(verb, {"voice": loud, "words": word})["verb"] for word in (go, stop))
    assert 0 < alike < apart <= 1
    assert disagreement(verb, {"voice": silent, "words": stop})["verb"] < apart


def test_divergence_is_between_nothing_and_all() -> None:
    sure = np.log(np.array([[[1 - 1e-12, 1e-12]], [[1e-12, 1 - 1e-12]]]))
    assert jensen_shannon(sure) == pytest.approx([1.0], abs=1e-6)
    assert jensen_shannon(sure[[0, 0]]) == pytest.approx([0.0], abs=1e-9)


@settings(deadline=None)
@given(
    st.lists(st.integers(0, 5), min_size=1, max_size=20), st.lists(st.integers(0, 5), min_size=1, max_size=20)
)
def test_area_is_the_share_of_pairs_in_order(positive: list[int], negative: list[int]) -> None:
    x, y = np.array(positive, float), np.array(negative, float)
    pairs = (x[:, None] > y).mean() + (x[:, None] == y).mean() / 2
    assert roc_area(x, y) == pytest.approx(pairs)


def test_detection_of_nothing_is_unknown() -> None:
    assert np.isnan(detection([], []).value)
    found = detection([1, 2, 3], [0, 0, 0])
    assert (found.value, found.low, found.high, found.n) == (1, 1, 1, 3)
