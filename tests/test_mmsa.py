"""What benchmarks/mmsa.py gives to MMSA and to us: an utterance with those before it, of its own video."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest

BENCHMARKS = Path(__file__).parent.parent / "benchmarks"


def module(path, monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    spec = importlib.util.spec_from_file_location(path.stem, path)
    found = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, path.stem, found)
    spec.loader.exec_module(found)
    return found


@pytest.fixture
def mmsa(monkeypatch):
    return module(BENCHMARKS / "mmsa.py", monkeypatch)


@pytest.fixture
def peer(monkeypatch):
    return module(BENCHMARKS / "peers" / "train_mmsa.py", monkeypatch)


def test_a_context_ends_with_its_utterance_and_stays_in_its_video(mmsa):
    rows = mmsa.contexts(np.array(["a", "a", "a", "b", "b"]), 3)
    assert rows.tolist() == [[0, 0, 0], [0, 0, 1], [0, 1, 2], [3, 3, 3], [3, 3, 4]]


def test_columns_are_standardised_by_training_utterances(mmsa):
    rng = np.random.default_rng(0)
    raw = {f"{split}_{name}": rng.normal(3, 2, (50, 4, 2)) for split in mmsa.SPLITS for name in mmsa.STREAMS}
    found = mmsa.standardised(raw)
    judged = found["train_text"][:, -1]
    assert judged.dtype == np.float32
    assert judged.mean(0) == pytest.approx(0, abs=1e-6)
    assert judged.std(0) == pytest.approx(1, abs=1e-6)
    assert abs(found["test_text"].mean()) > 1e-6


def test_mmsa_reads_the_same_tensors_with_signed_labels(mmsa, peer):
    arrays = {f"{split}_{name}": np.zeros((2, 3, 4), np.float32) + number
              for split in mmsa.SPLITS for number, name in enumerate(mmsa.STREAMS)}  # fmt: skip
    read = peer.as_mmsa_reads(
        arrays | {f"{split}_positive": np.array([True, False]) for split in mmsa.SPLITS}
    )
    assert read["valid"]["regression_labels"].tolist() == [1.0, -1.0]
    assert read["test"]["audio"] is arrays["test_audio"]
    assert read["train"]["vision_lengths"] == [3, 3]


def test_mmsa_learns_for_so_many_epochs_and_no_longer(peer):
    args: dict[str, int] = {}
    clock = peer.Clock(["batch"], args, epochs=3)
    epochs, best = 0, 1  # its loop, where nothing gets better after the first epoch
    while True:
        epochs += 1
        assert list(clock) == ["batch"]
        if epochs - best >= args["early_stop"]:
            break
    assert epochs == len(clock.starts) == 3
    assert clock.starts == sorted(clock.starts)
