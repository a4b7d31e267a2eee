from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_table import recipe_of, write_table

from trichord.clip import Audio, Clip
from trichord.errors import RecipeError
from trichord.experiments.baseline import KINDS, baseline, classifiers
from trichord.experiments.baseline.choose import score_of
from trichord.experiments.baseline.classifiers import GRIDS, Classifier
from trichord.experiments.baseline.features import Pictures, Sound, gradients
from trichord.experiments.baseline.task import Memory, Part, by_person, played, read_task
from trichord.experiments.paired import difference
from trichord.learning.recipe import load_recipe
from trichord.prepare import Frames, Samples

COUNTS = {"train": 30, "valid": 12, "test": 12}


@pytest.fixture(scope="module")
def recipe(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return recipe_of(write_table(tmp_path_factory.mktemp("corpus"), COUNTS))


@pytest.fixture(autouse=True)
def few_trees(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(classifiers, "TREES", 20)


def accuracy(results: dict[str, Any]) -> float:
    return results["test"]["all"]["heads"]["label"]["accuracy"]["value"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("stream", ["voice", "steps"])
def test_every_kind_learns_from_what_unfolds_in_time(
    recipe: dict[str, Any], tmp_path: Path, kind: str, stream: str
) -> None:
    assert accuracy(baseline(recipe, kind, tmp_path, stream=stream)) >= 0.9


@pytest.mark.parametrize("kind", GRIDS)
@pytest.mark.parametrize("stream", ["words", "letters", "picture", "point"])
def test_classifiers_take_text_pictures_and_single_rows(
    recipe: dict[str, Any], tmp_path: Path, kind: str, stream: str
) -> None:
    assert accuracy(baseline(recipe, kind, tmp_path, stream=stream)) >= 0.6


def test_the_folder_compares_with_others_and_tells_what_was_tried(
    recipe: dict[str, Any], tmp_path: Path
) -> None:
    a, b = tmp_path / "hmm", tmp_path / "knn"
    for folder in (a, b):
        baseline(recipe, folder.name, folder, stream="voice")
    assert abs(difference([[a]], [[b]], "label", "accuracy").value) <= 0.1
    assert load_recipe(a / "recipe.yaml").resolved() == load_recipe(recipe).resolved()
    told = json.loads((a / "baseline.json").read_text())
    assert (told["kind"], told["head"], told["stream"], told["metric"]) == (
        "hmm",
        "label",
        "voice",
        "accuracy",
    )
    best = max(one["valid"] for one in told["tried"])
    assert told["chosen"] == next(one["settings"] for one in told["tried"] if one["valid"] == best)
    lines = (a / "predictions.jsonl").read_text().splitlines()
    assert len(lines) == COUNTS["test"]
    assert set(json.loads(lines[0])["label"]) == {"value", "confidence", "target"}
    assert set(json.loads((a / "evaluation.json").read_text())) == {"valid", "test"}
    assert (a / "confusion-label.png").exists()
    assert not list(a.glob("*.pkl")) + list(a.glob("*.joblib"))


@pytest.mark.parametrize("kind", ["hmm", "forest"])
def test_the_same_seed_says_the_same(recipe: dict[str, Any], tmp_path: Path, kind: str) -> None:
    said = []
    for folder in (tmp_path / "a", tmp_path / "b"):
        baseline(recipe, kind, folder, stream="voice")
        said.append((folder / "predictions.jsonl").read_text())
    assert said[0] == said[1]


def test_a_clip_without_the_stream_teaches_nothing_and_is_not_answered(tmp_path: Path) -> None:
    found = recipe_of(write_table(tmp_path, COUNTS, lacking=3))
    for kind, stream in (("hmm", "voice"), ("svm", "words")):
        results = baseline(found, kind, tmp_path / kind, stream=stream)
        assert results["test"]["all"]["heads"]["label"]["accuracy"]["n"] == COUNTS["test"]
        rows = [json.loads(row) for row in (tmp_path / kind / "predictions.jsonl").read_text().splitlines()]
        assert [row["label"]["value"] for row in rows].count("not sure") == 3


def test_without_validation_the_first_settings_are_taken(tmp_path: Path) -> None:
    found = recipe_of(write_table(tmp_path, {"train": 30, "test": 9}))
    found["fold"] = {"of": 3, "by": "speaker", "validate": False}
    results = baseline(found, "svm", tmp_path / "run", stream="point")
    assert set(results) == {"test"}
    told = json.loads((tmp_path / "run" / "baseline.json").read_text())
    assert told["tried"] == [{"settings": GRIDS["svm"][0], "valid": None}]


def test_features_are_made_once_for_several_baselines(
    recipe: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    memory: Memory = {}
    baseline(recipe, "knn", tmp_path / "a", stream="voice", memory=memory)
    assert len(memory) == sum(COUNTS.values())
    monkeypatch.setattr(Sound, "row", lambda reader, value: pytest.fail("made again"))
    baseline(recipe, "svm", tmp_path / "b", stream="voice", memory=memory)


def test_settings_are_chosen_by_the_recipes_own_score(recipe: dict[str, Any], tmp_path: Path) -> None:
    changes = {"training.monitor": "label.macro_f1"}
    results = baseline(recipe, "knn", tmp_path, stream="point", changes=changes)
    told = json.loads((tmp_path / "baseline.json").read_text())
    assert told["metric"] == "macro_f1"
    best = max(one["valid"] for one in told["tried"])
    assert results["valid"]["all"]["heads"]["label"]["macro_f1"]["value"] == pytest.approx(best)


@pytest.mark.parametrize(
    ("kind", "options", "says"),
    [
        ("hmm", {"stream": "words"}, "another --kind"),
        ("hmm", {"stream": "picture"}, "another --kind"),
        ("svm", {}, "say which stream with --stream: voice, words"),
        ("svm", {"stream": "voise"}, "did you mean 'voice'"),
        ("svm", {"stream": "voice", "head": "lable"}, "did you mean 'label'"),
        ("smv", {"stream": "voice"}, "did you mean 'svm'"),
        (
            "svm",
            {"stream": "voice", "changes": {"heads": {"label": {"kind": "ctc"}}}},
            "no head of kind classify",
        ),
    ],
)
def test_what_cannot_be_measured_is_said(
    recipe: dict[str, Any], tmp_path: Path, kind: str, options: dict[str, Any], says: str
) -> None:
    with pytest.raises(RecipeError, match=says):
        baseline(recipe, kind, tmp_path, **options)


def test_a_trained_run_is_not_written_over(recipe: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "weights.safetensors").write_bytes(b"")
    with pytest.raises(RecipeError, match="holds a trained run"):
        baseline(recipe, "svm", tmp_path, stream="voice")


def test_one_class_is_refused(tmp_path: Path) -> None:
    table = write_table(tmp_path, {"train": 1, "valid": 1, "test": 1})
    with pytest.raises(RecipeError, match="all training clips are 'rise'"):
        baseline(recipe_of(table), "svm", tmp_path / "run", stream="voice")


def test_sound_is_heard_at_the_rate_it_was_recorded_at(recipe: dict[str, Any]) -> None:
    clips = load_recipe(recipe).clips("train")
    values = [clip.inputs["audio"] for clip in clips]
    assert Sound(Samples(16000), values).samples.rate == 8000
    assert Sound(Samples(silence_db=40), values).samples.silence_db == 40
    reader = Sound(Samples(4000), values)
    assert reader.samples.rate == 4000
    frames = reader.frames(values[0])
    assert frames is not None
    assert frames.shape[1] == 39


def test_training_clips_are_heard_at_other_speeds_too(recipe: dict[str, Any], tmp_path: Path) -> None:
    memory: Memory = {}
    results = baseline(recipe, "logistic", tmp_path, stream="voice", speeds=[0.9, 1.1], memory=memory)
    assert accuracy(results) >= 0.9
    assert json.loads((tmp_path / "baseline.json").read_text())["speeds"] == [0.9, 1.1]
    counts = Counter(name.partition(" x")[2] for _, name in memory)
    assert counts == {"": sum(COUNTS.values()), "0.9": COUNTS["train"], "1.1": COUNTS["train"]}
    with pytest.raises(RecipeError, match="speeds are of sound"):
        baseline(recipe, "logistic", tmp_path / "words", stream="words", speeds=[0.9])
    who = Clip("a", {"audio": Audio(np.zeros(800, np.float32), 8000)}, {}, {"speaker": "ann", "room": "1"})
    other = played(who, "audio", 1.25, "speaker")
    assert (other.id, other.about) == ("a x1.25", {"speaker": "ann x1.25", "room": "1"})
    assert cast(Audio, other.inputs["audio"]).samples.shape == (640,)


@pytest.mark.parametrize("steps", [None, 7])
def test_numbers_are_set_against_each_persons_own(steps: int | None) -> None:
    rng = np.random.default_rng(0)
    clips = [Clip(f"{who}{n}", {}, {}, {"speaker": who}) for who in "ab" for n in range(100)]
    shape = (3,) if steps is None else (steps, 3)
    features = [rng.normal(10 if clip.about["speaker"] == "a" else -10, 2, shape) for clip in clips]
    part = Part([*clips, Clip("c", {}, {}, {"speaker": "a"})], [*features, None])
    assert by_person({"train": part}, None) == {"train": part}
    own = by_person({"train": part, "test": part}, "speaker")
    assert own["test"].clips == part.clips
    *found, absent = own["test"].features
    assert absent is None
    for who in (slice(100), slice(100, 200)):
        rows = np.array(found[who]).reshape(-1, 3)
        assert rows.shape == (100 * (steps or 1), 3)
        assert np.abs(rows.mean(0)).max() < 0.5  # the means are 10 apart from all clips' without that
    text = Part([Clip("t", {}, {})], ["said"])
    assert by_person({"train": text}, "speaker") == {"train": text}


@given(st.integers(0, 5))
@settings(deadline=None, max_examples=6)
def test_turned_pictures_have_other_gradients(seed: int) -> None:
    picture = np.zeros((32, 32))
    picture[:, 8 + seed * 2] = 255
    assert np.abs(gradients(picture) - gradients(picture.T)).max() > 0.1
    assert np.allclose(gradients(np.full((32, 32), 7.0 * seed)), 0)


def test_pictures_of_no_frames_are_absent() -> None:
    from trichord.clip import Video

    reader = Pictures(Frames(size=(8, 8)), [])
    assert reader.row(Video(np.zeros((0, 8, 8, 3), np.uint8))) is None
    row = reader.row(Video(np.full((2, 8, 8, 3), 255, np.uint8)))
    assert row is not None
    assert np.asarray(row)[:256] == pytest.approx(1.0, abs=0.01)


@pytest.mark.parametrize("kind", ["svm", "forest", "logistic", "naive_bayes"])
def test_balance_helps_a_rare_class(kind: str) -> None:
    rng = np.random.default_rng(0)
    labels = np.array([0] * 190 + [1] * 10)
    rows = list(rng.normal(size=(200, 2)) + 1.2 * labels[:, None])
    often = [
        (Classifier(kind, setting, balanced=balanced).fit(rows, labels).logits(rows).argmax(1) == 1).sum()
        for balanced in (False, True)
        for setting in [GRIDS[kind][-1]]
    ]
    assert often[1] > often[0]


def test_two_classes_have_two_logits() -> None:
    rows, labels = [np.array([float(x)]) for x in range(8)], np.arange(8) // 4
    for kind in GRIDS:
        logits = Classifier(kind, GRIDS[kind][0]).fit(rows, labels).logits(rows)
        assert logits.shape == (8, 2)
        assert np.isfinite(logits).all()
        assert (logits[[0, -1]].argmax(1) == [0, 1]).all()


def test_scores_are_those_of_the_answers(recipe: dict[str, Any]) -> None:
    task = read_task(load_recipe(recipe), None, "point", in_time=False, memory={})

    class Always:
        def logits(self, given: Any) -> Any:
            return np.tile([3.0, 1.0, 0.0], (len(given), 1))

    assert task.classify.labels == ["fall", "rise", "stay"]
    assert score_of(task, Always()) == pytest.approx(1 / 3)
