from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from trichord.corpora.corpus import About
from trichord.errors import ArtifactError, RecipeError
from trichord.learning.batch import Item
from trichord.learning.recipe import Recipe, load_recipe
from trichord.learning.training import Data, Learner, RunFolder, calibrate, load_data, write_half
from trichord.learning.training.lending import origin_of
from trichord.learning.training.run import read_origin, said_of

SIGNAL = {
    "corpus": {"kind": "scenes", "size": 24},
    "dim": 16,
    "streams": {
        "voice": {
            "from": "audio",
            "encoder": {"kind": "rnn", "layers": 1, "front_end": {"kind": "logmel", "bands": 16}},
        },
        "note": {"from": "text", "encoder": "features"},
    },
    "fusion": "gates",
    "heads": {"intent": "classify", "transcript": {"kind": "ctc", "units": "word", "language_order": 2}},
    "objectives": [
        {"kind": "stream_dropout", "probability": 0.3},
        {"kind": "mix_noise", "stream": "voice"},
        {"kind": "spec_augment", "stream": "voice"},
    ],
    "training": {"epochs": 3, "batch_seconds": 8, "average": 0.9, "save_seconds": 0, "seed": 3},
}


class Quiet:
    """Watches, and interrupts as Ctrl-C would after so many batches."""

    def __init__(self, interrupt_after: int | None = None) -> None:
        self.batches, self.interrupt_after = 0, interrupt_after
        self.rows: list[dict[str, Any]] = []

    def batch_done(self, epoch: int, batch: int, batches: int, loss: float) -> None:
        self.batches += 1
        if self.batches == self.interrupt_after:
            os.kill(os.getpid(), signal.SIGINT)

    def epoch_done(self, row: dict[str, Any]) -> None:
        self.rows.append(row)


def learner_of(folder: Path, recipe: Recipe | None = None) -> Learner:
    recipe = recipe or load_recipe(SIGNAL)
    run = RunFolder(folder)
    run.write_recipe(recipe)
    data = load_data(recipe, cache=None)
    learner = Learner(recipe, data, run)
    run.write_parts(recipe)
    return learner


def bits(model: torch.nn.Module) -> bytes:
    return b"".join(value.numpy().tobytes() for value in model.state_dict().values())


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Learner:
    learner = learner_of(tmp_path_factory.mktemp("whole"))
    learner.learn(Quiet())
    return learner


def test_the_same_recipe_and_seed_give_the_same_numbers(whole: Learner, tmp_path: Path) -> None:
    again = learner_of(tmp_path)
    again.learn(Quiet())
    assert bits(again.raw) == bits(whole.raw)
    kept = [row["valid_loss"] for row in again.run.read_history()]
    assert kept == [row["valid_loss"] for row in whole.run.read_history()]


@pytest.mark.parametrize("batches", [1, 5])
def test_an_interrupted_run_ends_with_the_same_weights(whole: Learner, tmp_path: Path, batches: int) -> None:
    first = learner_of(tmp_path)
    with pytest.raises(KeyboardInterrupt):
        first.learn(Quiet(interrupt_after=batches))
    second = learner_of(tmp_path)
    assert second.resume()
    second.learn(Quiet())
    assert bits(second.raw) == bits(whole.raw)
    assert bits(second.kept) == bits(whole.kept)
    assert (tmp_path / "weights.safetensors").read_bytes() == whole.run.weights_file.read_bytes()


JOINT = {
    "after": {"transcript": ["intent"]},
    "objectives": [
        {"kind": "stream_dropout", "probability": 0.3},
        {"kind": "uncertainty"},
        {"kind": "gradient_norm"},
        {"kind": "blend", "every": 1},
        {"kind": "align", "streams": ["voice", "note"]},
        {"kind": "adversarial"},
        {"kind": "adversarial", "of": "speaker"},
    ],
    "training.epochs": 4,
}


def test_objectives_that_learn_are_resumed_with_the_model(tmp_path: Path) -> None:
    whole = learner_of(tmp_path / "whole", load_recipe(SIGNAL, JOINT))
    begun = bits(whole.learned)
    whole.learn(Quiet())
    assert bits(whole.learned) != begun
    blend = whole.objectives[3]
    assert blend.shares.sum().item() == pytest.approx(1)
    assert blend.shares.std() > 0  # they were estimated
    broken = learner_of(tmp_path / "broken", load_recipe(SIGNAL, JOINT))
    with pytest.raises(KeyboardInterrupt):
        broken.learn(Quiet(interrupt_after=5))
    resumed = learner_of(tmp_path / "broken", load_recipe(SIGNAL, JOINT))
    assert resumed.resume()
    assert (resumed.epoch, resumed.batch) != (0, 0)
    resumed.learn(Quiet())
    assert bits(resumed.raw) == bits(whole.raw)
    assert bits(resumed.learned) == bits(whole.learned)
    recipe, model = whole.run.load()
    assert recipe.resolved()["after"] == {"transcript": ["intent"]}
    assert bits(model) == bits(whole.run.load()[1])


def test_plain_steps_learn_from_clips_as_they_are(tmp_path: Path) -> None:
    def learnt(name: str, objectives: list[object], plain: float) -> bytes:
        changes = {"objectives": objectives, "training.epochs": 2, "training.plain": plain}
        learner = learner_of(tmp_path / name, load_recipe(SIGNAL, changes))
        learner.learn(Quiet())
        return bits(learner.raw)

    augment = {"kind": "spec_augment", "stream": "voice"}
    unchanged = learnt("unchanged", [], 0.0)
    assert learnt("plain", [augment], 1.0) == unchanged
    assert len({unchanged, learnt("half", [augment], 0.5), learnt("never", [augment], 0.0)}) == 3
    teaching = {"kind": "align", "streams": ["voice", "note"]}
    assert learnt("teaching", [teaching], 1.0) == learnt("taught", [teaching], 0.0) != unchanged


def test_validation_weighs_heads_as_the_recipe_does(tmp_path: Path) -> None:
    still = {"objectives": [], "training.epochs": 1, "training.learning_rate": 1e-12}
    plain = learner_of(tmp_path / "plain", load_recipe(SIGNAL, still))
    weighed = learner_of(tmp_path / "weighed", load_recipe(SIGNAL, still | {"objectives": ["uncertainty"]}))
    weighed.objectives[0].slow.data.fill_(0.3)
    for learner in (plain, weighed):
        learner.learn(Quiet())
    one, other = (learner.run.read_history()[0] for learner in (plain, weighed))
    assert one["valid_loss"] == pytest.approx(other["valid_loss"], rel=1e-6)
    assert one["train_loss"] != pytest.approx(other["train_loss"], rel=1e-2)


def test_a_run_killed_outright_resumes_to_the_same_weights(whole: Learner, tmp_path: Path) -> None:
    script = (
        "import os, signal, sys; from pathlib import Path\n"
        f"sys.path.insert(0, {str(Path(__file__).parent)!r})\n"
        "from test_loop import Quiet, learner_of\n"
        "class Killed(Quiet):\n"
        "    def batch_done(self, *what):\n"
        "        super().batch_done(*what)\n"
        "        if self.batches == 7: os.kill(os.getpid(), signal.SIGKILL)\n"
        f"learner_of(Path({str(tmp_path)!r})).learn(Killed())\n"
    )
    threads = {"OMP_NUM_THREADS": str(torch.get_num_threads())}
    done = subprocess.run([sys.executable, "-c", script], env={**os.environ, **threads}, check=False)
    assert done.returncode == -signal.SIGKILL
    resumed = learner_of(tmp_path)
    assert resumed.resume()
    assert (resumed.epoch, resumed.batch) != (0, 0)
    resumed.learn(Quiet())
    assert bits(resumed.raw) == bits(whole.raw)


def test_the_best_epoch_is_kept_and_loads_back(whole: Learner) -> None:
    losses = [row["valid_loss"] for row in whole.run.read_history()]
    assert whole.best == min(losses)
    assert whole.best_epoch == 1 + int(np.argmin(losses))
    calibrate(whole.run, whole.data)
    recipe, model = whole.run.load()
    assert not model.training
    assert recipe.heads["intent"].metadata()["temperature"] > 0


def test_a_run_starts_from_the_weights_of_others(whole: Learner, tmp_path: Path) -> None:
    folder = str(whole.run.path)
    grown = {"training.start_from": [folder], "heads.place": "regress", "streams.note.encoder.dim": 8}
    learner = learner_of(tmp_path / "grown", load_recipe(SIGNAL, grown))
    kept, begun = load_file(whole.run.weights_file), learner.raw.state_dict()
    same = {key for key, value in kept.items() if key in begun and torch.equal(begun[key], value)}
    assert {key for key in kept if key.startswith(("encoders.voice", "heads.transcript"))} <= same
    assert any(key.startswith("heads.place") for key in begun.keys() - kept.keys())
    assert any(key.startswith("encoders.note") for key in begun.keys() - same)  # of another width
    assert bits(learner.average.model) == bits(learner.raw)
    with pytest.raises(ArtifactError, match="holds no weights; train that run first"):
        learner_of(tmp_path / "a", load_recipe(SIGNAL, {"training.start_from": [str(tmp_path)]}))


def test_weights_in_half_precision_are_lent_and_a_head_may_take_anothers(
    whole: Learner, tmp_path: Path
) -> None:
    file = tmp_path / "half.safetensors"
    write_half(whole.run, file)
    assert file.stat().st_size < 0.6 * whole.run.weights_file.stat().st_size
    changed = {
        "corpus": {"kind": "joined", "of": [SIGNAL["corpus"]], "rename": {"transcript": "written"}},
        "heads": {"written": SIGNAL["heads"]["transcript"]},
        "training.start_from": [str(file)],
        "training.start_heads": {"written": "transcript"},
    }
    begun = learner_of(tmp_path / "a", load_recipe(SIGNAL, changed)).raw.state_dict()
    kept = load_file(whole.run.weights_file)
    lent = [key for key in kept if key.startswith(("heads.transcript.", "encoders."))]
    assert any("transcript" in key for key in lent)
    for key in lent:
        mine = begun[key.replace("transcript", "written")]
        torch.testing.assert_close(mine, kept[key], atol=1e-3, rtol=1e-3)
    assert read_origin(file) == origin_of(whole.recipe)
    file.write_bytes(b"no weights")
    with pytest.raises(ArtifactError, match="cannot be read"):
        learner_of(tmp_path / "b", load_recipe(SIGNAL, changed))


def test_what_weights_begin_with_stands_beside_what_they_are_learned_from(
    whole: Learner, tmp_path: Path
) -> None:
    file = tmp_path / "lent.safetensors"
    owned = About("Somebody's", "CC-BY-NC-4.0", commercial=False, source="somewhere")
    save_file({"encoders.none": torch.zeros(1)}, file, said_of(owned))
    recipe = load_recipe(SIGNAL, {"training.start_from": [str(whole.run.path), str(file)]})
    origin = origin_of(recipe)
    assert origin.commercial is False and origin.title == f"{recipe.corpus.about.title} + Somebody's"
    run = RunFolder(tmp_path / "run")
    assert run.learned_from(recipe) == recipe.corpus.about  # before there are weights
    run.write_weights(whole.raw, origin)
    assert run.learned_from(recipe) == origin
    save_file({"a": torch.zeros(1)}, file, {"learned_from": "{}"})
    with pytest.raises(ArtifactError, match="cannot be read"):
        read_origin(file)


def test_a_folder_with_another_recipes_run_is_refused(whole: Learner) -> None:
    with pytest.raises(RecipeError, match="different recipe"):
        whole.run.write_recipe(load_recipe(SIGNAL, {"dim": 32}))


def test_shuffled_targets_are_learned_no_better_than_chance(tmp_path: Path) -> None:
    """A model that does better than chance here has seen the answer somewhere it should not."""
    recipe = load_recipe(SIGNAL, {"corpus.size": 160, "heads": {"intent": "classify"}, "objectives": []})
    data = load_data(recipe, cache=None)
    rng = np.random.default_rng(0)

    def shuffled(items: list[Item]) -> list[Item]:
        targets = [items[index].targets for index in rng.permutation(len(items))]
        return [Item(i.id, i.inputs, t, i.about) for i, t in zip(items, targets, strict=True)]

    mixed = Data(shuffled(list(data.train)), shuffled(list(data.valid)), data.specs)
    learner = Learner(recipe, mixed, RunFolder(tmp_path))
    learner.learn(Quiet())
    answers = [item.targets["intent"] for item in mixed.valid]
    chance = max(answers.count(label) for label in set(answers)) / len(answers)
    deviation = (chance * (1 - chance) / len(answers)) ** 0.5
    assert learner.run.read_history()[-1]["intent.accuracy"] <= chance + 3 * deviation


def test_a_head_or_stream_without_data_is_named(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=r"heads\.mood: no training clip"):
        load_data(load_recipe({**SIGNAL, "heads": {"mood": "classify"}}), cache=None)
    streams = {"smell": {"from": "nose", "prepare": "samples", "encoder": "features"}}
    with pytest.raises(RecipeError, match=r"streams\.smell: no training clip"):
        load_data(load_recipe({**SIGNAL, "streams": streams, "objectives": []}), cache=None)


def test_shares_of_the_training_clips_lie_within_each_other() -> None:
    def ids(share: float) -> list[str]:
        recipe = load_recipe(SIGNAL, {"training.share": share})
        return [item.id for item in load_data(recipe, cache=None).train]

    everything, half, least = ids(1.0), ids(0.5), ids(0.001)
    assert (len(half), len(least)) == (round(len(everything) / 2), 1)
    assert set(least) < set(half) < set(everything)


def test_patience_ends_learning(tmp_path: Path) -> None:
    recipe = load_recipe(
        SIGNAL, {"training.epochs": 50, "training.patience": 1, "training.learning_rate": 1e-9}
    )
    learner = learner_of(tmp_path, recipe)
    learner.learn(Quiet())
    losses = [row["valid_loss"] for row in learner.run.read_history()]
    assert learner.epoch == learner.best_epoch + 1 < 50
    assert losses[-1] >= min(losses)


def test_a_wrong_monitor_is_refused_before_anything_is_learned(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=r"did you mean 'intent\.accuracy'"):
        learner_of(tmp_path, load_recipe(SIGNAL, {"training.monitor": "intent.acuracy"}))


def test_a_clip_that_the_file_would_refuse_is_refused_before_training() -> None:
    with pytest.raises(RecipeError, match=r"max_seconds: train/\d+ lasts"):
        load_data(load_recipe(SIGNAL, {"max_seconds": 0.5}), cache=None)


def test_a_damaged_state_or_parts_file_is_named(whole: Learner, tmp_path: Path) -> None:
    run = RunFolder(tmp_path)
    run.state_file.write_bytes(b"not a state")
    with pytest.raises(ArtifactError, match="delete it to begin again"):
        run.read_state()
    for name in ("recipe.yaml", "parts.json", "weights.safetensors"):
        (tmp_path / name).write_bytes((whole.run.path / name).read_bytes())
    (tmp_path / "weights.safetensors").write_bytes(b"no weights")
    with pytest.raises(ArtifactError, match="does not fit"):
        run.load()
    (tmp_path / "parts.json").write_text("{}")
    with pytest.raises(ArtifactError, match=r"parts\.json"):
        run.load()
