"""A newcomer's first minutes: `make demo`, then `make test`, in an empty clone with nothing cached.

    python benchmarks/demo.py

Needs git, make, python3 and a package index. Records how long each took, and that with every sense the
demo's model does better than with any one alone.
"""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
import time
from pathlib import Path

from report import ROOT
from results import record

LOWER_IS_BETTER = {"transcript": "wer"}
HIGHER_IS_BETTER = {"intent": "accuracy", "place": "pearson"}


def timed(command: list[str], folder: Path) -> float:
    began = time.monotonic()
    environment = {**os.environ, "PIP_NO_CACHE_DIR": "1", "TRICHORD_CACHE": str(folder / "cache")}
    subprocess.run(command, cwd=folder / "trichord", env=environment, check=True)
    return time.monotonic() - began


def fused_wins(results: dict) -> bool:
    """Whether all senses together beat each one alone, on every head."""
    alone = [name for name in results if name != "all" and "+" not in name]

    def score(streams: str, head: str, metric: str) -> float:
        value = results[streams]["heads"][head][metric]["value"]
        return 0.0 if value is None else value  # the correlation of a constant

    lower = all(score("all", h, m) < score(s, h, m) for h, m in LOWER_IS_BETTER.items() for s in alone)
    higher = all(score("all", h, m) > score(s, h, m) for h, m in HIGHER_IS_BETTER.items() for s in alone)
    return lower and higher


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        subprocess.run(["git", "clone", "--quiet", str(ROOT), str(folder / "trichord")], check=True)
        demo = timed(["make", "demo"], folder)
        evaluation = folder / "trichord" / "runs" / "demo" / "evaluation.json"
        wins = fused_wins(json.loads(evaluation.read_text("utf-8"))["test"])
        tests = timed(["make", "test"], folder)
    note = "empty clone, no package cache; all senses beat each alone on every head: " + (
        "yes" if wins else "NO"
    )
    record("demo", demo, "seconds", bar="<= 360", note=note)
    record("demo/test", tests, "seconds", bar="<= 300", note="make test in the same clone, once installed")
    print(f"make demo {demo:.0f} s, make test {tests:.0f} s; {note}")


if __name__ == "__main__":
    main()
