"""MMSA's own training of its own models, alone in its process, on tensors that it is given.

    python -I train_mmsa.py JOB.json

JOB holds a `folder` to work in, a `seed`, `epochs`, how many `workers` load, and `models`: by MMSA's name of
a model, the file of its tensors (`benchmarks/mmsa.py` describes it) and the settings that differ from MMSA's
own configuration. Prints a line of JSON for each model: processor seconds of each epoch but the last,
accuracy on test, and parameters.

What is timed lies between one epoch's start and the next: training, validation, and keeping the best.
"""

from __future__ import annotations

import importlib
import json
import logging
import os
import pickle
import resource
import sys
from collections.abc import Iterator, Mapping
from contextlib import redirect_stderr
from pathlib import Path
from typing import Any

import numpy as np
import torch

SPLITS = ("train", "valid", "test")


def main(job: Mapping[str, Any]) -> None:
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    torch.set_num_threads(1)
    torch.cuda.set_device = lambda device: None  # MMSA calls it on a CPU too
    mmsa = importlib.import_module("MMSA.run")
    folder = Path(job["folder"])
    for name, wanted in job["models"].items():
        features = folder / f"{name}.pkl"
        features.write_bytes(pickle.dumps(as_mmsa_reads(np.load(wanted["tensors"], allow_pickle=False))))
        with open(os.devnull, "w") as nowhere, redirect_stderr(nowhere):  # noqa: PTH123 - progress bars
            found = train(mmsa, name, features, wanted["settings"], job)
        print(json.dumps({"model": name} | found), flush=True)


def as_mmsa_reads(arrays: Mapping[str, np.ndarray]) -> dict[str, dict[str, Any]]:
    """Return tensors by split under the names that MMSA's reader looks for; -1 is negative, +1 positive."""
    data = {}
    for split in SPLITS:
        text, audio, vision = (arrays[f"{split}_{name}"] for name in ("text", "audio", "vision"))
        positive = arrays[f"{split}_positive"]
        data[split] = {
            "text": text,
            "audio": audio,
            "vision": vision,
            "audio_lengths": [audio.shape[1]] * len(audio),
            "vision_lengths": [vision.shape[1]] * len(vision),
            "regression_labels": np.where(positive, 1.0, -1.0).astype(np.float32),
            "raw_text": [""] * len(text),
            "id": [str(number) for number in range(len(text))],
        }
    return data


def train(
    mmsa: Any, name: str, features: Path, settings: Mapping[str, Any], job: Mapping[str, Any]
) -> dict[str, Any]:
    """Run MMSA as its users do, with a clock at the door of its training data."""
    load, run = mmsa.MMDataLoader, mmsa._run
    found: dict[str, Any] = {}

    def loaders(args: Any, workers: int) -> dict[str, Any]:
        loaders = load(args, workers)
        found["clock"] = loaders["train"] = Clock(loaders["train"], args, job["epochs"])
        return loaders

    def run_and_tell(args: Any, *rest: Any) -> dict[str, float]:
        found["scores"] = run(args, *rest)
        found["parameters"] = sum(value.numel() for value in torch.load(args["model_save_path"]).values())
        return found["scores"]

    mmsa.MMDataLoader, mmsa._run = loaders, run_and_tell
    try:
        mmsa.MMSA_run(
            name, "mosi", config=dict(settings), seeds=[job["seed"]], custom_feature=str(features),
            gpu_ids=[], num_workers=job["workers"], verbose_level=0,
            model_save_dir=job["folder"], res_save_dir=job["folder"], log_dir=job["folder"],
        )  # fmt: skip
    finally:
        mmsa.MMDataLoader, mmsa._run = load, run
        logging.getLogger("MMSA").handlers.clear()  # it adds more at every run, and would slow down
    return {
        "seconds": np.diff(found["clock"].starts).tolist(),
        "accuracy": found["scores"]["Non0_acc_2"],
        "parameters": found["parameters"],
    }


def processor_seconds() -> float:
    """Return what this process has used so far, and those of its loaders that have ended."""
    used = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(one.ru_utime + one.ru_stime for one in used)


class Clock:
    """Training batches that note when each epoch begins, and end the training after so many.

    MMSA stops once `early_stop` epochs have brought nothing better: never, and in the last epoch at once.
    """

    def __init__(self, batches: Any, args: Any, epochs: int) -> None:
        self.batches, self.args, self.epochs = batches, args, epochs
        self.starts: list[float] = []
        args["early_stop"] = sys.maxsize

    def __len__(self) -> int:
        return len(self.batches)

    def __iter__(self) -> Iterator[Any]:
        self.starts.append(processor_seconds())
        if len(self.starts) == self.epochs:
            self.args["early_stop"] = 0
        return iter(self.batches)


if __name__ == "__main__":
    main(json.loads(Path(sys.argv[1]).read_text("utf-8")))
