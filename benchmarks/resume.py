"""A run killed outright in the middle of an epoch, then resumed: does it end with the same weights?

    python benchmarks/resume.py

Trains `recipes/scenes.yaml` for two epochs three times: whole, whole again, and killed with SIGKILL part way
through. Records how many bytes differ, of the best weights and of the last.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import torch
from report import ROOT
from results import record

SETTINGS = ("training.epochs=2", "training.save_seconds=1", "corpus.size=240")


def start(folder: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "trichord", "train", "recipes/scenes.yaml", "--run", str(folder)]
    command += [word for setting in SETTINGS for word in ("--set", setting)]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    return subprocess.Popen(command, cwd=ROOT, env={**os.environ, "OMP_NUM_THREADS": "1"}, **quiet)


def finish(folder: Path) -> bytes:
    if start(folder).wait() != 0:
        raise SystemExit(f"training in {folder} failed")
    state = torch.load(folder / "state.pt", weights_only=True)
    last = b"".join(value.numpy().tobytes() for value in state["model"].values())
    return (folder / "weights.safetensors").read_bytes() + last


def kill_part_way(folder: Path) -> int:
    """Kill a training soon after it has saved its state in mid-epoch; return how many epochs it had done."""
    running = start(folder)
    while not (folder / "state.pt").exists():
        if running.poll() is not None:
            raise SystemExit(f"training in {folder} ended by itself")
        time.sleep(0.05)
    time.sleep(1.5)
    running.send_signal(signal.SIGKILL)
    running.wait()
    epoch, batch, *_ = torch.load(folder / "state.pt", weights_only=True)["counters"]
    if batch == 0:
        raise SystemExit("the state that was saved last is not of mid-epoch; enlarge the epoch")
    return epoch


def differing(a: bytes, b: bytes) -> int:
    return abs(len(a) - len(b)) + sum(x != y for x, y in zip(a, b, strict=False))


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        whole, again, killed = (Path(name) / part for part in ("whole", "again", "killed"))
        first, second = finish(whole), finish(again)
        epochs = kill_part_way(killed)
        resumed = finish(killed)
        note = f"killed with SIGKILL after {epochs} whole epochs, in mid-epoch; scenes, 2 epochs, one thread"
        record(
            "train/resume", differing(first, resumed), "bytes that differ", n=len(first), bar="0", note=note
        )
        record("train/same-seed", differing(first, second), "bytes that differ", n=len(first), bar="0")
        print(f"resumed: {differing(first, resumed)} bytes differ; same seed: {differing(first, second)}")


if __name__ == "__main__":
    main()
