"""A model that tags the utterances of dialogues, measured and explained as any other."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from tiny_models import FEELINGS

from trichord import Clip, Event, Model
from trichord.clip import Features
from trichord.decoding import Decoded
from trichord.running.evaluate import answer_all, evaluate, report_on
from trichord.running.explain.by_class import EVERY, shares_by_class
from trichord.running.robustness import Plan, markdown, robustness, save_picture, usual_noise
from trichord.running.robustness.trust import DISTANCES


def dialogues(count: int) -> list[Clip]:
    """Dialogues of one to five utterances: the tone tells each one's feeling, the face less loudly."""
    rng = np.random.default_rng(0)
    made = []
    for number in range(count):
        felt = rng.integers(3, size=rng.integers(1, 6))
        said = np.eye(3, dtype=np.float32)[felt]
        events = [Event(FEELINGS[which], step, step + 1) for step, which in enumerate(felt)]
        inputs = {"tone": Features(4 * said, None), "face": Features(2 * said, None)}
        made.append(Clip(f"d{number}", inputs, {"feeling": events}))
    return made


def test_utterances_are_scored(feeling: Model) -> None:
    data = dialogues(9)
    assert evaluate(feeling, data).heads["feeling"]["accuracy"].value == 1
    data[0] = Clip("other", data[0].inputs, {"feeling": [Event("calm", 0, 1), Event("calm", 1, 9)]})
    assert evaluate(feeling, data).heads["feeling"]["accuracy"].value < 1


def test_every_disturbance_is_measured(feeling: Model, tmp_path: Path) -> None:
    plan = Plan(usual_noise(feeling), [-5], outliers=[0.5], missing=[0.5, 1], swap=True)
    report = robustness(feeling, dialogues(12), plan)
    told = json.loads(json.dumps(report.to_dict(), allow_nan=False))
    tone = next(trust for trust in told["trust"] if trust["stream"] == "tone")["heads"]["feeling"]
    assert tone["detection"]["value"] > 0.7
    assert tone["follows"]["tone"]["value"] > tone["follows"]["face"]["value"]  # it speaks louder
    assert "| tone: swapped |" in markdown(report)
    save_picture(tmp_path / "curves.png", report)


def test_streams_have_shares(feeling: Model) -> None:
    ready = [(clip, feeling.preparations(clip)) for clip in dialogues(12)]
    shares = shares_by_class(feeling, ready)["feeling"]
    assert list(shares) == [EVERY]
    assert shares[EVERY]["tone"].value > shares[EVERY]["face"].value > 0


def test_dialogues_without_labels_have_no_scores(feeling: Model) -> None:
    data = [Clip(clip.id, clip.inputs, {"feeling": []}) for clip in dialogues(3)]
    found = report_on(feeling, answer_all(feeling, data)).heads["feeling"]
    assert np.isnan(found["accuracy"].value)
    report = robustness(feeling, data, Plan(swap=True))
    json.dumps(report.to_dict(), allow_nan=False)
    assert "nan" not in markdown(report)


def test_distances() -> None:
    head = {"kind": "tag", "labels": FEELINGS}
    said = Decoded(("calm", "sad"), None, 0.0)
    apart = DISTANCES["tag"]
    assert apart(head, [Event("calm", 0, 2)], said) == 0.5
    assert np.isnan(apart(head, [], said))
    head = {"kind": "regress", "names": ["x", "y"], "mean": [0.0, 0.0], "std": [1.0, 100.0]}
    assert DISTANCES["regress"](head, [0.0, 0.0], Decoded((1.0, 100.0), None, 0.0)) == pytest.approx(1)
