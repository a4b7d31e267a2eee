"""Broken and hostile files: how many of the tests that feed them get one line or a right answer.

python benchmarks/hostile.py
"""

from __future__ import annotations

import re
import subprocess
import sys

from report import ROOT
from results import record

SUITES = (
    "tests/media/test_hostile_media.py",
    "tests/running/test_model_file.py",
    "tests/learning/test_recipe.py",
    "tests/cli/test_cli.py",
)


def main() -> None:
    command = [sys.executable, "-m", "pytest", *SUITES]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    counts = {what: int(n) for n, what in re.findall(r"(\d+) (passed|failed|error)", done.stdout)}
    if "passed" not in counts:
        raise SystemExit(f"the tests did not run:\n{done.stdout}{done.stderr}")
    failed = counts.get("failed", 0) + counts.get("error", 0)
    note = "all tests of the suites that feed broken media, model files, recipes and commands: " + ", ".join(
        SUITES
    )
    record("hostile/files", failed, "failing tests", n=failed + counts["passed"], bar="0", note=note)
    print(counts)


if __name__ == "__main__":
    main()
